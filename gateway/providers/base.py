"""The port that every way of signing in fits: declared fields, three answers, and an exception only when there is none."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from gateway.core.identity import User

_CODE = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One input of the sign-in form, as `[providers.credentials.<key>]` declares it.

    `attributes` holds every further key, to become an attribute of the `<input>`: `placeholder`, `style`, `required`, ...
    """

    key: str
    label: str
    type: str = "text"
    attributes: Mapping[str, str | bool | int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What somebody posted, and the request that it came with. `str()` and `repr()` show the names of the fields only.

    Attributes:
        fields: All posted keys, declared or not, as text.
        client: The address of the client, as far as listed proxies are believed.
        url: The address that was posted to, as the browser knows it.
        headers: The request's, by lower-case name.
        query: The parameters of `url`.
    """

    fields: Mapping[str, str]
    client: str = ""
    url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Credentials(fields={sorted(self.fields)})"

    __str__ = __repr__


@dataclass(frozen=True, slots=True)
class Accepted:
    """These are the credentials of `user`. `provider` is the id of the provider that says so."""

    user: User
    provider: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """The provider knows whose these are, or should be, and they are wrong.

    Attributes:
        why: For the log only, never for the client.
        code: For the client: a word of letters, digits, `_` and `-` that the page and `signIn()` of `next-auth/react` show. Whoever tries a
            name learns it, so a code that depends on the account tells who has one; "" says nothing.
    """

    why: str = ""
    provider: str = ""
    code: str = ""

    def __post_init__(self) -> None:
        """Check the code.

        Raises:
            ValueError: It is none.
        """
        if self.code and not _CODE.fullmatch(self.code):
            raise ValueError("a code is 1 to 64 letters, digits, _ and -")


class SignInRefused(Exception):
    """What an `authorize()` of Python may raise instead of giving `Rejected(code=...)`."""

    def __init__(self, code: str) -> None:
        self.code = Rejected(code=code).code
        super().__init__("the sign-in is refused")


@dataclass(frozen=True, slots=True)
class NotMine:
    """The provider does not know whose these are; the next one may."""


Answer = Accepted | Rejected | NotMine


class Provider(Protocol):
    """A named way to sign in."""

    @property
    def id(self) -> str:
        """The `id` of the `[[providers]]` entry; part of the address that the form posts to."""

    @property
    def name(self) -> str:
        """What the button says."""

    @property
    def fields(self) -> tuple[Field, ...]:
        """The inputs of the form, in order."""

    async def authorize(self, credentials: Credentials) -> Answer:
        """Say whose credentials these are.

        Raises:
            ProviderUnavailable: No answer could be had; the sign-in shows 503, not "wrong password".
        """

    async def find(self, user_id: str) -> User | None:
        """Look a user up without credentials, for `gateway explain --as`; None if unknown or if this provider can't."""

    async def find_active(self, user_id: str) -> User | None:
        """As `find`, by the id alone, and only if the user may sign in: for tokens, which must not outlive that."""

    async def start(self) -> None:
        """Open what is needed (a file, a pool). Called once, on the running loop, before the first request.

        Raises:
            ConfigError: It can't work as configured.
        """

    async def close(self) -> None:
        """Let go of everything; safe to call twice."""
