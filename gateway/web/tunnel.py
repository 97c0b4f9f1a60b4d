"""After a 101: two byte pipes between client and upstream, until one side leaves, both are silent too long, or the session ends.

What comes from one side is written to the other in the same call; nobody waits for it, so an open WebSocket holds no task.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from aiohttp import web

from gateway.core.errors import ClientGone
from gateway.core.identity import Session
from gateway.proxy.websocket_frames import PING, FrameBoundary, close_frame
from gateway.web.live import POLICY_VIOLATION
from gateway.web.log import event
from gateway.web.relayed import Relayed
from gateway.web.state import GATEWAY, request_id_of

if TYPE_CHECKING:
    from gateway.proxy.client.connection import ClientConnection
    from gateway.proxy.upstream.pool import UpstreamResponse
    from gateway.proxy.upstream.tunnel import Tunnel

log = logging.getLogger(__name__)
_GOING_AWAY = 1001


def tunnel(
    request: web.BaseRequest, response: UpstreamResponse, opening: bytes, connection: ClientConnection, session: Session | None
) -> web.StreamResponse:
    """Tell the client that the protocol is switched, then let bytes pass both ways.

    Args:
        opening: The head of the 101 for the client.
        session: That let it in; None on a route that is open to everybody.
    """
    gateway, transport = request[GATEWAY], request.transport
    if transport is None:
        raise ClientGone("the client left before the protocol was switched")
    transport.write(opening)
    idle_s = gateway.settings.limits.websocket_idle.total_seconds()
    life_s = None if session is None else (gateway.policy.lifetime.ends_at(session) - gateway.clock()).total_seconds()
    bridge = Bridge(connection, response.take_over(), idle_s=idle_s, life_s=life_s, request_id=request_id_of(request))
    if session is not None:
        gateway.watch(bridge, session)
    bridge.open()
    return Relayed(101, keep_alive=True)


class Bridge:
    """Joins a client's connection and an upstream's tunnel, and watches over both.

    Args:
        idle_s: After so long without a byte either way it ends with 1001; at half of that the client is sent a ping.
        life_s: How long the session lives; then it ends with 1008. None: for ever.

    Attributes:
        when_over: Told once that it has ended.
    """

    __slots__ = (
        "_active_at", "_asked_in", "_boundary", "_client", "_ended", "_ends_at", "_idle_s", "_loop", "_request_id", "_timer", "_upstream",
        "when_over",
    )  # fmt: skip

    def __init__(self, client: ClientConnection, upstream: Tunnel, *, idle_s: float, life_s: float | None, request_id: str) -> None:
        self._client = client
        self._upstream = upstream
        self._idle_s = idle_s
        self._request_id = request_id
        self._loop = asyncio.get_running_loop()
        self._boundary = FrameBoundary()
        self._active_at = self._loop.time()
        self._ends_at = None if life_s is None else self._active_at + max(0.0, life_s)
        self._asked_in: float | None = None  # the silence, by when it began, in which a ping was sent
        self._ended = False
        self._timer: asyncio.TimerHandle | None = None
        self.when_over: Callable[[], None] | None = None

    def open(self) -> None:
        """Let bytes pass, first of all those that came early."""
        early = self._client.take_over(self)
        if early:
            self.from_client(early)
        self._upstream.attach(self)
        self._watch()

    # from the client's connection

    def from_client(self, data: bytes) -> None:
        """Bytes from the client; b"" is their end."""
        if not data:
            self.end()
            return
        self._active_at = self._loop.time()
        self._upstream.write(data)
        if not self._upstream.writable:
            self._client.pause_reading("tunnel")

    def client_full(self) -> None:
        """The client takes less than it is given."""
        self._upstream.pause_reading()

    def client_caught_up(self) -> None:
        """It takes more again."""
        self._upstream.resume_reading()

    # from the tunnel: `Sink`

    def on_data(self, data: bytes) -> None:
        """See `Sink`."""
        self._active_at = self._loop.time()
        self._boundary.feed(data)
        self._client.write(data)

    def on_end(self) -> None:
        """See `Sink`."""
        self.end()

    def on_writable(self) -> None:
        """See `Sink`."""
        self._client.resume_reading("tunnel")

    # inside

    def end(self, code: int | None = None) -> None:
        """Close both sides, after what was written has left.

        Args:
            code: Why, in a close frame (RFC 6455 7.4), if one can be put between two of the upstream's.
        """
        if self._ended:
            return
        self._ended = True
        if self._timer is not None:
            self._timer.cancel()
        if code is not None:
            event(log, "websocket-ended", code=code, request=self._request_id)
            if self._boundary.between_frames:
                self._client.write(close_frame(code))
        self._upstream.close()
        self._client.close()
        if self.when_over is not None:
            self.when_over()

    def _watch(self) -> None:
        """End what has ended; else look again when something can have."""
        if self._ended:
            return
        now = self._loop.time()
        if self._ends_at is not None and now >= self._ends_at:
            self.end(POLICY_VIOLATION)
            return
        ask_at, over_at = self._active_at + self._idle_s / 2, self._active_at + self._idle_s
        if now >= over_at:
            self.end(_GOING_AWAY)
            return
        again = ask_at if now < ask_at else over_at
        if now >= ask_at and self._asked_in != self._active_at and self._boundary.between_frames:
            # A client that lives answers, and its answer goes on to the upstream, which may get one unasked (RFC 6455 5.5.3).
            self._asked_in = self._active_at
            self._client.write(PING)
        self._timer = self._loop.call_at(again if self._ends_at is None else min(again, self._ends_at), self._watch)
