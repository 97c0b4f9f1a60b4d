"""One response head from an upstream: read strictly, or refused.

Parsers in common use let bare line feeds split fields, keep `Content-Length :` with its space, and take HTTP/2.0 or status 000.
Whoever stands in front of such an upstream must not guess where its answer ends, or the next user gets the rest (RFC 9112 6.3, 11.1).
"""

from __future__ import annotations

import re

from gateway.proxy.fields import RawHeaders
from gateway.proxy.upstream.plain_head import PlainFields, read_plain

_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9][0-9])(?: ([^\r\n]*))?(?=\r\n|\Z)")
# A field on its own line; white space before the name (a folded line) or before the colon makes it no match at all.
_FIELD = re.compile(rb"\r\n([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n]*)")
_ALLOWED = bytes([0x09, 0x0A, 0x0D, *range(0x20, 0x7F), *range(0x80, 0x100)])
_LENGTH = re.compile(rb"[0-9]{1,18}\Z")
_HINT = re.compile(rb"(?:^|[,; \t])timeout=([0-9]{1,6})(?:$|[,; \t])", re.IGNORECASE)
_START = b"HTTP/1."
_LOOKED_AT = frozenset({b"content-length", b"transfer-encoding", b"connection", b"keep-alive", b"upgrade"})


class Malformed(ValueError):
    """What came is not one HTTP/1.1 response; the message says why, for the log, without any byte of it."""


class UpstreamHead:
    """A response head that can be read in one way only. Nothing of it changes after it was made.

    Attributes:
        reason: The phrase behind the status, as it came.
        minor: The minor version: 0 or 1.
        content_length: As announced; also for answers to HEAD and for 304, which have no body.
        chunked: True if the body is chunked.
        has_body: True if body bytes may follow.
        reusable: True if the connection may serve another request after this response.
        kept_s: How long the upstream says it keeps an idle connection, or None.
        plain: The same fields sorted by what a proxy does with them, if that is beyond question; else None.
        rendered: What became of the head for a client, by whether its answer is private; only of heads that are remembered, else None.
    """

    __slots__ = (
        "_headers", "chunked", "content_length", "has_body", "kept_s", "minor", "plain", "reason", "rendered", "reusable", "status",
    )  # fmt: skip

    def __init__(
        self,
        status: int,
        reason: bytes,
        minor: int,
        headers: RawHeaders | None,
        content_length: int | None,
        *,
        chunked: bool,
        has_body: bool,
        reusable: bool,
        kept_s: int | None = None,
        plain: PlainFields | None = None,
    ) -> None:
        self.status = status
        self.reason = reason
        self.minor = minor
        self._headers = headers
        self.content_length = content_length
        self.chunked = chunked
        self.has_body = has_body
        self.reusable = reusable
        self.kept_s = kept_s
        self.plain = plain
        self.rendered: dict[bool, bytes] | None = None

    @property
    def headers(self) -> RawHeaders:
        """As they came, order and case kept, without white space around the values."""
        if self._headers is None:
            assert self.plain is not None
            self._headers = [(name, value) for name, _, value in (line.partition(b": ") for line in self.plain.all)]
        return self._headers

    def __repr__(self) -> str:
        return (
            f"UpstreamHead({self.status}, {self.reason!r}, {self.minor}, {self.headers}, {self.content_length}, chunked={self.chunked}, "
            f"has_body={self.has_body}, reusable={self.reusable}, kept_s={self.kept_s})"
        )

    @property
    def version(self) -> str:
        """`1.1`, or `1.0`."""
        return f"1.{self.minor}"


def check_beginning(data: bytes | bytearray, *, since: int) -> None:
    """Judge a head whose end has not come, so that what can't become one is refused at once, not awaited.

    Args:
        since: How many of the bytes were judged before.

    Raises:
        Malformed: It is no HTTP/1.x, or a line ends with a bare line feed.
    """
    if data[: len(_START)] != _START[: len(data)]:
        raise Malformed("no HTTP/1.x status line")
    start = since - 1 if since and data[since - 1] == 0x0D else since  # the line end may be split over two pieces
    if data.count(b"\n", start) != data.count(b"\r\n", start):
        raise Malformed("bare line feed in the head")


