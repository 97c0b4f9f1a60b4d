"""The data plane of one process: the application, the client connections, and the gateway that they obey."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from typing import Any

from aiohttp import web

from gateway.core.identity import Session
from gateway.proxy.client.head import HeadLimits
from gateway.proxy.client.limits import ClientLimits
from gateway.proxy.client.listener import Listener
from gateway.proxy.client.plain import PlainReader
from gateway.sessions.keys import KeyRing
from gateway.settings.model import Settings
from gateway.web.app import build_app, build_gateway
from gateway.web.auth.attempts import Attempts
from gateway.web.express import express_lane
from gateway.web.facts import may_be_own_endpoint
from gateway.web.live import LiveAnswers
from gateway.web.log import event
from gateway.web.processes import memory
from gateway.web.processes.acceptors import Acceptors, NoDescriptors
from gateway.web.processes.descriptors import connections_that_fit, raise_limit
from gateway.web.processes.sockets import Listening
from gateway.web.processes.stopping import Stop
from gateway.web.proxied import proxied
from gateway.web.state import CURRENT, Gateway

log = logging.getLogger(__name__)
_ENDLESS = 2**31 - 1
# aiohttp's own timers and limits are set out of the way: connections are watched by the listener, heads are bounded before.
_LANE: dict[str, Any] = {
    "access_log": None,
    "handler_cancellation": True,
    "keepalive_timeout": 10 * 365 * 86400.0,
    "lingering_time": 0,
    "auto_decompress": False,
    "max_line_size": _ENDLESS,
    "max_field_size": _ENDLESS,
    "max_headers": _ENDLESS,
}
# Between the last connection that may begin and the closing of the listening sockets: a handshake is finished meanwhile.
_HANDSHAKES_S = 0.15
# Between that and the closing of idle connections: what is on its way on one of them is still answered.
_FAREWELL_S = 0.2


def client_limits(settings: Settings, descriptors: int) -> ClientLimits:
    """The data plane's view of `[limits]`."""
    limits = settings.limits
    return ClientLimits(
        head=HeadLimits(line=limits.request_line, field=limits.header_field, count=limits.header_count, total=limits.request_head),
        head_timeout_s=limits.request_head_timeout.total_seconds(),
        body_idle_s=limits.request_body_idle.total_seconds(),
        keep_alive_s=limits.keep_alive.total_seconds(),
        write_idle_s=limits.client_write_idle.total_seconds(),
        requests=limits.requests_per_connection,
        connections=connections_that_fit(settings, descriptors),
        per_address=limits.connections_per_address,
        buffer=limits.buffer,
    )


