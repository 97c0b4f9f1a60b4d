"""After a 101: two byte pipes between client and upstream, until one side leaves, both are silent too long, or the session ends."""

from __future__ import annotations

import asyncio
import collections
import logging
from typing import TYPE_CHECKING

from aiohttp import web

from gateway.core.errors import ClientGone, UpstreamError
from gateway.core.identity import Session
from gateway.core.reason import Reason
from gateway.proxy.websocket_frames import FrameBoundary, close_frame
from gateway.web.log import event
from gateway.web.relayed import Relayed
from gateway.web.state import GATEWAY, REQUEST_ID

if TYPE_CHECKING:
    from gateway.proxy.client.connection import ClientConnection
    from gateway.proxy.upstream.pool import UpstreamResponse
    from gateway.proxy.upstream.tunnel import Tunnel

log = logging.getLogger(__name__)
_GOING_AWAY, _POLICY = 1001, 1008


class _FromClient:
    """Bytes from the client, at most `limit` of them ahead of the upstream."""

    def __init__(self, connection: ClientConnection, limit: int) -> None:
        self._connection = connection
        self._limit = limit
        self._pieces: collections.deque[bytes] = collections.deque()
        self._size = 0
        self._wake = asyncio.Event()
        self._ended = False

    def receive(self, data: bytes) -> None:
        """Called by the connection; b"" is the end."""
        if data:
            self._pieces.append(data)
            self._size += len(data)
            if self._size > self._limit:
                self._connection.pause_reading("tunnel")
        else:
            self._ended = True
        self._wake.set()

    async def read(self) -> bytes:
        """The next piece; b"" at the end."""
        while not self._pieces:
            if self._ended:
                return b""
            self._wake.clear()
            await self._wake.wait()
        piece = self._pieces.popleft()
        self._size -= len(piece)
        if self._size <= self._limit:
            self._connection.resume_reading("tunnel")
        return piece


async def tunnel(
    request: web.BaseRequest, response: UpstreamResponse, opening: bytes, connection: ClientConnection, session: Session | Reason | None
) -> web.StreamResponse:
    """Tell the client that the protocol is switched, then pass bytes both ways."""
    gateway, transport = request[GATEWAY], request.transport
    if transport is None:
        raise ClientGone("the client left before the protocol was switched")
    transport.write(opening)
    upstream = response.take_over()
    incoming = _FromClient(connection, gateway.settings.limits.buffer)
    early = connection.take_over(incoming.receive)
    if early:
        incoming.receive(early)

    pipes = _Pipes(incoming, upstream, connection, transport)
    idle_s = gateway.settings.limits.websocket_idle.total_seconds()
    life_s = (session.expires_at - gateway.clock()).total_seconds() if isinstance(session, Session) else None
    code = await pipes.run(idle_s=idle_s, life_s=life_s)
    if code is not None:
        event(log, "websocket-ended", code=code, request=request[REQUEST_ID])
    return Relayed(101, keep_alive=False)


class _Pipes:
    """The two directions and the watch over them."""

    def __init__(self, incoming: _FromClient, upstream: Tunnel, connection: ClientConnection, transport: asyncio.Transport) -> None:
        self._incoming = incoming
        self._upstream = upstream
        self._connection = connection
        self._transport = transport
        self._boundary = FrameBoundary()
        self._loop = asyncio.get_running_loop()
        self._active_at = self._loop.time()

    async def run(self, *, idle_s: float, life_s: float | None) -> int | None:
        """Pass bytes until it is over; the close code if it was us who ended it."""
        pumps = {asyncio.ensure_future(self._upwards()), asyncio.ensure_future(self._downwards())}
        ends_at = None if life_s is None else self._loop.time() + max(0.0, life_s)
        code: int | None = None
        try:
            while code is None:
                idle_at = self._active_at + idle_s
                now = self._loop.time()
                if ends_at is not None and now >= ends_at:
                    code = _POLICY
                elif now >= idle_at:
                    code = _GOING_AWAY
                else:
                    until = idle_at if ends_at is None else min(idle_at, ends_at)
                    done, _ = await asyncio.wait(pumps, timeout=until - now, return_when=asyncio.FIRST_COMPLETED)
                    if done:
                        break
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            if code is not None and self._boundary.between_frames and not self._transport.is_closing():
                self._transport.write(close_frame(code))
            self._upstream.close()
            self._connection.close()
        return code

    async def _upwards(self) -> None:
        while data := await self._incoming.read():
            self._active_at = self._loop.time()
            self._upstream.write(data)
            await self._upstream.drain()

    async def _downwards(self) -> None:
        try:
            while data := await self._upstream.read():
                self._active_at = self._loop.time()
                self._boundary.feed(data)
                self._transport.write(data)
                await self._connection.drain()
        except (UpstreamError, ClientGone):
            return