def read_upstream_head(data: bytes, *, method: str, upgrade: bool, max_field: int) -> UpstreamHead:
    """Read a whole head, without the empty line at its end.

    Args:
        method: The request's: an answer to HEAD has no body.
        upgrade: True if the request asked for a WebSocket; else 101 is no answer to it.

    Raises:
        Malformed: It can be read in two ways, or in none.
    """
    if len(data) <= max_field and method != "HEAD" and (plain := read_plain(data)) is not None:
        return _plain_head(plain)
    return read_slowly(data, method=method, upgrade=upgrade, max_field=max_field)


def read_slowly(data: bytes, *, method: str, upgrade: bool, max_field: int) -> UpstreamHead:
    """Read a whole head of any kind; what `read_upstream_head` does with a plain one comes to the same.

    Raises:
        Malformed: It can be read in two ways, or in none.
    """
    start = _STATUS_LINE.match(data)
    if start is None:
        raise Malformed("bad status line")
    if data.translate(None, _ALLOWED):
        raise Malformed("control byte in the head")
    lines = data.count(b"\r\n")
    headers: RawHeaders = _FIELD.findall(data, start.end())
    # Every match starts at its own line end, so equal counts mean that every line is a field.
    if not len(headers) == lines == data.count(b"\n") == data.count(b"\r"):
        raise Malformed("bad header line")
    if len(data) > max_field and max(map(len, data.split(b"\r\n")[1:]), default=0) > max_field:
        raise Malformed("header field too large")
    if b" \r\n" in data or b"\t\r\n" in data or data.endswith((b" ", b"\t")):
        headers = [(name, value.rstrip(b" \t")) for name, value in headers]
    return _interpret(int(start[2]), start[3] or b"", int(start[1]), headers, method=method, upgrade=upgrade)


def _interpret(status: int, reason: bytes, minor: int, headers: RawHeaders, *, method: str, upgrade: bool) -> UpstreamHead:
    """Take the fields that decide where the response ends and whether the connection goes on."""
    lengths: list[bytes] = []
    codings: list[bytes] = []
    options: set[bytes] = set()
    protocol = b""
    kept: int | None = None
    for name, value in headers:
        lowered = name.lower()
        if lowered not in _LOOKED_AT:
            continue
        match lowered:
            case b"content-length":
                lengths.append(value)
            case b"transfer-encoding":
                codings.append(value)
            case b"connection":
                options.update(option.strip(b" \t").lower() for option in value.split(b","))
            case b"keep-alive":
                hint = _HINT.search(value)
                kept = int(hint[1]) if hint else kept
            case _:
                protocol = value.lower()
    if codings and (lengths or not minor or len(codings) > 1 or codings[0].lower() != b"chunked"):
        raise Malformed("ambiguous Transfer-Encoding")
    if len(lengths) > 1 or (lengths and not _LENGTH.match(lengths[0])):
        raise Malformed("bad Content-Length")
    if status == 101 and not (upgrade and minor and protocol == b"websocket" and b"upgrade" in options):
        raise Malformed("101 that nobody asked for")
    length = int(lengths[0]) if lengths else None
    bodiless = method == "HEAD" or status < 200 or status in (204, 304)
    keep_alive = b"close" not in options and (bool(minor) or b"keep-alive" in options)
    # A body announced where none may be is often sent all the same, maybe late: nobody else shall read it as an answer.
    framed = bodiless or length is not None or bool(codings)
    misleading = bodiless and (bool(codings) or bool(length))
    return UpstreamHead(
        status,
        reason,
        minor,
        headers,
        length,
        chunked=bool(codings) and not bodiless,
        has_body=not bodiless and length != 0,
        reusable=keep_alive and framed and not misleading,
        kept_s=kept,
    )


def _plain_head(plain: PlainFields) -> UpstreamHead:
    """The head of a response whose fields are plain."""
    length = plain.content_length
    framed = length is not None or plain.chunked
    return UpstreamHead(
        plain.status, plain.reason, 1, None, length, chunked=plain.chunked, has_body=length != 0, reusable=framed, plain=plain
    )
