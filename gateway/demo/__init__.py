"""The demo: an app that shows what it was told, and a configuration that puts the gateway in front of it."""
