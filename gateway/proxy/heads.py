"""Heads that leave the gateway: the request for an upstream, the response for a client. Rebuilt, never passed along (promise 8).

Everything doubtful or for one hop only is taken out first; what the gateway has to say is added after that, so that no `Connection`
field of a client can take it away again (promise 9; CVE-2025-48865).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Set
from dataclasses import dataclass
from typing import Protocol, Self

from gateway.core.headers import HOP_BY_HOP, fold
from gateway.proxy.fields import RawHeaders

#: Our pseudonym in `Via` (RFC 9110 7.6.3).
VIA_NAME = "auth-gateway"

#: What only the gateway says to a client: an app can tell its own answers from ours by it.
OURS_TO_SAY = frozenset({b"x-gateway-reason"})

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_TARGET = re.compile(r"(?:/[\x21\x22\x24-\x7e]*|\*)\Z")
_AUTHORITY = re.compile(r"[A-Za-z0-9._:\[\]-]+\Z")
_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_ALLOWED = bytes([0x09, 0x0A, 0x0D, *range(0x20, 0x7F), *range(0x80, 0x100)])
_VIA_ENTRY = re.compile(rb"(?:\A|,)[ \t]*(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+/)?[!#$%&'*+.^_`|~0-9A-Za-z-]+[ \t]+([^\s,()]+)")

# Rebuilt here, or meant for this hop. Compared after folding, because a CGI-like upstream folds too (promise 17).
_REBUILT = frozenset(
    {fold(name) for name in HOP_BY_HOP}
    | {"host", "contentlength", "expect", "cookie", "forwarded", "via", "xrealip", "proxy"}  # Proxy: CVE-2016-5385
)
_REBUILT_PREFIXES = ("xforwarded",)
_HARMLESS = frozenset({b"keep-alive", b"close", b""})  # what Connection says most often, and what names no field that would pass
_memo: dict[bytes, bool] = {}
_MEMO_SIZE = 1024  # clients choose the names, so the memo must have an end


@dataclass(frozen=True, slots=True)
class Framing:
    """How a body is delimited: not at all, by its length, or by chunks."""

    content_length: int | None = None
    is_chunked: bool = False

    @classmethod
    def none(cls) -> Self:
        """No body."""
        return cls()

    @classmethod
    def length(cls, length: int) -> Self:
        """A body of so many bytes, maybe 0."""
        return cls(content_length=length)

    @classmethod
    def chunked(cls) -> Self:
        """A body in chunks."""
        return cls(is_chunked=True)

    def lines(self) -> list[str]:
        """The header lines that announce it."""
        if self.is_chunked:
            return ["Transfer-Encoding: chunked"]
        return [] if self.content_length is None else [f"Content-Length: {self.content_length}"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Forwarded:
    """By which way a request came; the upstream is told in `X-Forwarded-*`, `X-Real-IP` and `Via`.

    Attributes:
        client: The address at the other end of our socket; "" for a unix socket.
        scheme, host, port: What the client asked for; `port` None is the scheme's own.
        chain: The addresses before `client` that are believed, oldest first.
        via: Earlier `Via` values, decoded as latin-1.
    """

    client: str
    scheme: str
    host: str
    port: int | None = None
    chain: tuple[str, ...] = ()
    via: tuple[str, ...] = ()
    received_protocol: str = "1.1"

    def lines(self) -> list[str]:
        """The header lines."""
        addresses = [*self.chain, self.client] if self.client else list(self.chain)
        port = self.port or (443 if self.scheme == "https" else 80)
        lines = [f"X-Forwarded-For: {', '.join(addresses)}", f"X-Real-IP: {addresses[0]}"] if addresses else []
        return [
            *lines,
            f"X-Forwarded-Proto: {self.scheme}",
            f"X-Forwarded-Host: {self.host}",
            f"X-Forwarded-Port: {port}",
            f"Via: {', '.join((*self.via, f'{self.received_protocol} {VIA_NAME}'))}",
        ]


class ResponseParts(Protocol):
    """What is needed of an upstream's response."""

    @property
    def status(self) -> int:
        """The status code."""

    @property
    def reason(self) -> bytes:
        """The phrase behind it."""

    @property
    def version(self) -> str:
        """`1.1` or `1.0`."""

    @property
    def headers(self) -> RawHeaders:
        """The fields as they came."""


