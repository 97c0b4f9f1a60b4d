"""One connection to an upstream: it carries one exchange at a time, watches itself in between, and goes back to its pool only if clean."""

from __future__ import annotations

import asyncio
import select
from typing import Protocol, cast

from gateway.core.errors import UpstreamError, UpstreamInvalid, UpstreamTimedOut, UpstreamTruncated
from gateway.proxy.upstream.exchange import Receiver, ResponseReader
from gateway.proxy.upstream.head import Malformed, UpstreamHead
from gateway.proxy.upstream.known_heads import KnownHeads
from gateway.proxy.upstream.limits import UpstreamLimits
from gateway.proxy.upstream.tunnel import Tunnel


class ClosedUnanswered(UpstreamInvalid):
    """The connection ended before any byte of a response; with `reused`, the upstream may never have seen the request."""

    def __init__(self, upstream: str, why: str, *, reused: bool) -> None:
        self.reused = reused
        super().__init__(upstream, why)


class Keeper(Protocol):
    """What a connection tells the pool that it belongs to."""

    def released(self, connection: UpstreamConnection) -> None:
        """The connection is clean and free."""

    def lost(self, connection: UpstreamConnection) -> None:
        """The connection is closed."""

    def switched(self, connection: UpstreamConnection, tunnel: Tunnel) -> None:
        """The connection became a tunnel and will never be free again."""

    def tunnel_lost(self, tunnel: Tunnel) -> None:
        """The tunnel is closed."""


