"""One request head from a client: read strictly once, or refused. Both lanes start from what this file lets through.

RFC 9112 lets a server repair many things (bare line feeds, folded lines, several lengths). Every repair is a chance for the next
reader to see another request, so nothing is repaired here (promises 1 to 4; CVE-2023-37276, CVE-2024-52304, CVE-2025-53643).
"""

from __future__ import annotations

import re
from collections.abc import Set
from dataclasses import dataclass, replace

from gateway.core.host import read_host
from gateway.core.reason import Reason
from gateway.proxy.fields import TOKEN, RawHeaders, is_plain_block

_REQUEST_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([\x21-\x7e\x80-\xff]+) HTTP/([0-9])\.([0-9])\Z")
# token ":" OWS field-value OWS (RFC 9112 5); a value holds visible bytes, spaces and tabs only.
_FIELD = re.compile(
    rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*((?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?)[ \t]*\Z"
)
# RFC 9112 3.2: origin-form and absolute-form; the other two are for OPTIONS and CONNECT only, and CONNECT is refused.
_TARGET = re.compile(rb"(?:/[\x21\x22\x24-\x7e]*|https?://([^/?#\\@]+)(?:[/?][\x21\x22\x24-\x7e]*)?)\Z", re.IGNORECASE)
# The methods that every lane's parser knows (the IANA registry's, and PURGE), without CONNECT: what is behind its head is a tunnel to a
# parser, or the next request, whatever its Content-Length says.
_METHODS = frozenset(
    b"ACL BIND CHECKOUT COPY DELETE GET HEAD LINK LOCK MERGE MKACTIVITY MKCALENDAR MKCOL MOVE OPTIONS PATCH POST PROPFIND "
    b"PROPPATCH PURGE PUT REBIND REPORT SEARCH TRACE UNBIND UNLINK UNLOCK".split()
)
#: The value of `Allow` in a 405 (RFC 9110 15.5.6): what a route may let through.
ALLOWED_METHODS = ", ".join(sorted(method.decode("ascii") for method in _METHODS - {b"TRACE"}))
# What stands for one thing only, so that aiohttp's parser refuses a second one, in words of its own. Host and framing are judged here.
_ONCE = frozenset({b"content-location", b"content-range", b"content-type", b"etag", b"max-forwards", b"server", b"user-agent"})
# What a field means here. Plain numbers: comparing members of an Enum would cost more than the rest of the loop.
_PASS, _HOST, _COOKIE, _CONNECTION, _LENGTH_FIELD, _CODING, _UPGRADE, _EXPECT, _TO_PROXIES = range(9)
_MEANINGS = {
    b"host": _HOST,
    b"cookie": _COOKIE,
    b"connection": _CONNECTION,
    b"content-length": _LENGTH_FIELD,
    b"transfer-encoding": _CODING,
    b"upgrade": _UPGRADE,
    b"expect": _EXPECT,
    b"via": _TO_PROXIES,
    b"max-forwards": _TO_PROXIES,
}
_MAX_NAMES = 1024
_names: dict[bytes, int] = {}
_hosts: dict[bytes, bool] = {}
_ONE_READING = re.compile(rb"(/[A-Za-z0-9._~!$&'()*+,=:@/-]*)(?:\?[\x21\x22\x24-\x7e]*)?\Z")
_LENGTH = re.compile(rb"[0-9]{1,18}\Z")
_BARE_LINE_FEED = re.compile(rb"(?<!\r)\n")
_TOKEN_START = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request can't be taken, with the status that says so."""

    reason: Reason
    status: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadLimits:
    """Bounds of a head, in bytes and lines. `field` is for one line; a Cookie line is bounded by `total` alone."""

    line: int = 8190
    field: int = 8190
    count: int = 100
    total: int = 32 * 1024


#: For a head whose size was judged before.
UNBOUNDED = HeadLimits(line=2**31, field=2**31, count=2**31, total=2**31)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientHead:
    """A request head that can be read in one way only.

    Attributes:
        target: As it came; which forms are served is decided later.
        minor: The minor version: 0 or 1.
        length: Content-Length, or None without one.
        chunked: True for `Transfer-Encoding: chunked`.
        keep_alive: True if the client wants to send more on this connection.
        upgrade: True for a WebSocket opening handshake.
        expects_continue: True if the client waits for 100 before it sends the body.
        options: What Connection says, in lower case.
        host: The value of Host; b"" without one, which only HTTP/1.0 allows.
        cookie: The value of the one Cookie line, or None.
        plain: HTTP/1.1, a path that has one reading (`core.target`), at most one Cookie line, and nothing that speaks to proxies.
    """

    method: bytes
    target: bytes
    minor: int
    headers: RawHeaders
    length: int | None
    chunked: bool
    keep_alive: bool
    upgrade: bool
    expects_continue: bool
    options: Set[bytes] = frozenset()
    host: bytes = b""
    cookie: bytes | None = None
    plain: bool = False

    @property
    def has_body(self) -> bool:
        """True if body bytes follow the head."""
        return self.chunked or bool(self.length)


def incomplete_refusal(data: bytes | bytearray, limits: HeadLimits) -> Refusal | None:
    """Judge the beginning of a head before its end has come: what can't become a head is refused at once, not awaited."""
    if data and not _TOKEN_START.match(data):
        return Refusal(Reason.REQUEST_MALFORMED, 400)
    if _BARE_LINE_FEED.search(data):
        return Refusal(Reason.REQUEST_MALFORMED, 400)
    line_end = data.find(b"\r\n")
    if (len(data) if line_end < 0 else line_end) > limits.line:
        return Refusal(Reason.REQUEST_LINE_TOO_LONG, 414)
    if len(data) > limits.total:
        return Refusal(Reason.REQUEST_HEAD_TOO_LARGE, 431)
    return None


def read_head(data: bytes, limits: HeadLimits) -> ClientHead | Refusal:
    """Read a whole head, without the empty line at its end."""
    if len(data) + 4 > limits.total:
        line = data.find(b"\r\n")
        if (len(data) if line < 0 else line) > limits.line:
            return Refusal(Reason.REQUEST_LINE_TOO_LONG, 414)
        return Refusal(Reason.REQUEST_HEAD_TOO_LARGE, 431)
    first, *lines = data.split(b"\r\n")
    if len(first) > limits.line:
        return Refusal(Reason.REQUEST_LINE_TOO_LONG, 414)
    start = _REQUEST_LINE.match(first)
    if start is None:
        return Refusal(Reason.REQUEST_MALFORMED, 400)
    if start[3] != b"1" or start[4] not in (b"0", b"1"):
        return Refusal(Reason.VERSION_REFUSED, 505)
    if start[1] not in _METHODS:
        return Refusal(Reason.METHOD_REFUSED, 405)
    asks_about_us = start[1] == b"OPTIONS" and start[2] == b"*"  # RFC 9112 3.2.4
    if not asks_about_us and (refusal := _target_refusal(start[2])) is not None:
        return refusal
    if len(lines) > limits.count:
        return Refusal(Reason.REQUEST_HEAD_TOO_LARGE, 431)
    if len(data) > limits.field and _too_long(lines, limits.field):
        return Refusal(Reason.REQUEST_HEAD_TOO_LARGE, 431)
    headers = _plain_fields(lines) if is_plain_block(data, len(lines)) else _any_fields(lines)
    return Refusal(Reason.REQUEST_MALFORMED, 400) if headers is None else _interpret(start[1], start[2], int(start[4]), headers)


def _plain_fields(lines: list[bytes]) -> RawHeaders | None:
    """Fields of printable ASCII; None if one is malformed."""
    headers: RawHeaders = []
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon or (name not in _names and not _learn(name)):
            return None
        headers.append((name, value.strip(b" \t")))
    return headers


def _any_fields(lines: list[bytes]) -> RawHeaders | None:
    """Fields of any bytes; None if one is malformed. What `_plain_fields` takes comes to the same here."""
    headers: RawHeaders = []
    for line in lines:
        field = _FIELD.match(line)
        if field is None:
            return None
        headers.append((field[1], field[2]))
    return headers


def _too_long(lines: list[bytes], limit: int) -> bool:
    """True if a line is too long, cookies apart: a session in four chunks is one line of 16 KiB, bounded by the whole head."""
    return any(len(line) > limit and line.partition(b":")[0].lower() != b"cookie" for line in lines)


def _learn(name: bytes) -> bool:
    """True if it is a field name; what it means is remembered."""
    if not TOKEN.match(name):
        return False
    if len(_names) >= _MAX_NAMES:  # clients choose the names, so the table must have an end
        _names.clear()
    _names[name] = _MEANINGS.get(name.lower(), _PASS)
    return True


def for_lane(raw: bytes, head: ClientHead) -> bytes:
    """The head as the general lane gets it, with its empty line: of a repeated field that stands for one thing, the first only.

    What its parser refuses in words of its own is left out as well.

    Nothing is lost on the way to an upstream, which is told what stands in `head` (promise 11).
    """
    seen = {b"sec-websocket-key1"}  # of a draft of WebSockets from 2010
    repeated: list[int] = []
    for number, (name, _) in enumerate(head.headers, 1):
        lowered = name.lower()
        if lowered in seen:
            repeated.append(number)
        elif lowered in _ONCE:
            seen.add(lowered)
    if repeated:
        lines = raw.split(b"\r\n")
        for number in reversed(repeated):
            del lines[number]
        raw = b"\r\n".join(lines)
    return raw + b"\r\n\r\n"


def framing_head(head: ClientHead) -> bytes:
    """A head that says no more than how to read the request and how to answer it, for a lane that takes the rest from `head` itself."""
    return framing_lines(head.method, length=head.length, keep_alive=head.keep_alive, chunked=head.chunked, minor=head.minor)


def framing_lines(method: bytes, *, length: int | None, keep_alive: bool, chunked: bool = False, minor: int = 1) -> bytes:
    """The same, of a head that is not read yet."""
    if length is None and keep_alive and minor and not chunked:
        return b"%b / HTTP/1.1\r\nHost: a\r\n\r\n" % method
    lines = [b"%b / HTTP/1.%d" % (method, minor), b"Host: a"]
    if chunked:
        lines.append(b"Transfer-Encoding: chunked")
    elif length is not None:
        lines.append(b"Content-Length: %d" % length)
    if not keep_alive:
        lines.append(b"Connection: close")
    elif not minor:
        lines.append(b"Connection: keep-alive")
    return b"\r\n".join(lines) + b"\r\n\r\n"


def bodiless(head: ClientHead) -> bytes:
    """A head for a general lane that is to answer without a body: what was to be read of it has been read, or never will be."""
    framing = (b"content-length", b"expect")
    kept = replace(head, headers=[line for line in head.headers if line[0].lower() not in framing])
    start = b"%b %b HTTP/1.%d" % (head.method, head.target, head.minor)
    return for_lane(b"\r\n".join([start, *(b"%b: %b" % line for line in kept.headers)]), kept)


def _target_refusal(target: bytes) -> Refusal | None:
    """What no lane could make a URL of is refused here, so that every refusal is in our words."""
    form = _TARGET.match(target)
    if form is None:
        return Refusal(Reason.TARGET_MALFORMED, 400)
    if form[1] is not None and read_host(form[1].decode("latin-1"), scheme="") is None:
        return Refusal(Reason.HOST_INVALID, 400)
    return None


def _interpret(method: bytes, target: bytes, minor: int, headers: RawHeaders) -> ClientHead | Refusal:
    """Take the fields that decide where a request ends and how its connection goes on."""
    hosts: list[bytes] = []
    lengths: list[bytes] = []
    codings: list[bytes] = []
    cookies: list[bytes] = []
    connection: set[bytes] = set()
    upgrade = expects = b""
    plain = bool(minor)
    for name, value in headers:
        meaning = _names.get(name)
        if meaning is None:
            meaning = _MEANINGS.get(name.lower(), _PASS)
        if meaning == _PASS:
            continue
        if meaning == _HOST:
            hosts.append(value)
        elif meaning == _COOKIE:
            cookies.append(value)
        elif meaning == _CONNECTION:
            connection.update(token.strip().lower() for token in value.split(b","))
        elif meaning == _LENGTH_FIELD:
            lengths.append(value)
        elif meaning == _CODING:
            codings.append(value)
        elif meaning == _UPGRADE:
            upgrade = value.lower()
        elif meaning == _EXPECT:
            expects = value.lower()
        else:
            plain = False
    if len(hosts) > 1 or (minor and not hosts):
        return Refusal(Reason.HOST_INVALID, 400)
    if hosts and not is_host(hosts[0]):
        return Refusal(Reason.HOST_INVALID, 400)
    if codings and (lengths or not minor or len(codings) > 1 or codings[0].lower() != b"chunked"):
        return Refusal(Reason.FRAMING_AMBIGUOUS, 400)
    if len(lengths) > 1 or (lengths and not _LENGTH.match(lengths[0])):
        return Refusal(Reason.FRAMING_AMBIGUOUS, 400)
    if expects and expects != b"100-continue":
        return Refusal(Reason.EXPECTATION_REFUSED, 417)
    length = int(lengths[0]) if lengths else None
    websocket = bool(minor) and upgrade == b"websocket" and b"upgrade" in connection and method == b"GET"
    if websocket and (codings or length):
        return Refusal(Reason.FRAMING_AMBIGUOUS, 400)  # where a body ends and frames begin could be read two ways
    return ClientHead(
        method=method,
        target=target,
        minor=minor,
        headers=headers,
        length=length,
        chunked=bool(codings),
        keep_alive=b"close" not in connection and (bool(minor) or b"keep-alive" in connection),
        upgrade=websocket,
        expects_continue=bool(expects) and bool(minor) and (bool(codings) or bool(length)),
        options=connection,
        host=hosts[0] if hosts else b"",
        cookie=cookies[0] if cookies else None,
        plain=plain and not websocket and method != b"TRACE" and len(cookies) < 2 and _has_one_reading(target),
    )


def is_host(value: bytes) -> bool:
    """True if it can be a value of Host; remembered."""
    known = _hosts.get(value)
    if known is None:
        known = read_host(value.decode("latin-1"), scheme="") is not None
        if len(_hosts) >= _MAX_NAMES:
            _hosts.clear()
        _hosts[value] = known
    return known


def _has_one_reading(target: bytes) -> bool:
    path = _ONE_READING.match(target)
    return path is not None and b"//" not in path[1] and b"/." not in path[1]
