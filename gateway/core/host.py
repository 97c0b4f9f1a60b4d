"""Hosts: which ones the gateway answers for, and the public origin of each. Nothing else is ever built from a Host header."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

# RFC 9110 7.2, RFC 3986 3.2.2: a registered name or IPv4, or an IPv6 literal in brackets; then an optional port.
_HOST = re.compile(r"(?P<name>[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?\.?|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{1,5}))?\Z")
_DEFAULT_PORT = {"http": 80, "https": 443}


def read_host(value: str, *, scheme: str) -> str | None:
    """Make a Host value comparable: lower case, without the scheme's own port and a final dot. None if it is not one host."""
    match = _HOST.match(value.lower())
    if match is None:
        return None
    name = match["name"].removesuffix(".")
    if match["port"] is None:
        return name
    port = int(match["port"])
    if not 1 <= port <= 65535:
        return None
    return name if port == _DEFAULT_PORT.get(scheme) else f"{name}:{port}"


@dataclass(frozen=True, slots=True)
class HostPattern:
    """`app.example.com`, or `*.example.com` for one more label in front; the port counts where it is not the scheme's own."""

    text: str

    def matches(self, host: str) -> bool:
        """True if the asked host (from `read_host`) is meant."""
        return self.text in pattern_texts(host)


def pattern_texts(host: str) -> tuple[str, ...]:
    """How the patterns are written that mean an asked host."""
    label, dot, rest = host.partition(".")
    return (host, f"*.{rest}") if label and dot else (host,)


@dataclass(frozen=True, slots=True)
class Hosts:
    """All hosts that the gateway answers for, on one public scheme.

    Attributes:
        rooms: Paths that, with all below, are the gateway's own on each of them, besides `/api/auth` and `/.gateway`.
    """

    scheme: str
    patterns: tuple[HostPattern, ...]
    rooms: tuple[str, ...] = ()
    _texts: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_texts", frozenset(pattern.text for pattern in self.patterns))

    def covers(self, host: str) -> bool:
        """True if the asked host is one of ours; as quick for thousands of them."""
        return not self._texts.isdisjoint(pattern_texts(host))

    def origin(self, host: str) -> str:
        """The public origin of one of our hosts, for example `https://app.example.com`."""
        return f"{self.scheme}://{host}"
