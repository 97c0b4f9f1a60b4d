"""The database of the gateway: opening it, and bringing tables up to date. Which tables there are is each room's own affair."""
