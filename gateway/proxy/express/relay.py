"""One exchange of the express lane: what the upstream sends is written to the client as it comes, in the same call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from gateway.core.errors import UpstreamError
from gateway.proxy.express.ports import Client
from gateway.proxy.fields import RawHeaders
from gateway.proxy.heads import VIA_NAME, response_head, response_lines
from gateway.proxy.private import private_fields, private_lines
from gateway.proxy.upstream.connection import ClosedUnanswered, UpstreamConnection
from gateway.proxy.upstream.head import UpstreamHead
from gateway.proxy.upstream.plain_head import PlainFields

if TYPE_CHECKING:
    from gateway.proxy.upstream.pool import UpstreamPool
    from gateway.proxy.upstream.tunnel import Tunnel

_VIA = b"Via: 1.1 " + VIA_NAME.encode()


class Relay:
    """A `Receiver` that writes to a client connection. It ends by `answered`, by handing over, or by cutting the connection."""

    __slots__ = (
        "_chunked",
        "_client",
        "_goes_on",
        "_head",
        "_held",
        "_on_cut",
        "_owns_cookie",
        "_pool",
        "_private",
        "_raw",
        "_request",
        "_retried",
        "_started",
        "_streaming",
        "_task",
        "_upstream",
    )  # fmt: skip

    def __init__(
        self,
        client: Client,
        raw: bytes,
        *,
        private: bool,
        owns_cookie: Callable[[str], bool],
        on_cut: Callable[[UpstreamError], None],
    ) -> None:
        self._client = client
        self._raw = raw
        self._private = private
        self._owns_cookie = owns_cookie
        self._on_cut = on_cut
        self._upstream: UpstreamConnection | None = None
        self._task: asyncio.Task[None] | None = None
        self._retried = False
        self._started = False  # bytes of the answer are out
        self._held = b""  # the head, until something comes with it
        self._chunked = False
        self._goes_on = True

    def begin(self, pool: UpstreamPool, request: bytes, *, streaming: bool) -> None:
        """Send the request, at once if a connection is free."""
        self._pool, self._request, self._streaming = pool, request, streaming
        upstream = pool.take()
        if upstream is None:
            self._task = asyncio.get_running_loop().create_task(self._acquire())
        else:
            self._send(upstream)

    def abort(self) -> None:
        """The client is gone (promise 56)."""
        if self._task is not None:
            self._task.cancel()
        if self._upstream is not None:
            self._upstream.abort(self)
            self._upstream = None

    def pause(self) -> None:
        """The client takes less than it is given."""
        if self._upstream is not None:
            self._upstream.pause_reading(self)

    def resume(self) -> None:
        """It caught up."""
        if self._upstream is not None:
            self._upstream.resume_reading(self)

    # Receiver

    def on_informational(self, status: int, headers: RawHeaders) -> None:
        """Dropped, as in the general lane."""

    def on_head(self, head: UpstreamHead) -> None:
        """Build the client's head; it goes out with the first piece, or with `on_pause`."""
        client = self._client
        sized = not head.has_body or head.content_length is not None
        self._chunked = not sized
        self._goes_on = not client.last_request
        if head.plain is not None and self._private:
            self._held = self._plain_head(head.plain)
            return
        lines = response_lines(head, owns_cookie=self._owns_cookie)
        if self._private:
            lines = private_lines(lines)
        self._held = response_head(head, lines, chunked=self._chunked, keep_alive=self._goes_on)

    def on_data(self, data: bytes) -> None:
        """Pass a piece on."""
        held, self._held = self._held, b""
        self._started = True
        self._client.write(held + (b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data))

    def on_pause(self) -> None:
        """Nothing more for now: the head waits for no body."""
        if self._held:
            held, self._held = self._held, b""
            self._started = True
            self._client.write(held)

    def on_end(self, trailers: RawHeaders) -> None:
        """The response is complete."""
        self._upstream = None
        if self._held or self._chunked:
            self._client.write(self._held + (b"0\r\n\r\n" if self._chunked else b""))
            self._held = b""
        self._client.relayed(goes_on=self._goes_on)

    def on_tunnel(self, tunnel: Tunnel) -> None:
        """Never: the express lane asks for no other protocol."""
        tunnel.abort()
        self._client.abort()

    def on_writable(self) -> None:
        """The request is written in one go."""

    def on_error(self, error: UpstreamError) -> None:
        """Repeat once where promise 14 allows it; show a cut answer as cut; leave every other fault to the general lane's pages."""
        self._upstream = None
        if self._started or self._held:
            self.on_pause()
            self._on_cut(error)
            self._client.abort()
        elif isinstance(error, ClosedUnanswered) and error.reused and not self._retried:
            self._retried = True
            self._task = asyncio.get_running_loop().create_task(self._acquire())
        else:
            self._client.hand_over(self._raw, fault=error)

    # inside

    def _plain_head(self, plain: PlainFields) -> bytes:
        """What `response_lines`, `private_lines` and `response_head` make of a plain head."""
        lines = [plain.start, *plain.passing, _VIA, *private_fields(plain.cache_control, plain.vary)]
        if self._chunked:
            lines.append(b"Transfer-Encoding: chunked")
        if not self._goes_on:
            lines.append(b"Connection: close")
        return b"\r\n".join(lines) + b"\r\n\r\n"

    def _send(self, upstream: UpstreamConnection) -> None:
        self._upstream = upstream
        upstream.begin(self._request, self, method="GET", streaming=self._streaming)

    async def _acquire(self) -> None:
        try:
            upstream = await self._pool.acquire(fresh=self._retried)
        except UpstreamError as error:
            self._task = None
            self._client.hand_over(self._raw, fault=error)
        else:
            self._task = None
            self._send(upstream)
