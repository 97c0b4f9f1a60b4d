"""The room that speaks aiohttp.web: the app, its guard, its pages. It performs what the core decided."""
