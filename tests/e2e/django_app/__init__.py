"""A Django project that lets the gateway say who signs in: the stock middleware, told another header name."""
