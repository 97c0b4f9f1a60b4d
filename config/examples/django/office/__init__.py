"""A Django project behind the gateway."""
