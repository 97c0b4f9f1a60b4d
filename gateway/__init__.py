"""A login in front of any HTTP service."""

__version__ = "0.1.0"
