"""What an upstream is told by one request, sorted by who says it: the gateway, or the browser."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote

from gateway.core.headers import fold

_FORWARDING = frozenset(
    fold(name) for name in ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port", "Forwarded")
)
_FORWARDING |= {fold(name) for name in ("X-Real-IP", "X-Request-Id", "Via")}
#: Beginnings of the gateway's own cookie names; none of them may ever arrive here.
_OWN_COOKIES = ("authjs.", "__secure-authjs.", "__host-authjs.", "next-auth.", "__secure-next-auth.", "__host-next-auth.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One header line, and who says it: `identity`, `forwarding` (both the gateway), or `client`."""

    name: str
    value: str
    said_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Everything that one request says.

    Attributes:
        target: Path and query, byte for byte.
        user: What the person is called by the identity headers, or None if they say nothing.
        user_id: What the gateway calls the person, or None.
        leaked: Names of gateway cookies that arrived; always empty, or the gateway is broken.
    """

    method: str
    target: str
    path: str
    query: tuple[tuple[str, str], ...]
    lines: tuple[Line, ...]
    body_bytes: int
    user: str | None
    user_id: str | None
    leaked: tuple[str, ...]

    @property
    def identity(self) -> tuple[Line, ...]:
        """The headers that say who it is, decoded for a person."""
        return tuple(line for line in self.lines if line.said_by == "identity")

    @property
    def through_gateway(self) -> bool:
        """True if the request came by the gateway (it always adds Via); otherwise nothing said here can be believed."""
        return any(line.said_by == "forwarding" and fold(line.name) == "via" for line in self.lines)

    def as_json(self) -> dict[str, object]:
        """The same for programs."""
        return {
            "method": self.method,
            "target": self.target,
            "user": self.user,
            "identity": {line.name: line.value for line in self.identity},
            "headers": [[line.name, line.value] for line in self.lines],
            "body_bytes": self.body_bytes,
        }


def told_of(method: str, target: str, headers: Iterable[tuple[str, str]], identity: Iterable[str], *, body_bytes: int = 0) -> Told:
    """Sort one request."""
    ours = {fold(name) for name in identity}
    lines = tuple(Line(name=name, value=_readable(value), said_by=_said_by(name, ours)) for name, value in headers)
    path, _, query = target.partition("?")
    said = {fold(line.name): unquote(line.value) for line in lines if line.said_by == "identity"}
    return Told(
        method=method,
        target=target,
        path=unquote(path),
        query=tuple(parse_qsl(query, keep_blank_values=True)),
        lines=lines,
        body_bytes=body_bytes,
        user=_first(said, ("preferredusername", "username", "remotename", "name", "user", "userid")),
        user_id=_first(said, ("userid", "user", "username")),
        leaked=tuple(_own_cookies(lines)),
    )


def _readable(value: str) -> str:
    """A value with bytes that are no UTF-8 (aiohttp keeps them as half characters) can't be shown as it is."""
    return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _said_by(name: str, identity: set[str]) -> str:
    folded = fold(name)
    return "identity" if folded in identity else "forwarding" if folded in _FORWARDING else "client"


def _first(said: dict[str, str], endings: tuple[str, ...]) -> str | None:
    """The first value whose name ends in one of the words, in the order of the words."""
    for ending in endings:
        for name, value in said.items():
            if name.endswith(ending) and value:
                return value
    return None


def _own_cookies(lines: Iterable[Line]) -> Iterable[str]:
    for line in lines:
        if line.name.lower() == "cookie":
            for pair in line.value.split(";"):
                name = pair.partition("=")[0].strip()
                if name.lower().startswith(_OWN_COOKIES):
                    yield name
