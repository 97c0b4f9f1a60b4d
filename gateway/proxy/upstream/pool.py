"""The connections to one upstream: bounded, reused, with a queue. One pool each, so that one that hangs delays no other (promise 57)."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from gateway.core.errors import UpstreamBusy, UpstreamUnreachable
from gateway.proxy.fields import RawHeaders
from gateway.proxy.upstream.address import UpstreamAddress
from gateway.proxy.upstream.connect import Connector
from gateway.proxy.upstream.connection import ClosedUnanswered, UpstreamConnection
from gateway.proxy.upstream.known_heads import KnownHeads
from gateway.proxy.upstream.limits import UpstreamLimits
from gateway.proxy.upstream.response import UpstreamResponse
from gateway.proxy.upstream.tunnel import Tunnel

__all__ = ["PoolStats", "UpstreamPool", "UpstreamResponse"]

# Safe methods (RFC 9110 9.2.1) that may go out a second time; TRACE is not served, and the others could act twice.
_REPEATABLE = frozenset({"GET", "HEAD", "OPTIONS"})
_CONTENT_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)\r\n", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolStats:
    """What a pool holds right now; `in_use` includes connections that are being made."""

    in_use: int
    idle: int
    waiting: int
    tunnels: int


class UpstreamPool:
    """Sends requests to one upstream. Use it on one event loop only.

    A slot stands for one connection, from before it is made until after it is lost. Who waits in the queue is given a slot, with a
    connection on it or with the right to make one.
    """

    def __init__(self, address: UpstreamAddress, limits: UpstreamLimits | None = None) -> None:
        """Prepare; connections are made when they are needed.

        Raises:
            OSError: The address's `ca_file` can't be used.
        """
        self.address = address
        self.limits = limits or UpstreamLimits()
        self._connector = Connector(address, self.limits.connect_s)
        self._heads = KnownHeads()
        self._slots = 0
        self._open: set[UpstreamConnection] = set()
        self._idle: dict[UpstreamConnection, None] = {}  # an ordered set: the last one in is the first one out, and the rest can age
        self._tunnels: set[Tunnel] = set()
        self._waiters: deque[asyncio.Future[UpstreamConnection | None]] = deque()
        self._sweeper: asyncio.TimerHandle | None = None
        self._closed = False
        self._emptied: asyncio.Future[None] | None = None

    @property
    def stats(self) -> PoolStats:
        """What is in use, idle, waiting."""
        idle = len(self._idle)
        return PoolStats(in_use=self._slots - idle, idle=idle, waiting=len(self._waiters), tunnels=len(self._tunnels))

    async def send(
        self,
        head: bytes,
        *,
        method: str,
        body: AsyncIterator[bytes] | None = None,
        chunked: bool = False,
        upgrade: bool = False,
        on_informational: Callable[[int, RawHeaders], None] | None = None,
        streaming: bool = False,
    ) -> UpstreamResponse:
        """Send a request, and wait for the head of its response, which may come before the end of the request.

        Args:
            head: The whole request head (`heads.request_head`).
            method: As in the head.
            body: The body in pieces of any size, or None without one. It is sent while the response is awaited and, after an early
                response, on until that ends. It is closed (`aclose`, where it has one) in the end.
            chunked: The body is framed here; else the head has a Content-Length, which the pieces must add up to.
            upgrade: The request asks for a WebSocket.
            on_informational: Called for each interim response (1xx) as it comes.
            streaming: The response may take its time, and be silent in the middle.

        Raises:
            UpstreamUnreachable, UpstreamBusy, UpstreamTimedOut, UpstreamInvalid: See `core.errors`.
            ClientGone: The body ended before its length.
            BaseException: What the body's iterator raised; the upstream saw an incomplete request.
        """
        length = None
        if body is not None and not chunked:
            found = _CONTENT_LENGTH.search(head)
            if found is None:
                raise ValueError("a body needs a length, or chunks")
            length = int(found[1])
        may_repeat = body is None and not upgrade and method in _REPEATABLE
        fresh = False
        while True:
            connection = (None if fresh else self.take()) or await self.acquire(fresh=fresh)
            response = UpstreamResponse(connection, high_water=self.limits.high_water, on_informational=on_informational)
            connection.begin(head, response, method=method, upgrade=upgrade, body_follows=body is not None, streaming=streaming)
            try:
                if body is not None:
                    response.upload(body, length=length)
                await response.arrive()
            except ClosedUnanswered as error:
                if not (may_repeat and error.reused) or fresh:
                    raise
                fresh = True
            except BaseException:
                response.abort()
                raise
            else:
                return response

    async def close(self) -> None:
        """Close everything, tunnels too, and wait until it is closed. Who still waits or asks gets `UpstreamUnreachable`."""
        self._closed = True
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_exception(self._is_closed())
        self._waiters.clear()
        for connection in list(self._open):
            connection.close()
        for tunnel in list(self._tunnels):
            tunnel.abort()
        if self._sweeper is not None:
            self._sweeper.cancel()
        if self._open or self._tunnels:
            self._emptied = asyncio.get_running_loop().create_future()
            await self._emptied

    # for the lanes

    def take(self) -> UpstreamConnection | None:
        """An idle connection that looks alive, at once or not at all."""
        while self._idle:
            connection, _ = self._idle.popitem()
            if not connection.has_news():
                connection.deadline = None
                return connection
            connection.abort()
        return None

    async def acquire(self, *, fresh: bool = False) -> UpstreamConnection:
        """A free connection: idle, new, or the next one that comes free. Call `begin` on it before the next `await`.

        Args:
            fresh: Rather a new one than one that has been idle.

        Raises:
            UpstreamBusy: None came free within the limit.
            UpstreamUnreachable: No new one could be made.
        """
        loop = asyncio.get_running_loop()
        give_up = loop.time() + self.limits.wait_s
        first_in_line = False
        while True:
            if self._closed:
                raise self._is_closed()
            if not fresh and (connection := self.take()) is not None:
                return connection
            if self._slots < self.limits.max_connections:
                self._slots += 1
                return await self._make()
            if fresh and self._idle:
                oldest = next(iter(self._idle))
                del self._idle[oldest]
                self._open.discard(oldest)  # its slot is ours
                oldest.abort()
                return await self._make()
            handed = await self._wait(give_up, first_in_line=first_in_line)
            if handed is None:
                return await self._make()
            if not handed.has_news():
                handed.deadline = None
                return handed
            handed.abort()
            first_in_line = True

    # Keeper

    def released(self, connection: UpstreamConnection) -> None:
        """See `Keeper`."""
        if self._closed:
            connection.abort()
        elif not self._waiters or not self._hand_over(connection):
            self._idle[connection] = None

    def lost(self, connection: UpstreamConnection) -> None:
        """See `Keeper`."""
        self._idle.pop(connection, None)
        if connection in self._open:
            self._open.discard(connection)
            self._free_slot()
        self._check_emptied()

    def switched(self, connection: UpstreamConnection, tunnel: Tunnel) -> None:
        """See `Keeper`; a tunnel needs no slot, it is bounded by its client's connection."""
        self._tunnels.add(tunnel)
        self._open.discard(connection)
        self._free_slot()

    def tunnel_lost(self, tunnel: Tunnel) -> None:
        """See `Keeper`."""
        self._tunnels.discard(tunnel)
        self._check_emptied()

    # inside

    async def _make(self) -> UpstreamConnection:
        """Fill the slot that is ours with a new connection, or give it back."""
        try:
            connection = await self._connector.connect(self._connection)
            if connection.closing or self._closed:
                connection.abort()
                raise UpstreamUnreachable(self.address.name, "closed as soon as it was made")
        except BaseException:
            self._free_slot()
            raise
        self._open.add(connection)
        if self._sweeper is None:
            self._sweeper = asyncio.get_running_loop().call_later(self.limits.sweep_s, self._sweep)
        return connection

    def _connection(self) -> UpstreamConnection:
        return UpstreamConnection(self.address.name, self.limits, self, self._heads)

    async def _wait(self, give_up: float, *, first_in_line: bool) -> UpstreamConnection | None:
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[UpstreamConnection | None] = loop.create_future()
        (self._waiters.appendleft if first_in_line else self._waiters.append)(waiter)
        timer = loop.call_at(give_up, self._expire, waiter)
        try:
            return await waiter
        except BaseException:
            with contextlib.suppress(ValueError):
                self._waiters.remove(waiter)
            # What was handed over in the moment of a cancellation goes to the next in line.
            if not waiter.cancelled() and waiter.exception() is None:
                connection = waiter.result()
                if connection is None:
                    self._free_slot()
                elif not connection.closed:
                    self.released(connection)
            raise
        finally:
            timer.cancel()

    def _expire(self, waiter: asyncio.Future[UpstreamConnection | None]) -> None:
        if not waiter.done():
            waiter.set_exception(UpstreamBusy(self.address.name, "no connection came free within the limit"))

    def _hand_over(self, connection: UpstreamConnection | None) -> bool:
        """Give a slot to the first in line; False if nobody waits."""
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(connection)
                return True
        return False

    def _free_slot(self) -> None:
        if self._closed or not self._hand_over(None):
            self._slots -= 1

    def _sweep(self) -> None:
        """Look at all deadlines."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        for connection in list(self._open):
            if connection.deadline is not None and connection.deadline <= now:
                connection.expire(now)
        self._sweeper = loop.call_later(self.limits.sweep_s, self._sweep) if self._open else None

    def _check_emptied(self) -> None:
        if self._emptied is not None and not self._emptied.done() and not self._open and not self._tunnels:
            self._emptied.set_result(None)

    def _is_closed(self) -> UpstreamUnreachable:
        return UpstreamUnreachable(self.address.name, "the pool is closed")
