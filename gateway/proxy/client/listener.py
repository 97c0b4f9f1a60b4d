"""All client connections of one gateway: how many there may be, what happens to slow ones, and how they drain."""

from __future__ import annotations

import asyncio
import collections
import http
import ipaddress
import logging
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from gateway.core.reason import Reason
from gateway.proxy.client.connection import ClientConnection
from gateway.proxy.client.head import ALLOWED_METHODS, Refusal
from gateway.proxy.client.limits import ClientLimits

if TYPE_CHECKING:
    from gateway.proxy.client.plain import Plain
    from gateway.proxy.express.lane import ExpressLane

log = logging.getLogger(__name__)
_SWEEP_S = 0.5
_MAX_LINGERING = 32  # refused connections that are waited for; each takes a descriptor (`web.processes.descriptors` keeps some back)
_LINES_A_SECOND = 10  # a flood of bad requests is counted, not printed


class Listener:
    """The protocol factory of the listening sockets.

    Args:
        make_lane: Gives a new protocol for a connection's requests.
        make_proxied: The same for those that are not ours; it is told no more of a head than its framing. None: `make_lane` serves all.
        may_be_ours: Says of a target whether the request may be for the gateway itself.
        trusted: Addresses of proxies in front; they carry many clients each, so the limit per address is not theirs.

    Attributes:
        express: Set it to let plain requests pass without a lane.
        read_plain: Set it where there is no express lane: plain heads are read by it, as that lane would read them. Like the limits and the trusted ones it may be replaced at any time: a
            connection asks for it at each request.
    """

    def __init__(
        self,
        limits: ClientLimits,
        make_lane: Callable[[], asyncio.Protocol],
        *,
        make_proxied: Callable[[], asyncio.Protocol] | None = None,
        may_be_ours: Callable[[bytes], bool] = lambda _: True,
        trusted: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self.limits = limits
        self.make_lane = make_lane
        self.make_proxied = make_proxied or make_lane
        self.may_be_ours = may_be_ours if make_proxied is not None else _all_ours
        self.express: ExpressLane | None = None
        self.read_plain: Callable[[bytes], Plain | None] | None = None
        self.draining = False
        self.refused: collections.Counter[Reason] = collections.Counter()
        self.trusted = trusted
        self._open: set[ClientConnection] = set()
        self._turned_away: set[ClientConnection] = set()  # they are told why, and take no room from those that were let in
        self._per_address: collections.Counter[str] = collections.Counter()
        self._sweeper: asyncio.Task[None] | None = None
        self._lines_left = _LINES_A_SECOND
        self._silenced = 0
        self._all_gone: asyncio.Event | None = None

    def __call__(self) -> ClientConnection:
        """Make the protocol of a new connection."""
        return ClientConnection(self)

    @property
    def open_connections(self) -> int:
        """How many connections there are now."""
        return len(self._open)

    @property
    def connections(self) -> Collection[ClientConnection]:
        """Those."""
        return self._open

    def admit(self, connection: ClientConnection) -> bool:
        """Count a new connection; False if that would be one too many."""
        address = "" if self.trusted(connection.address) else _bucket(connection.address)
        if len(self._open) >= self.limits.connections or (address and self._per_address[address] >= self.limits.per_address):
            self._turned_away.add(connection)
            return False
        self._open.add(connection)
        if address:
            self._per_address[address] += 1
            connection.counted_as = address
        return True

    @property
    def lingering(self) -> int:
        """How many refused connections are still open."""
        return len(self._turned_away)

    @property
    def may_linger(self) -> bool:
        """True if there is room to wait until one more that was not admitted has read why."""
        return len(self._turned_away) <= _MAX_LINGERING

    def forget(self, connection: ClientConnection) -> None:
        """The connection is gone."""
        self._open.discard(connection)
        self._turned_away.discard(connection)
        address, connection.counted_as = connection.counted_as, ""
        if address:
            self._per_address[address] -= 1
            if not self._per_address[address]:
                del self._per_address[address]
        if not self._open and self._all_gone is not None:
            self._all_gone.set()

    def start(self) -> None:
        """Begin to watch deadlines."""
        self._sweeper = asyncio.get_running_loop().create_task(self._sweep(), name="client-deadlines")

    async def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_SWEEP_S)
            now = loop.time()
            for connection in (*self._open, *self._turned_away):
                if connection.deadline is not None and connection.deadline <= now:
                    connection.expire(now)
                if connection.writing.paused:
                    connection.check_stall(now)
            self._report_silenced()

    async def drain(self, limit_s: float) -> int:
        """Let requests in flight finish, uploads included; returns how many connections had to be cut (promise 60).

        The caller has closed the listening sockets before.
        """
        self.draining = True
        self._all_gone = asyncio.Event()
        for connection in tuple(self._open):
            if connection.idle:
                connection.close()
        if self._open:
            try:
                async with asyncio.timeout(limit_s):
                    await self._all_gone.wait()
            except TimeoutError:
                log.warning("drain limit reached connections=%d", len(self._open))
        cut = len(self._open)
        for connection in (*self._open, *self._turned_away):
            connection.abort()
        await asyncio.sleep(0)
        if self._sweeper is not None:
            self._sweeper.cancel()
        return cut

    def cut(self) -> None:
        """Stop waiting for a drain to end."""
        if self._all_gone is not None:
            self._all_gone.set()

    def refusal_answer(self, refusal: Refusal) -> bytes:
        """The whole answer to a request that no lane has seen: it names the reason and nothing of the request (promise 51)."""
        try:
            phrase = http.HTTPStatus(refusal.status).phrase
        except ValueError:
            phrase = "Refused"
        body = f"{refusal.status} {phrase}: {refusal.reason}\n".encode()
        lines = [
            f"HTTP/1.1 {refusal.status} {phrase}",
            "Content-Type: text/plain; charset=utf-8",
            f"Content-Length: {len(body)}",
            f"X-Gateway-Reason: {refusal.reason}",
            "X-Content-Type-Options: nosniff",
            "Cache-Control: no-store",
            *(["Retry-After: 1"] if refusal.status == 503 else []),
            *([f"Allow: {ALLOWED_METHODS}"] if refusal.status == 405 else []),
            "Connection: close",
        ]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body

    def count_refusal(self, refusal: Refusal, address: str) -> None:
        """One line a refusal, unless there is a flood of them (promise 64)."""
        self.refused[refusal.reason] += 1
        if self._lines_left > 0:
            self._lines_left -= 1
            log.info("refused reason=%s status=%d client=%s", refusal.reason, refusal.status, address or "unix")
        else:
            self._silenced += 1

    def _report_silenced(self) -> None:
        self._lines_left = min(_LINES_A_SECOND, self._lines_left + int(_LINES_A_SECOND * _SWEEP_S))
        if self._silenced and self._lines_left:
            log.info("refused further=%d (lines left out)", self._silenced)
            self._silenced = 0


def _all_ours(target: bytes) -> bool:
    return True


def _bucket(address: str) -> str:
    """What counts as one address: an IPv4 address, or an IPv6 /64 (one household, one key)."""
    if ":" not in address:
        return address
    try:
        return str(ipaddress.ip_network((address.partition("%")[0], 64), strict=False))
    except ValueError:
        return address