class Plane:
    """See the module's docstring.

    Args:
        keys: The secrets, if they were read already.
        attempts: The memory of failed sign-ins, if it is shared with others.
        on_forget: Told of each session that was signed out here.
        on_flow: Told of each sign-in that was recorded here.

    Raises:
        ConfigError: The secrets, or an upstream's certificates, can't be used.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        keys: KeyRing | None = None,
        attempts: Attempts | None = None,
        on_forget: Callable[[Session], None] | None = None,
        on_flow: Callable[[dict[str, Any]], None] | None = None,
    ) -> None:
        self._app = build_app(settings, keys=keys, attempts=attempts)
        self._on_forget = on_forget
        self.current = self._app[CURRENT]
        self.current.gateway.flows.tell = on_flow
        self._runner = web.AppRunner(self._app, handle_signals=False, **_LANE)
        self._proxy: web.Server | None = None
        self._descriptors = raise_limit()
        self._acceptors: Acceptors | None = None
        self._live: LiveAnswers | None = None
        self.listener: Listener

    async def start(self, sockets: Sequence[Listening]) -> None:
        """Start the providers, and make ready to accept.

        Raises:
            ConfigError: A provider can't start.
        """
        await self._runner.setup()
        lane = self._runner.server
        assert lane is not None
        asyncio.get_running_loop().set_exception_handler(NoDescriptors())
        limits = client_limits(self.current.gateway.settings, self._descriptors)
        self._proxy = web.Server(proxied(self.current), **_LANE)
        self.listener = Listener(limits, lane, make_proxied=self._proxy, may_be_ours=may_be_own_endpoint)
        self._obey(self.current.gateway)
        self._acceptors = Acceptors(sockets, self.listener)
        self.listener.start()
        self._live = LiveAnswers(lambda: self.listener.connections, self.current)
        self._live.start()
        memory.settle()

    async def accept(self, slots: frozenset[int] = frozenset()) -> None:
        """See `Acceptors.accept`."""
        assert self._acceptors is not None
        await self._acceptors.accept(slots)

    async def prepare(self, settings: Settings, keys: KeyRing) -> Gateway:
        """Make a gateway of other settings, and start it. Nothing obeys it yet; close it, or hand it to `obey`.

        Raises:
            ConfigError: It can't be made.
        """
        old = self.current.gateway
        gateway = await asyncio.to_thread(
            build_gateway,
            settings,
            clock=old.clock,
            keys=keys,
            counters=old.counters,
            shared=old.shared,
            attempts=old.attempts,
            flows=old.flows,
        )
        try:
            await gateway.start()
        except BaseException:
            await gateway.close()
            raise
        return gateway

    def obey(self, gateway: Gateway) -> None:
        """Let every request begin with a prepared gateway from now on. Without an await: it is all of the old one, or all of the new."""
        self._obey(gateway)
        self.current.replace(gateway)

    def forget(self, session: Session) -> None:
        """Refuse a session that was signed out in another process."""
        gateway = self.current.gateway
        gateway.revocations.hear(session.sign_in_id, until=gateway.sessions.revoked_until(session))

    def turn_away(self) -> None:
        """Let nobody connect any more, at this process or at those that share its sockets: all of them are about to drain."""
        if self._acceptors is not None:
            self._acceptors.turn_away()

    async def drain(self, stop: Stop) -> int:
        """Accept nothing more, and let what is in flight finish; gives how many connections had to be cut (promise 60)."""
        self.listener.draining = True  # from now on each answer is its connection's last
        self.current.gateway.flows.end_watching()
        if self._acceptors is not None:
            await stop.pause(_HANDSHAKES_S)
            await self._acceptors.close()
        await stop.pause(_FAREWELL_S)
        limit_s = self.current.gateway.settings.limits.drain.total_seconds()
        hurry = asyncio.get_running_loop().create_task(self._cut_in_a_hurry(stop), name="cut")
        try:
            return await self.listener.drain(0 if stop.hurry.is_set() else limit_s)
        finally:
            hurry.cancel()

    async def close(self) -> None:
        """Close what was opened: providers, and connections to upstreams."""
        if self._live is not None:
            self._live.stop()
        if self._proxy is not None:
            await self._proxy.shutdown(0)
        await self._runner.cleanup()

    def _obey(self, gateway: Gateway) -> None:
        """Let what is to come on the listener's connections be bound by a gateway: a new judge too, so nothing is remembered."""
        settings, listener = gateway.settings, self.listener
        limits = client_limits(settings, self._descriptors)
        if limits.connections < settings.limits.connections:
            event(log, "connections-limited", level=logging.WARNING, by="descriptors", connections=limits.connections)
        listener.limits, listener.trusted = limits, gateway.trusted.covers
        reader = PlainReader(gateway.filter.drops, limits.head, reads_authorization=not gateway.machines.off)
        listener.express = express_lane(gateway, reader) if settings.server.express else None
        listener.read_plain = None if settings.server.express else reader.read
        gateway.flows.obey(settings.inspector)
        if self._on_forget is not None:
            gateway.told.append(self._on_forget)

    async def _cut_in_a_hurry(self, stop: Stop) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await stop.hurry.wait()
            self.listener.cut()
