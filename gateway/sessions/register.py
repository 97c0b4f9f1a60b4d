"""The port to the register of sign-ins: who is signed in, since when and from where; with `strategy = "server"` the sessions themselves.

What it holds opens nothing by itself. A session is kept as the same sealed token that a cookie would hold, under a hash of the id in the
cookie: whoever reads the store learns neither claims nor ids, and whoever writes to it can make no session.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

MAX_BROWSER = 256  # characters of what a browser says of itself


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """One sign-in that has not ended.

    Attributes:
        id: The sign-in's `sid`. It is no secret.
        seen_at: When a token of it was last renewed, so some minutes old.
        ends_at: When it ends if it is not seen again.
        address: Of the client that signed in.
        browser: Its User-Agent, cut.
    """

    id: str
    user_id: str
    provider: str
    signed_in_at: datetime
    seen_at: datetime
    ends_at: datetime
    address: str = ""
    browser: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class Kept:
    """A session that lives in the store.

    Attributes:
        key: The hash of what the cookie holds, in hex.
        token: The session, sealed.
    """

    key: str
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What changes of a sign-in when its token is renewed.

    Attributes:
        late: It was noted a while ago: what was written since then stays.
    """

    id: str
    seen_at: datetime
    ends_at: datetime
    kept: Kept | None = None
    late: bool = False


class Register(Protocol):
    """Every method may raise `StoreAway` or `WrongDatabase`, and nothing else; none takes longer than its limit."""

    @property
    def place(self) -> str:
        """Its address, as logs may show it."""

    async def prepare(self) -> None:
        """Make ready."""

    async def add(self, sign_in: SignIn, kept: Kept | None, *, limit_s: float) -> None:
        """Write down a new one; twice the same does no harm."""

    async def renew(self, seen: Sequence[Seen], *, limit_s: float) -> None:
        """Note that some were seen; one that was ended meanwhile stays so."""

    async def remove(self, ids: Collection[str], *, limit_s: float) -> None:
        """Forget some."""

    async def token(self, key: str, *, limit_s: float) -> str | None:
        """The sealed session of a key; None without one."""

    async def of(self, user_id: str | None, *, limit_s: float, most: int) -> Sequence[SignIn]:
        """Those of one user, or of all, last seen first."""

    async def find(self, id: str, *, limit_s: float) -> SignIn | None:
        """One of them."""

    async def prune(self, *, before: datetime, limit_s: float) -> None:
        """Forget those that ended before; in steps, each with the limit."""

    async def close(self) -> None:
        """Let go of everything; safe to call twice."""
