"""The exchanges of the express lane: what comes from one side is written to the other as it comes, in the same call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from gateway.core.errors import UpstreamError
from gateway.proxy.answer_head import answer_head, known_answer_head
from gateway.proxy.express.ports import Client, Terms
from gateway.proxy.fields import RawHeaders
from gateway.proxy.upstream.connection import ClosedUnanswered, UpstreamConnection
from gateway.proxy.upstream.head import UpstreamHead
from gateway.proxy.upstream.tunnel import Tunnel

_REPEATABLE = frozenset({b"GET", b"HEAD", b"OPTIONS"})
_METHODS = {method.encode(): method for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")}
_MAX_UNSENT = 64 * 1024  # of a body that can't be passed on yet; one read of the event loop comes on top


class Relay:
    """A `Receiver` that writes to a client connection, one exchange after the other.

    Each exchange ends by `relayed`, by handing over, or by cutting the connection.
    """

    __slots__ = (
        "_answered", "_chunked",
        "_client",
        "_goes_on",
        "_held",
        "_length",
        "_method",
        "_on_cut",
        "_owns_cookie",
        "_raw",
        "_request",
        "_retried",
        "_started",
        "_task",
        "_terms",
        "_unsent",
        "_upstream",
        "closes",
        "left",
    )  # fmt: skip

    def __init__(
        self, client: Client, *, owns_cookie: Callable[[str], bool], on_cut: Callable[[UpstreamError], None], answered: list[int]
    ) -> None:
        self._client = client
        self._answered = answered
        self._owns_cookie = owns_cookie
        self._on_cut = on_cut
        self._upstream: UpstreamConnection | None = None
        self._task: asyncio.Task[None] | None = None
        self._terms: Terms | None = None
        self._request = b""
        self._raw = b""
        self._method = b""
        self._length = 0
        self._unsent = b""  # of the body, while a connection is awaited
        self._retried = False
        self._started = False  # bytes of the answer are out
        self._held = b""  # the head, until something comes with it
        self._chunked = False
        self._goes_on = True
        self.left = 0  # body bytes that have not come yet
        self.closes = False  # the client wants the connection closed after the answer

    def begin(self, terms: Terms, request: bytes, raw: bytes, method: bytes, length: int, closes: bool) -> None:
        """Send a request head, at once if a connection is free.

        Args:
            raw: The head as it came, for the general lane.
            length: How many body bytes `upload` will bring.
            closes: The client wants the connection closed after the answer.
        """
        self._terms, self._request, self._raw, self._method, self.closes = terms, request, raw, method, closes
        self._length = self.left = length
        self._started = self._retried = self._chunked = False
        pool = terms.pool
        assert pool is not None
        upstream = pool.take()
        if upstream is None:
            self._task = asyncio.get_running_loop().create_task(self._acquire())
        else:
            self._upstream = upstream
            upstream.begin(request, self, method=_METHODS[method], body_follows=length > 0, streaming=terms.streaming)

    def upload(self, data: bytes) -> None:
        """Pass a piece of the body on; `left` says how much is to come."""
        self.left -= len(data)
        upstream = self._upstream
        if upstream is None:
            if self._task is not None:  # a connection is awaited
                self._hold(data)
        elif self._unsent or upstream.has_news():
            # Writing into a connection that the upstream has closed loses the answer it sent before: let the loop read first.
            if not self._unsent:
                asyncio.get_running_loop().call_soon(self._send_unsent, upstream)
            self._hold(data)
        else:
            self._send(upstream, data)

    def abort(self) -> None:
        """The client is gone (promise 56), or its body can't be used."""
        if self._task is not None:
            self._task.cancel()
            self._task = None
        if self._upstream is not None:
            self._upstream.abort(self)
        self._forget()

    @property
    def begun(self) -> bool:
        """True once the client was told something."""
        return self._started or bool(self._held)

    @property
    def guarded_head(self) -> bytes | None:
        """The request's head, if its answer is made for one person and may last: it has begun, or may take as long as it likes."""
        terms = self._terms
        return self._raw if terms is not None and terms.private and (self.begun or terms.streaming) else None

    def give_up(self) -> bytes:
        """The body can't be waited for any longer: the upstream never sees it as complete (promise 6). Gives the request's head."""
        raw = self._raw
        self.abort()
        return raw

    def pause(self) -> None:
        """The client takes less than it is given."""
        if self._upstream is not None:
            self._upstream.pause_reading(self)

    def resume(self) -> None:
        """It caught up."""
        if self._upstream is not None:
            self._upstream.resume_reading(self)

    # Receiver

    def on_whole(self, head: UpstreamHead, data: bytes, end: int) -> None:
        """A whole response of a known form, in one piece: one write."""
        client, terms = self._client, self._terms
        assert terms is not None
        self._answered[head.status // 100] += 1
        goes_on = not client.last_request
        client.write(known_answer_head(head, private=terms.private, keep_alive=goes_on) + data[end:])
        self._forget()
        client.relayed(goes_on=goes_on)

    def on_informational(self, status: int, headers: RawHeaders) -> None:
        """Dropped, as in the general lane."""

    def on_head(self, head: UpstreamHead) -> None:
        """Build the client's head; it goes out with the first piece, or with `on_pause`."""
        assert self._terms is not None
        self._answered[head.status // 100] += 1
        self._chunked = head.has_body and head.content_length is None
        self._goes_on = not (self._client.last_request or self._client.body_pending)
        self._held = answer_head(
            head, private=self._terms.private, owns_cookie=self._owns_cookie, chunked=self._chunked, keep_alive=self._goes_on
        )

    def on_data(self, data: bytes) -> None:
        """Pass a piece on."""
        if self._chunked:
            data = b"%x\r\n%b\r\n" % (len(data), data)
        if self._held:
            data, self._held = self._held + data, b""
            self._started = True
        self._client.write(data)

    def on_pause(self) -> None:
        """Nothing more for now: the head waits for no body."""
        if self._held:
            held, self._held = self._held, b""
            self._started = True
            self._client.write(held)

    def on_end(self, trailers: RawHeaders) -> None:
        """The response is complete."""
        if self._held or self._chunked:
            self._client.write(self._held + (b"0\r\n\r\n" if self._chunked else b""))
        goes_on = self._goes_on
        self._forget()
        self._client.relayed(goes_on=goes_on)

    def on_tunnel(self, tunnel: Tunnel) -> None:
        """Never: the express lane asks for no other protocol."""
        tunnel.abort()
        self._client.abort()

    def on_writable(self) -> None:
        """More of the body may come."""
        self._client.resume_reading("upload")

    def on_error(self, error: UpstreamError) -> None:
        """Repeat once where promise 14 allows it; show a cut answer as cut; leave every other fault to the general lane's pages."""
        self._upstream = None
        if self.begun:
            self.on_pause()
            self._forget()
            self._on_cut(error)
            self._client.abort()
        elif self._may_repeat(error):
            self._retried = True
            self._task = asyncio.get_running_loop().create_task(self._acquire())
        else:
            self._hand_over(error)

    # inside

    def _may_repeat(self, error: UpstreamError) -> bool:
        safe = self._method in _REPEATABLE and not self._length
        return safe and not self._retried and isinstance(error, ClosedUnanswered) and error.reused

    def _hand_over(self, fault: UpstreamError) -> None:
        raw = self._raw
        self._forget()
        self._client.hand_over(raw, fault=fault)

    def _forget(self) -> None:
        """Hold on to nothing between exchanges."""
        self._upstream = self._terms = None
        self._request = self._raw = self._held = b""
        if self._length:
            self._unsent = b""
            self._client.resume_reading("upload")

    async def _acquire(self) -> None:
        """Wait for a connection, then send what has come meanwhile."""
        terms = self._terms
        assert terms is not None and terms.pool is not None
        try:
            upstream = await terms.pool.acquire(fresh=self._retried)
        except UpstreamError as error:
            self._task = None
            self._hand_over(error)
            return
        self._task = None
        self._upstream = upstream
        upstream.begin(self._request, self, method=_METHODS[self._method], body_follows=self._length > 0, streaming=terms.streaming)
        if self._unsent:
            self._send_unsent(upstream)

    def _hold(self, data: bytes) -> None:
        """Keep a piece for later. As long as there is little, the client is read on: only so is it noticed that it left."""
        self._unsent += data
        if len(self._unsent) >= _MAX_UNSENT:
            self._client.pause_reading("upload")

    def _send_unsent(self, upstream: UpstreamConnection) -> None:
        """Send what was held back, if the exchange is still on."""
        if upstream is self._upstream and self._unsent:
            data, self._unsent = self._unsent, b""
            self._client.resume_reading("upload")
            self._send(upstream, data)

    def _send(self, upstream: UpstreamConnection, data: bytes) -> None:
        upstream.write(self, data)
        if not self.left:
            upstream.end_request(self)
        elif not upstream.writable:
            self._client.pause_reading("upload")
