"""Accounts whose password hash we hold ourselves: who is named by what was posted, and what the password is worth."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.core.errors import ProviderUnavailable
from gateway.providers.attributes import AttributesRefused, user_of
from gateway.providers.base import Accepted, Credentials, Field, Rejected
from gateway.providers.passwords import Passwords

_log = logging.getLogger(__name__)

#: The fields that are read here; whatever else a form declares is for others.
NAME_KEY = "username"
PASSWORD_KEY = "password"  # noqa: S105  (a key, no password)

#: The form where the configuration declares none.
DEFAULT_FIELDS = (
    Field(key=NAME_KEY, label="Username", attributes={"autocomplete": "username"}),
    Field(key=PASSWORD_KEY, label="Password", type="password", attributes={"autocomplete": "current-password"}),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One user as stored. `attributes` is what `user_of` reads; `name` is what is typed at sign-in."""

    name: str
    password: str = field(repr=False)
    disabled: bool = False
    attributes: Mapping[str, object] = field(default_factory=dict)


def read_login(credentials: Credentials) -> tuple[str, str] | None:
    """Name and password as posted; None if one is missing or the name can't be anybody's. A check of the settings sees to the fields."""
    name, password = credentials.fields.get(NAME_KEY), credentials.fields.get(PASSWORD_KEY)
    if name is None or password is None or not name or "\0" in name:  # PostgreSQL has no NUL in text
        return None
    try:
        name.encode()
    except UnicodeEncodeError:
        return None
    return name, password


async def judge(account: Account, password: str, passwords: Passwords, provider: str) -> tuple[Accepted | Rejected, str | None]:
    """Compare, and say whose account it is; with it comes the hash to store from now on, if the stored one is out of date.

    A disabled account costs as much as any other, and the password is compared first: only its owner could tell.

    Raises:
        HashingBusy: The queue in front of the hashing is full.
        ProviderUnavailable: The password is right, but the stored attributes make no user.
    """
    verified = await passwords.verify(password, account.password)
    if verified.why:
        _log.error("password-hash-unusable provider=%s user=%r: %s", provider, account.name, verified.why)
        return Rejected("hash-unusable", provider), None
    if not verified.ok:
        return Rejected("wrong-password", provider), None
    if account.disabled:
        return Rejected("disabled", provider), None
    try:
        user = user_of(account.attributes, default_id=account.name)
    except AttributesRefused as refused:
        _log.error("user-unreadable provider=%s user=%r: %s", provider, account.name, refused)
        raise ProviderUnavailable(provider, "the attributes of the user can't be read") from refused
    return Accepted(user, provider), verified.new_hash
