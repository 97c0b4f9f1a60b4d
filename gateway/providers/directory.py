"""The port of the commands that manage users, where we hold them ourselves: a users file or a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from gateway.core.errors import GatewayError
from gateway.providers.accounts import Account


class DirectoryError(GatewayError):
    """A user could not be added, changed or removed; the message says why, in words for the operator."""


class UserExists(DirectoryError):
    """There is a user of this name already."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is a user {name!r} already")


class IdTaken(DirectoryError):
    """Another user has this id."""

    def __init__(self, identifier: str) -> None:
        super().__init__(f"another user has the id {identifier!r}: choose another with `--id`")


class UserMissing(DirectoryError):
    """There is no user of this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no user {name!r}")


class Directory(Protocol):
    """A place that holds users. Every method may raise `DirectoryError`, `ConfigError` or `ProviderUnavailable`."""

    @property
    def place(self) -> str:
        """Where that is, for a person: a file's path, or a database without its password."""

    async def accounts(self) -> Sequence[Account]:
        """All users, by name."""

    async def add(self, name: str, password_hash: str, attributes: Mapping[str, object]) -> None:
        """Add a user.

        Raises:
            UserExists: The name is taken.
            IdTaken: The id is another user's.
        """

    async def set_password(self, name: str, password_hash: str, *, instead_of: str | None = None) -> bool:
        """Store another hash; with `instead_of` only if that one is still stored. False if it was not.

        Raises:
            UserMissing: There is no such user.
        """

    async def set_disabled(self, name: str, disabled: bool) -> None:
        """Let a user sign in or not.

        Raises:
            UserMissing: There is no such user.
        """

    async def remove(self, name: str) -> None:
        """Forget a user.

        Raises:
            UserMissing: There is no such user.
        """

    async def close(self) -> None:
        """Let go of everything; safe to call twice."""