def request_head(
    *,
    method: str,
    target: str,
    headers: Iterable[tuple[bytes, bytes]],
    host: str,
    cookie: str,
    set_headers: Iterable[tuple[str, str]],
    strips: Callable[[str], bool],
    forwarded: Forwarded,
    framing: Framing,
    upgrade: bool = False,
) -> bytes:
    """Build the head for an upstream. Order, case and repetition of what passes stay; no `Accept`, no `User-Agent` is added.

    Args:
        target: Origin-form, as it was judged; or `*`.
        headers: The client's, as they came.
        cookie: What is left of the client's cookies without ours; "" for none.
        set_headers: Identity headers, encoded.
        strips: Says of a lower-case name whether a client may not send it.
        upgrade: Ask for a WebSocket.

    Raises:
        ValueError: Something in it could be read as more than it is. This is the last line of defence: nothing is sent then.
    """
    if not _TOKEN.match(method) or method == "CONNECT" or not _TARGET.match(target) or not _AUTHORITY.match(host):
        raise ValueError("a method, target or host that can't be sent")
    fields = list(headers)
    lines = [f"{method} {target} HTTP/1.1\r\nHost: {host}".encode("ascii"), *FieldFilter(strips).passing(fields, _nominated(fields))]
    if cookie:
        lines.append(b"Cookie: " + cookie.encode("utf-8", "surrogateescape"))
    ours = forwarded.lines()
    for set_name, set_value in set_headers:
        if not _TOKEN.match(set_name):
            raise ValueError("a header name that can't be sent")
        if not set_value.isascii():
            raise ValueError("an identity value that was not encoded")
        ours.append(f"{set_name}: {set_value}")
    ours += framing.lines()
    if upgrade:
        ours += ["Connection: Upgrade", "Upgrade: websocket"]
    lines.append("\r\n".join(ours).encode("latin-1"))  # earlier Via values may hold 8-bit bytes, which pass as they came (promise 11)
    return joined(lines, breaks=len(lines) + len(ours) - 1)


class FieldFilter:
    """Says which of a client's fields go on to an upstream as they came; remembers it by name.

    Args:
        strips: Says of a lower-case name whether a client may not send it.
    """

    __slots__ = ("_known", "_strips")

    def __init__(self, strips: Callable[[str], bool]) -> None:
        self._strips = strips
        self._known: dict[bytes, bool] = {}

    def drops(self, name: bytes) -> bool:
        """True if a field of this name stays here.

        Raises:
            ValueError: It is no field name.
        """
        known = self._known.get(name)
        if known is None:
            known = is_rebuilt(name) or self._strips(name.decode("ascii").lower())
            if len(self._known) >= _MEMO_SIZE:
                self._known.clear()
            self._known[name] = known
        return known

    def passing(self, headers: RawHeaders, nominated: Set[bytes]) -> list[bytes]:
        """The lines that go on.

        Args:
            nominated: The lower-case names that `Connection` declares to be for one hop.

        Raises:
            ValueError: A name can't be sent.
        """
        known = self._known
        lines: list[bytes] = []
        for name, value in headers:
            dropped = known.get(name)
            if dropped is None:
                dropped = self.drops(name)
            if not dropped:
                lines.append(b"%b: %b" % (name, value))
        if nominated and not nominated <= _HARMLESS:
            lines = [line for line in lines if line.partition(b":")[0].lower() not in nominated]
        return lines


def via_count(headers: Iterable[tuple[bytes, bytes]]) -> int:
    """How often a request has passed a gateway of this name already; a loop shows here."""
    ours = VIA_NAME.encode()
    return sum(entry.lower() == ours for name, value in headers if name.lower() == b"via" for entry in _VIA_ENTRY.findall(value))


