"""Which heads are plain: checks on the whole head that cost one pass in C each, then a table of field names.

What is left out here is not refused, it only travels by the general lane. So the form may be as narrow as browsers and scripts are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gateway.proxy.client.head import HeadLimits
from gateway.proxy.fields import TOKEN, is_plain_block

_MAX_NAMES = 1024
_SPACE = 0x20  # and the tab below it


# What becomes of a field of one name. Plain numbers: comparing members of an Enum would cost more than the rest of the loop.
_PASS, _DROP, _HOST, _COOKIE, _CONNECTION, _HAND_OVER = range(6)
_SPECIAL = {
    b"host": _HOST,
    b"cookie": _COOKIE,
    b"connection": _CONNECTION,
    **dict.fromkeys(
        (b"content-length", b"transfer-encoding", b"upgrade", b"expect", b"via", b"max-forwards", b"trailer", b"te"), _HAND_OVER
    ),
}


@dataclass(slots=True)
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
        self._kinds: dict[bytes, int] = {}

    def read(self, raw: bytes) -> Plain | None:
        """The request, or None if it is for the general lane."""
        fields = raw.split(b"\r\n")
        count = len(fields) - 1
        start = fields[0]
        target = start[4:-9]
        if (
            not (start.startswith(b"GET /") and start.endswith(b" HTTP/1.1"))
            or not is_plain_block(raw, count)
            or b" " in target
            or b"#" in target
            or b"\t" in target
            or count > self._count
            or len(target) > self._line
            or len(raw) > self._total
            or (len(raw) > self._field and len(max(fields, key=len)) > self._field)
        ):
            return None
        kinds = self._kinds
        host: bytes | None = None
        cookie: bytes | None = None
        lines: list[bytes] = []
        del fields[0]
        for line in fields:
            name, colon, value = line.partition(b": ")
            # The general lane trims white space around values, so a line with some would not be forwarded as it stands.
            if not colon or line[-1] <= _SPACE or value[0] <= _SPACE:
                return None
            kind = kinds.get(name)
            if kind is None:
                kind = self._learn(name)
            if kind == _PASS:
                lines.append(line)
            elif kind == _DROP:
                pass
            elif kind == _HOST:
                if host is not None:
                    return None
                host = value
            elif kind == _COOKIE:
                if cookie is not None:
                    return None
                cookie = value
            elif kind == _HAND_OVER or value.lower() != b"keep-alive":
                return None
        return None if host is None else Plain(target, host, cookie, lines)

    def _learn(self, name: bytes) -> int:
        if not TOKEN.match(name):
            return _HAND_OVER
        kind = _SPECIAL.get(name.lower()) or (_DROP if self._drops(name) else _PASS)
        if len(self._kinds) >= _MAX_NAMES:  # clients choose the names, so the table must have an end
            self._kinds.clear()
        self._kinds[name] = kind
        return kind