class UpstreamConnection(asyncio.Protocol):
    """See the module's docstring.

    Attributes:
        deadline: Loop time after which `expire` is to be called, or None.
        closed: True once the transport is gone.
    """

    __slots__ = (
        "_heads", "_keeper", "_limits", "_loop", "_method", "_name", "_news", "_poll", "_reader", "_reading_paused", "_receiver",
        "_request_over", "_served", "_streaming", "_transport", "_unsent", "_upgrade", "_writing_paused", "closed", "deadline",
    )  # fmt: skip

    def __init__(self, name: str, limits: UpstreamLimits, keeper: Keeper, heads: KnownHeads) -> None:
        self._name = name
        self._limits = limits
        self._keeper = keeper
        self._heads = heads
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._poll = select.poll()
        self._news = self._poll.poll
        self._reader: ResponseReader | None = None  # from the first byte of a response that is not of the commonest form
        self._receiver: Receiver | None = None  # as long as there is an exchange
        self._method = ""
        self._upgrade = False
        self._served = 0  # exchanges begun
        self._request_over = True
        self._streaming = False
        self._reading_paused = False
        self._writing_paused = False
        self._unsent = 0  # bytes in the transport when the deadline was last looked at
        self.deadline: float | None = None
        self.closed = False

    # for the lanes

    @property
    def writable(self) -> bool:
        """False while the upstream takes less than it is given; `on_writable` tells when that is over."""
        return not self._writing_paused

    @property
    def closing(self) -> bool:
        """True if nothing can be sent any more."""
        return self._transport is None or self._transport.is_closing()

    def has_news(self) -> bool:
        """True if the socket holds bytes, an end or an error that the event loop has not come to yet."""
        transport = self._transport
        return transport is None or transport.is_closing() or bool(self._news(0))

    def begin(
        self, head: bytes, receiver: Receiver, *, method: str, upgrade: bool = False, body_follows: bool = False, streaming: bool = False
    ) -> None:
        """Start an exchange on a free connection.

        Args:
            head: The whole request head.
            body_follows: `write` brings the body, and `end_request` its end; else the head is the whole request.
            streaming: The upstream may take its time for the response, and be silent in the middle of it.
        """
        assert self._receiver is None and self._transport is not None
        self._receiver = receiver
        self._method = method
        self._upgrade = upgrade
        self._served += 1
        self._streaming = streaming
        self._request_over = not body_follows
        self._transport.write(head)
        if body_follows or streaming or self._writing_paused:
            self._set_deadline()
        else:
            self._unsent = 0
            self.deadline = self._loop.time() + self._limits.response_head_s

    def write(self, receiver: Receiver, data: bytes) -> None:
        """Send a piece of the request body as it is; dropped if the exchange is over."""
        if receiver is self._receiver and self._transport is not None:
            self._transport.write(data)
            self._set_deadline()

    def end_request(self, receiver: Receiver) -> None:
        """The request is complete."""
        if receiver is self._receiver:
            self._request_over = True
            self._set_deadline()

    def pause_reading(self, receiver: Receiver) -> None:
        """The receiver has enough for now; the upstream's silence is not held against it meanwhile."""
        if receiver is self._receiver and not self._reading_paused and not self.closing:
            assert self._transport is not None
            self._reading_paused = True
            self._transport.pause_reading()
            self._set_deadline()

    def resume_reading(self, receiver: Receiver) -> None:
        """The receiver takes more."""
        if receiver is self._receiver and self._reading_paused:
            self._go_on_reading()
            self._set_deadline()

    def abort(self, receiver: Receiver | None = None) -> None:
        """End the exchange, if it still is this receiver's (None: whoever's), and close at once. The receiver is told nothing."""
        if receiver is None or receiver is self._receiver:
            self._forget_exchange()
            self.deadline = None
            if self._transport is not None:
                self._transport.abort()

    # for the pool

    def close(self) -> None:
        """The pool closes: the exchange fails, the connection ends."""
        self._fail(self._broken("the pool was closed"))

    def expire(self, now: float) -> None:
        """The deadline has passed: give up, unless the upstream at least still takes the request."""
        if self._receiver is None:
            self.abort()
            return
        unsent = 0 if self._transport is None else self._transport.get_write_buffer_size()
        if 0 < unsent < self._unsent:
            self._set_deadline()
        elif self._reader is None or self._reader.head is None:
            self._fail(UpstreamTimedOut(self._name, "no response head within the limit"))
        else:
            self._fail(UpstreamTruncated(self._name, "the response body stalled"))

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection is there, with TLS where that is asked for."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=self._limits.high_water)
        self._poll.register(transport.get_extra_info("socket").fileno(), select.POLLIN)

    def data_received(self, data: bytes) -> None:
        """Read on in the response; bytes that nobody asked for make the connection unusable (promise 58)."""
        receiver, reader = self._receiver, self._reader
        if receiver is None:
            self.abort()
            return
        end = 0
        if reader is None:
            end = data.find(b"\r\n\r\n") + 4
            head = self._heads.find(data[:end])
            if head is not None and len(data) - end == head.content_length and self._request_over and self._method != "HEAD":
                self._set_free(head)
                receiver.on_whole(head, data, end)
                return
            reader = self._reader = ResponseReader(receiver, self._limits, method=self._method, upgrade=self._upgrade)
        try:
            reader.feed(data)
        except Malformed as error:
            self._fail(self._broken(str(error)))
            return
        if end and reader.head is not None:
            self._heads.note(data, end, reader.head)
        if self._reader is not reader:
            return
        if reader.complete:
            self._complete(reader)
        elif reader.head is not None or reader.stopped:
            self._set_deadline()
            if self._receiver is not None:
                self._receiver.on_pause()

    def eof_received(self) -> None:
        """The upstream sends nothing more: the end of some responses, too early for all others."""
        reader = self._reader
        if self._receiver is None:
            self.abort()
        elif reader is not None and reader.finish():
            self._complete(reader)
        else:
            self._fail(self._broken("the connection ended early"))

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone; with an error, it was reset, and no response ends like that (promise 59)."""
        self.closed = True
        self.deadline = None
        receiver = self._receiver
        error = self._broken("the connection broke" if exc is not None else "the connection closed") if receiver is not None else None
        self._forget_exchange()
        self._keeper.lost(self)
        if receiver is not None and error is not None:
            receiver.on_error(error)

    def pause_writing(self) -> None:
        """The upstream takes less than it is given."""
        self._writing_paused = True
        self._set_deadline()

    def resume_writing(self) -> None:
        """It caught up."""
        self._writing_paused = False
        self._set_deadline()
        if self._receiver is not None:
            self._receiver.on_writable()

    # inside

    def _set_deadline(self) -> None:
        """From now on, it is the upstream's turn, for so long; or the client's, whose limits are not kept here."""
        if self._receiver is None:
            return
        reader = self._reader
        waiting = self._writing_paused or self._request_over
        if not waiting or self._reading_paused or (self._streaming and self._request_over):
            self.deadline = None
            return
        self._unsent = 0 if self._transport is None else self._transport.get_write_buffer_size()
        in_head = reader is None or reader.head is None
        self.deadline = self._loop.time() + (self._limits.response_head_s if in_head else self._limits.body_idle_s)

    def _complete(self, reader: ResponseReader) -> None:
        """The response is all there: make the connection free for somebody else, or get rid of it, then tell the receiver."""
        receiver, head, transport = self._receiver, reader.head, self._transport
        assert receiver is not None and head is not None and transport is not None
        if head.status == 101:
            self._switch(receiver, transport, reader.excess)
            return
        if reader.excess or not head.reusable:
            self._forget_exchange()
            self.deadline = None
            transport.abort()
        else:
            self._set_free(head)
        receiver.on_end(reader.trailers)

    def _set_free(self, head: UpstreamHead) -> None:
        """The response is complete: the connection is there for others, if nothing is left to be sent or read on it."""
        transport = self._transport
        assert transport is not None
        clean = self._request_over and not transport.is_closing() and not transport.get_write_buffer_size()
        self._receiver = None
        if self._reader is not None:
            self._reader.stopped = True
            self._reader = None
        idle_s = self._limits.idle_s
        if head.kept_s is not None:
            idle_s = min(idle_s, head.kept_s - 1)  # a second earlier than the upstream, which may be busy closing
        if not clean or idle_s <= 0:
            self.deadline = None
            transport.abort()
            return
        if self._reading_paused:
            self._go_on_reading()
        self.deadline = self._loop.time() + idle_s
        self._keeper.released(self)

    def _switch(self, receiver: Receiver, transport: asyncio.Transport, early: bytes) -> None:
        self._forget_exchange()
        self.deadline = None
        self.closed = True
        tunnel = Tunnel(transport, early, high_water=self._limits.high_water, on_lost=self._keeper.tunnel_lost)
        transport.set_protocol(tunnel)
        if self._reading_paused:
            self._go_on_reading()
        self._keeper.switched(self, tunnel)
        receiver.on_tunnel(tunnel)

    def _go_on_reading(self) -> None:
        self._reading_paused = False
        if not self.closing:
            assert self._transport is not None
            self._transport.resume_reading()

    def _broken(self, why: str) -> UpstreamError:
        """What it means that the connection or its bytes broke now."""
        reader = self._reader
        if reader is not None and reader.head is not None:
            return UpstreamTruncated(self._name, why)
        if reader is not None and reader.begun:
            return UpstreamInvalid(self._name, why)
        return ClosedUnanswered(self._name, why, reused=self._served > 1)

    def _fail(self, error: UpstreamError) -> None:
        receiver = self._receiver
        self.abort()
        if receiver is not None:
            receiver.on_error(error)

    def _forget_exchange(self) -> None:
        if self._reader is not None:
            self._reader.stopped = True
        self._reader = None
        self._receiver = None
