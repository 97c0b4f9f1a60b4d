"""Response heads of the form that almost every upstream sends, sorted in one pass. Whatever is not plain is read the long way.

Plain means: HTTP/1.1, a status with a body, printable ASCII, one space behind each colon, and no field that needs a second look. The
result is what the long way would come to, which a property test holds.
"""

from __future__ import annotations

import enum

from gateway.proxy.fields import TOKEN, is_plain_block

_STATUS = {b"HTTP/1.1 %d " % status: status for status in range(200, 600) if status not in (204, 304)}
_MAX_NAMES = 1024  # upstreams are few, but one may make names up
_MAX_DIGITS = 18


class _Kind(enum.Enum):
    PASS = enum.auto()
    LENGTH = enum.auto()
    CODING = enum.auto()
    CONNECTION = enum.auto()
    CACHE_CONTROL = enum.auto()
    VARY = enum.auto()
    QUESTION = enum.auto()


_SPECIAL = {
    b"content-length": _Kind.LENGTH,
    b"transfer-encoding": _Kind.CODING,
    b"connection": _Kind.CONNECTION,
    b"cache-control": _Kind.CACHE_CONTROL,
    b"vary": _Kind.VARY,
    **dict.fromkeys(
        (b"set-cookie", b"keep-alive", b"upgrade", b"trailer", b"te", b"proxy-connection", b"proxy-authenticate", b"proxy-authorization",
         b"proxy-authentication-info", b"http2-settings", b"x-gateway-reason"),
        _Kind.QUESTION,
    ),
}  # fmt: skip
_kinds: dict[bytes, _Kind] = {}


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
        kind = _kinds.get(name) or _learn(name)
        if not colon:
            return None
        if kind is _Kind.PASS:
            passing.append(line)
        elif not _note(plain, kind, line, value):
            return None
    return None if plain.chunked and plain.content_length is not None else plain


def _note(plain: PlainFields, kind: _Kind, line: bytes, value: bytes) -> bool:
    """Take a field with a meaning; False if it raises a question."""
    match kind:
        case _Kind.LENGTH:
            if plain.content_length is not None or not value.isdigit() or len(value) > _MAX_DIGITS:
                return False
            plain.content_length = int(value)
            plain.passing.append(line)
        case _Kind.CONNECTION:
            return value.lower() == b"keep-alive"
        case _Kind.CODING:
            if plain.chunked or value.lower() != b"chunked":
                return False
            plain.chunked = True
        case _Kind.CACHE_CONTROL:
            if plain.cache_control is not None:
                return False
            plain.cache_control = value
        case _Kind.VARY:
            if plain.vary is not None:
                return False
            plain.vary = value
        case _:
            return False
    return True


def _learn(name: bytes) -> _Kind:
    if not TOKEN.match(name):
        return _Kind.QUESTION
    kind = _SPECIAL.get(name.lower(), _Kind.PASS)
    if len(_kinds) >= _MAX_NAMES:
        _kinds.clear()
    _kinds[name] = kind
    return kind
