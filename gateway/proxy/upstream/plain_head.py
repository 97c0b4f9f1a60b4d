"""Response heads of the form that almost every upstream sends, sorted in one pass. Whatever is not plain is read the long way.

Plain means: HTTP/1.1, a status with a body, printable ASCII, one space behind each colon, and no field that needs a second look. The
result is what the long way would come to, which a property test holds.
"""

from __future__ import annotations

from gateway.proxy.fields import TOKEN, is_plain_block
from gateway.proxy.private import is_for_some_caches

_STATUS = {b"HTTP/1.1 %d " % status: status for status in range(200, 600) if status not in (204, 304)}
_MAX_NAMES = 1024  # upstreams are few, but one may make names up
_MAX_DIGITS = 18
_SPACE = 0x20  # and the tab below it


# Plain numbers: comparing members of an Enum would cost more than the rest of the loop.
_PASS, _LENGTH, _CODING, _CONNECTION, _CACHE_CONTROL, _VARY, _QUESTION = range(7)
_SPECIAL = {
    b"content-length": _LENGTH,
    b"transfer-encoding": _CODING,
    b"connection": _CONNECTION,
    b"cache-control": _CACHE_CONTROL,
    b"vary": _VARY,
    **dict.fromkeys(
        (b"set-cookie", b"keep-alive", b"upgrade", b"trailer", b"te", b"proxy-connection", b"proxy-authenticate", b"proxy-authorization",
         b"proxy-authentication-info", b"http2-settings", b"x-gateway-reason"),
        _QUESTION,
    ),
}  # fmt: skip
_kinds: dict[bytes, int] = {}


class PlainFields:
    """A plain head.

    Attributes:
        start: The status line.
        all: Every field line, as it came.
        passing: The lines that go on to the client whatever the rules say, Content-Length among them.
        cache_control, vary: Their values, or None.
    """

    __slots__ = ("all", "cache_control", "chunked", "content_length", "passing", "reason", "start", "status", "vary")

    def __init__(self, start: bytes, status: int) -> None:
        self.start = start
        self.status = status
        self.reason = start[13:]
        self.all: list[bytes] = []
        self.passing: list[bytes] = []
        self.content_length: int | None = None
        self.chunked = False
        self.cache_control: bytes | None = None
        self.vary: bytes | None = None


def read_plain(data: bytes) -> PlainFields | None:
    """Read a head without the empty line at its end; None if it is not plain."""
    lines = data.split(b"\r\n")
    start = lines[0]
    status = _STATUS.get(start[:13])
    if status is None or not is_plain_block(data, len(lines) - 1):
        return None
    plain = PlainFields(start, status)
    del lines[0]
    plain.all = lines
    passing = plain.passing
    for line in lines:
        name, colon, value = line.partition(b": ")
        if not colon or line[-1] <= _SPACE or value[0] <= _SPACE:
            return None
        kind = _kinds.get(name)
        if kind is None:
            kind = _learn(name)
        if kind == _PASS:
            passing.append(line)
        elif not _note(plain, kind, line, value):
            return None
    return None if plain.chunked and plain.content_length is not None else plain


def _note(plain: PlainFields, kind: int, line: bytes, value: bytes) -> bool:
    """Take a field with a meaning; False if it raises a question."""
    if kind == _LENGTH:
        if plain.content_length is not None or not value.isdigit() or len(value) > _MAX_DIGITS:
            return False
        plain.content_length = int(value)
        plain.passing.append(line)
    elif kind == _CONNECTION:
        return value.lower() == b"keep-alive"
    elif kind == _CACHE_CONTROL and plain.cache_control is None:
        plain.cache_control = value
    elif kind == _VARY and plain.vary is None:
        plain.vary = value
    elif kind == _CODING and not plain.chunked and value.lower() == b"chunked":
        plain.chunked = True
    else:
        return False
    return True


def _learn(name: bytes) -> int:
    if not TOKEN.match(name):
        return _QUESTION
    kind = _QUESTION if is_for_some_caches(name.lower()) else _SPECIAL.get(name.lower(), _PASS)
    if len(_kinds) >= _MAX_NAMES:
        _kinds.clear()
    _kinds[name] = kind
    return kind
