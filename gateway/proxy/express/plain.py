"""Which heads are plain: one regular expression that knows no alternatives, then a table of field names.

What is left out here is not refused, it only travels by the general lane. So the form may be as narrow as browsers and scripts are.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable
from dataclasses import dataclass

from gateway.proxy.client_head import HeadLimits

# Possessive quantifiers: each byte is looked at once. One space behind the colon, so that a line is forwarded as it stands.
_HEAD = re.compile(rb"GET (/[!$-~]*+) HTTP/1\.1((?:\r\n[!#$%&'*+.^_`|~0-9A-Za-z-]++: [!-~][\t -~]*+)++)\Z")
_MAX_NAMES = 1024


class Kind(enum.Enum):
    """What becomes of a field of one name."""

    PASS = enum.auto()
    DROP = enum.auto()
    HOST = enum.auto()
    COOKIE = enum.auto()
    CONNECTION = enum.auto()
    HAND_OVER = enum.auto()  # the general lane knows what to do with it


_SPECIAL = {
    b"host": Kind.HOST,
    b"cookie": Kind.COOKIE,
    b"connection": Kind.CONNECTION,
    **dict.fromkeys(
        (b"content-length", b"transfer-encoding", b"upgrade", b"expect", b"via", b"max-forwards", b"trailer", b"te"), Kind.HAND_OVER
    ),
}


@dataclass(frozen=True, slots=True)
class Plain:
    """A plain GET request without a body.

    Attributes:
        target: As it came.
        host: The value of Host, as it came.
        cookie: The value of the one Cookie line, or None.
        lines: The field lines that pass, as they came.
    """

    target: bytes
    host: bytes
    cookie: bytes | None
    lines: list[bytes]


class PlainReader:
    """Reads heads; remembers what field names mean.

    Args:
        drops: Says of a field name whether the general lane would drop it on its way to the upstream.
        limits: A head beyond them is left to the general lane, which says so.
    """

    def __init__(self, drops: Callable[[bytes], bool], limits: HeadLimits) -> None:
        self._drops = drops
        self._line = limits.line - len(b"GET  HTTP/1.1")
        self._field = limits.field
        self._count = limits.count
        self._total = limits.total - len(b"\r\n\r\n")
        self._kinds: dict[bytes, Kind] = {}

    def read(self, raw: bytes) -> Plain | None:
        """The request, or None if it is for the general lane."""
        match = _HEAD.match(raw)
        if match is None:
            return None
        target, block = match.groups()
        fields = block.split(b"\r\n")
        if len(target) > self._line or len(fields) - 1 > self._count or len(raw) > self._total:
            return None
        if len(raw) > self._field and len(max(fields, key=len)) > self._field:
            return None
        kinds = self._kinds
        host: bytes | None = None
        cookie: bytes | None = None
        lines: list[bytes] = []
        del fields[0]
        for line in fields:
            name = line[: line.index(b":")]
            kind = kinds.get(name) or self._learn(name)
            if kind is Kind.PASS:
                # The general lane cuts white space behind a value; a line that has some is not plain.
                if line[-1] in b" \t":
                    return None
                lines.append(line)
            elif kind is Kind.DROP:
                pass
            elif kind is Kind.HOST:
                if host is not None:
                    return None
                host = line[6:]
            elif kind is Kind.COOKIE:
                if cookie is not None:
                    return None
                cookie = line[8:]
            elif kind is Kind.HAND_OVER or line[12:].lower() != b"keep-alive":
                return None
        return None if host is None else Plain(target, host, cookie, lines)

    def _learn(self, name: bytes) -> Kind:
        kind = _SPECIAL.get(name.lower()) or (Kind.DROP if self._drops(name) else Kind.PASS)
        if len(self._kinds) >= _MAX_NAMES:  # clients choose the names, so the table must have an end
            self._kinds.clear()
        self._kinds[name] = kind
        return kind
