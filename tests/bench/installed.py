"""What to say of a server that a machine does not have."""

from __future__ import annotations


class NotInstalled(Exception):
    """It can't be had here; the text says what is missing and how to get it."""
