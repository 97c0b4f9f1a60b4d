"""The table of decisions (`tests/corpus/decisions`): its cases, and the request and the session that each of them stands for."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gateway.core.identity import User
from gateway.core.lifetime import Lifetime
from gateway.sessions.cookies import SessionCookies
from gateway.sessions.csrf import Csrf
from gateway.sessions.keys import KeyRing

FOLDER = Path(__file__).parent / "corpus" / "decisions"
CONFIGURATION = (FOLDER / "gateway.toml").read_text("utf-8")
HOST = "app.example.com"
SECRET = "a-test-secret-that-is-long-enough-for-anybody"
#: Everybody who may be signed in. They are told to the gateway by their cookies alone, so no provider has to know them.
PEOPLE = {
    user.id: user
    for user in (
        User(id="ada", name="Ada Lovelace", email="ada@example.com", roles=("admin",), groups=("staff", "maths")),
        User(id="bob", name="Bob"),
        User(id="cleo", roles=("editor",), groups=("guests",)),
        User(id="dora", roles=("staff",)),
        User(id="eric", roles=("admin",), groups=("staff",)),
        User(id="fred", groups=("maths",)),
        User(id="gina", roles=("Admin", "admin ", "admins")),
        User(id="mallory", claims={"address": {"street": "a table has no header value"}}),
    )
}
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@dataclass(frozen=True, kw_only=True)
class Case:
    """One case; `tests/corpus/decisions/README.md` says what the keys mean."""

    id: str
    request: str
    decision: str
    reason: str
    host: str = HOST
    headers: list[str] = field(default_factory=list)
    who: str | None = None
    issued: str = "0s"
    signed_in: str = ""
    status: int | None = None
    location: str | None = None
    route: str | None = None
    told: str | None = None
    exactly: bool = False
    raw: bool = False

    @property
    def method(self) -> str:
        """The method."""
        return self.request.partition(" ")[0]

    @property
    def target(self) -> str:
        """What is asked for."""
        return self.request.partition(" ")[2]

    def lines(self, now: datetime) -> list[str]:
        """The header lines, Host first."""
        cookie = cookie_of(self, now)
        length = ["Content-Length: 0"] if self.method in ("POST", "PUT", "PATCH") else []
        return [f"Host: {self.host}", *self.headers, *([f"Cookie: {cookie}"] if cookie is not None else []), *length]

    def head(self, now: datetime) -> bytes:
        """The request head, without the empty line at its end."""
        return "\r\n".join([f"{self.request} HTTP/1.1", *self.lines(now)]).encode("utf-8")


def cases() -> list[Case]:
    """All of them, in the order of the file."""
    entries = tomllib.loads((FOLDER / "cases.toml").read_text("utf-8"))["case"]
    return [Case(**{("who" if key == "as" else key): value for key, value in entry.items()}) for entry in entries]


def cookie_of(case: Case, now: datetime) -> str | None:
    """The Cookie line of a case: a session made and renewed when the case says, or something that is none."""
    name = "authjs.session-token"
    match case.who:
        case None:
            return None
        case "unreadable":
            return f"{name}=a.b.c.d.e"
        case "empty":
            return f"{name}="
        case "csrf-only":
            return f"authjs.csrf-token={Csrf(SECRET).issue()[1]}"
        case "foreign":
            return _session_cookie(PEOPLE["ada"], now, now, secret="another-secret-that-is-long-enough-for-all")
        case "cut":
            return _session_cookie(PEOPLE["ada"], now, now)[:-7]
        case who:
            issued = now - _span(case.issued)
            return _session_cookie(PEOPLE[who], now - _span(case.signed_in or case.issued), issued)


def _session_cookie(user: User, signed_in: datetime, issued: datetime, *, secret: str = SECRET) -> str:
    cookies = SessionCookies(KeyRing.of([secret]), secure=False, lifetime=Lifetime(absolute=timedelta(days=30)))
    session = cookies.renewed(cookies.new(user, "credentials", now=signed_in), now=issued)
    return cookies.write(session, now=issued)[-1].partition(";")[0]


def _span(text: str) -> timedelta:
    match = re.fullmatch(r"(-?\d+)([smhd])", text)
    assert match is not None, text
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def now() -> datetime:
    """The time, in whole seconds, as tokens tell it."""
    return datetime.now(UTC).replace(microsecond=0)