def response_lines(response: ResponseParts, *, owns_cookie: Callable[[str], bool], drops: frozenset[bytes] = OURS_TO_SAY) -> RawHeaders:
    """The fields of an upstream's response that go on to the client, and our `Via`.

    Hop-by-hop fields and what `Connection` names stay here. Trailers are not forwarded, so their announcement is not either.
    `Content-Length` stays where it is right: the head was read strictly, so it is the one length of the body, or of the body that
    HEAD and 304 leave out; 204 and interim responses have none (RFC 9110 8.6).

    Args:
        owns_cookie: Says of a cookie's name whether it is ours: no upstream may set it (promise 22).
        drops: Lower-case names that an upstream may not say.
    """
    nominated = _nominated(response.headers)
    bodiless = response.status < 200 or response.status == 204
    lines: RawHeaders = []
    for name, value in response.headers:
        lowered = name.lower()
        if lowered in _HOP_BY_HOP or (lowered in nominated and lowered != b"content-length") or lowered in drops:
            continue
        if lowered == b"set-cookie" and any(owns_cookie(cookie) for cookie in _cookie_names(value)):
            continue
        if bodiless and lowered == b"content-length":
            continue
        lines.append((name, value))
    lines.append((b"Via", f"{response.version} {VIA_NAME}".encode()))
    return lines


def response_head(response: ResponseParts, lines: RawHeaders, *, chunked: bool = False, keep_alive: bool = True, minor: int = 1) -> bytes:
    """Build the head for a client.

    Args:
        lines: From `response_lines`, with whatever was added.
        chunked: The body follows in chunks.
        keep_alive: The connection goes on after this response.
        minor: The minor version that the client speaks.

    Raises:
        ValueError: Something in it could be read as more than it is; nothing may be sent then.
    """
    head = [b"HTTP/1.1 %d %b" % (response.status, response.reason)]
    for name, value in lines:
        if name not in _memo and not _NAME.match(name):
            raise ValueError("a header name that can't be sent")
        head.append(b"%b: %b" % (name, value))
    if chunked:
        head.append(b"Transfer-Encoding: chunked")
    if response.status == 101:
        head += [b"Connection: Upgrade", b"Upgrade: websocket"]
    elif not keep_alive:
        head.append(b"Connection: close")
    elif minor == 0:
        head.append(b"Connection: keep-alive")
    return joined(head, breaks=len(head) - 1)


_HOP_BY_HOP = frozenset(name.encode() for name in HOP_BY_HOP)


def joined(lines: list[bytes], *, breaks: int) -> bytes:
    """Join the lines of a head, whose names were checked, with so many line ends between them.

    Counting proves at once, for all values, that none of them smuggles in a line: there is no other line end, and none is bare.
    """
    head = b"\r\n".join(lines)
    if head.count(b"\n") != breaks or head.count(b"\r") != breaks:
        raise ValueError("a header that is more than one line")
    if head.translate(None, _ALLOWED):
        raise ValueError("a control byte in a header")
    return head + b"\r\n\r\n"


def is_rebuilt(name: bytes) -> bool:
    """True if a request field is dropped whatever the rules say.

    Raises:
        ValueError: It is no field name.
    """
    if not _NAME.match(name):
        raise ValueError("a header name that can't be sent")
    lowered = name.decode("ascii").lower()
    folded = fold(lowered)
    # Proxy-* is between the client and us; a name that folds to nothing says nothing.
    rebuilt = not folded or folded in _REBUILT or folded.startswith(_REBUILT_PREFIXES) or lowered.startswith(("proxy-", "proxy_"))
    if len(_memo) >= _MEMO_SIZE:
        _memo.clear()
    _memo[name] = rebuilt
    return rebuilt


def _nominated(fields: Iterable[tuple[bytes, bytes]]) -> set[bytes]:
    """The lower-case names that `Connection` declares to be for one hop (RFC 9110 7.6.1)."""
    return {
        option.strip(b" \t").lower()
        for name, value in fields
        if len(name) == 10 and name.lower() == b"connection"
        for option in value.split(b",")
    }


def _cookie_names(value: bytes) -> tuple[str, ...]:
    """The names that a Set-Cookie line can stand for in the Cookie header that comes back.

    A cookie without a name comes back as its bare value, so `=name=value` is read as `name` by the next server (RFC 6265bis 5.7).
    """
    pair = value.partition(b";")[0].strip(b" \t").decode("latin-1")
    name, equals, rest = pair.partition("=")
    name = name.strip(" \t")
    if equals and name:
        return (name,)
    return (rest.strip(" \t").partition("=")[0].strip(" \t"),) if equals else (name,)
