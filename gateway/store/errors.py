"""What can go wrong with a store, and how its address may be shown; here, so that nobody has to import a driver for it."""

from __future__ import annotations


class StoreAway(Exception):
    """The store gave no answer: it is gone, too slow, or not ready."""


class WrongDatabase(Exception):
    """The database can't be used as it is configured; `cure` says what to do. Neither holds a password."""

    def __init__(self, what: str, cure: str) -> None:
        self.cure = cure
        super().__init__(what)


def shown_url(url: str) -> str:
    """The URL without user, password and parameters, for logs and messages."""
    scheme, mark, rest = url.partition("://")
    return f"{scheme}{mark}{rest.partition('?')[0].rpartition('@')[2]}"
