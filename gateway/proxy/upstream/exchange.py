"""One request and its response on an upstream connection: who is told what, and how response bytes become that. No sockets here.

The receiver is told by plain calls, without a task or a future, so that a lane that wants neither pays for neither.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from gateway.core.errors import UpstreamError
from gateway.proxy.fields import RawHeaders
from gateway.proxy.upstream.body import ChunkReader
from gateway.proxy.upstream.head import Malformed, UpstreamHead, check_beginning, read_upstream_head
from gateway.proxy.upstream.limits import MAX_INFORMATIONAL, UpstreamLimits

if TYPE_CHECKING:
    from gateway.proxy.upstream.tunnel import Tunnel


class Receiver(Protocol):
    """Whom an exchange is for. After `on_whole`, `on_end`, `on_tunnel` or `on_error` nothing more is called, nor after an abort."""

    def on_whole(self, head: UpstreamHead, data: bytes, end: int) -> None:
        """A whole response came in one piece, its head is one that came before (`KnownHeads`), and its body begins at `end`."""

    def on_informational(self, status: int, headers: RawHeaders) -> None:
        """An interim response came; any number up to the limit, then `on_head`."""

    def on_head(self, head: UpstreamHead) -> None:
        """The final head is there; with 101, `on_tunnel` follows."""

    def on_data(self, data: bytes) -> None:
        """A piece of the body, without chunk framing."""

    def on_pause(self) -> None:
        """What came so far was told, and more is to come: hold nothing back."""

    def on_end(self, trailers: RawHeaders) -> None:
        """The response is complete, and the connection already serves somebody else or is closed."""

    def on_tunnel(self, tunnel: Tunnel) -> None:
        """The protocol was switched: the connection is a pipe for bytes now."""

    def on_writable(self) -> None:
        """More of the request may be written."""

    def on_error(self, error: UpstreamError) -> None:
        """The exchange failed and its connection is closed; `UpstreamTruncated` after `on_head`, anything else before."""


class ResponseReader:
    """From response bytes to a receiver's calls: heads, body, and where the response ends.

    Attributes:
        begun: True once a single byte came; from then on the request was read, and must not be repeated (promise 14).
        head: The final head, once it came.
        complete: True at the end of the response.
        excess: Bytes that came behind the end; behind a 101 they belong to the tunnel, else they make the connection unusable.
        trailers: The fields behind a chunked body.
        stopped: Set by the connection to end all calls.
    """

    __slots__ = (
        "_chunks", "_held", "_informational", "_left", "_limits", "_method", "_receiver", "_upgrade",
        "begun", "complete", "excess", "head", "stopped", "trailers",
    )  # fmt: skip

    def __init__(self, receiver: Receiver, limits: UpstreamLimits, *, method: str, upgrade: bool) -> None:
        self._receiver = receiver
        self._limits = limits
        self._method = method
        self._upgrade = upgrade
        self._held = bytearray()  # the beginning of a head
        self._informational = 0
        self._chunks: ChunkReader | None = None
        self._left = -1  # body bytes to come; -1: until the connection closes
        self.begun = False
        self.head: UpstreamHead | None = None
        self.complete = False
        self.excess = b""
        self.trailers: RawHeaders = []
        self.stopped = False

    def feed(self, data: bytes) -> None:
        """Read on.

        Raises:
            Malformed: This is not one well-formed response.
        """
        self.begun = True
        if self.head is None:
            rest = self._feed_head(data)
            if rest is None or self.stopped:
                return
            data = rest
        if self.complete:
            self.excess += data
        elif self._chunks is not None:
            self._feed_chunks(self._chunks, data)
        elif self._left < 0 or len(data) < self._left:
            self._left -= len(data) if self._left > 0 else 0
            if data:
                self._receiver.on_data(data)
        else:
            self.excess = data[self._left :]
            self.complete = True
            self._receiver.on_data(data[: self._left] if self.excess else data)

    def finish(self) -> bool:
        """The connection ended; True if that is how this response ends (RFC 9112 6.3 rule 8)."""
        if self.head is not None and not self.complete and self._chunks is None and self._left < 0:
            self.complete = True
        return self.complete

    def _feed_head(self, data: bytes) -> bytes | None:
        """Take heads off the front until the final one came; returns what is behind it, or None as long as it is to come."""
        seen = len(self._held)
        buffer: bytes | bytearray = data
        if seen:
            self._held += data
            buffer = self._held
        while True:
            end = buffer.find(b"\r\n\r\n", max(0, seen - 3))
            if (len(buffer) if end < 0 else end + 4) > self._limits.max_head:
                raise Malformed("head too large")
            if end < 0:
                check_beginning(buffer, since=seen)
                if buffer is not self._held:
                    self._held = bytearray(buffer)
                return None
            raw = bytes(buffer[:end])
            buffer = bytes(buffer[end + 4 :])
            seen = 0
            head = read_upstream_head(raw, method=self._method, upgrade=self._upgrade, max_field=self._limits.max_field)
            if head.status >= 200 or head.status == 101:
                break
            self._informational += 1
            if self._informational > MAX_INFORMATIONAL:
                raise Malformed("too many interim responses")
            self._receiver.on_informational(head.status, head.headers)
            if self.stopped:
                return None
        self._held = bytearray()
        self._begin_body(head)
        self._receiver.on_head(head)
        return buffer

    def _begin_body(self, head: UpstreamHead) -> None:
        self.head = head
        if not head.has_body:
            self.complete = True
        elif head.chunked:
            self._chunks = ChunkReader()
        elif head.content_length is not None:
            self._left = head.content_length

    def _feed_chunks(self, chunks: ChunkReader, data: bytes) -> None:
        piece = chunks.feed(data)
        if chunks.done:
            self.complete = True
            self.excess = chunks.rest
            self.trailers = chunks.trailers
        if piece:
            self._receiver.on_data(piece)
