"""Serve: bind, announce, wait for a signal, drain."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from aiohttp import web

from gateway.core.errors import ConfigError
from gateway.core.problem import Problem
from gateway.proxy.client.connection import ClientConnection
from gateway.proxy.client.head import HeadLimits
from gateway.proxy.client.limits import ClientLimits
from gateway.proxy.client.listener import Listener
from gateway.settings.model import LimitSettings, Settings
from gateway.settings.values import ListenAddress
from gateway.web.app import build_app
from gateway.web.express import express_lane
from gateway.web.facts import may_be_own_endpoint
from gateway.web.log import event
from gateway.web.proxied import proxied
from gateway.web.reload import Reloader, Source
from gateway.web.state import CURRENT, Gateway

log = logging.getLogger(__name__)
_BACKLOG = 4096
# The collector looks at what handlers made far less often than Python's default of 700: requests make few cycles, and it took 5 to 10 %
# of the time (`make bench`).
_GC_THRESHOLDS = (50_000, 20, 50)
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


def client_limits(limits: LimitSettings) -> ClientLimits:
    """The data plane's view of `[limits]`."""
    return ClientLimits(
        head=HeadLimits(line=limits.request_line, field=limits.header_field, count=limits.header_count, total=limits.request_head),
        head_timeout_s=limits.request_head_timeout.total_seconds(),
        body_idle_s=limits.request_body_idle.total_seconds(),
        keep_alive_s=limits.keep_alive.total_seconds(),
        write_idle_s=limits.client_write_idle.total_seconds(),
        requests=limits.requests_per_connection,
        connections=limits.connections,
        per_address=limits.connections_per_address,
    )


async def serve(
    settings: Settings,
    *,
    on_ready: Callable[[list[str]], None] = lambda _: None,
    on_drain: Callable[[], None] = lambda: None,
    stop: asyncio.Event | None = None,
    source: Source | None = None,
) -> None:
    """Serve until SIGTERM, SIGINT or `stop`; then finish what is in flight, within the drain limit.

    Args:
        on_ready: Called once with the bound addresses as URLs.
        on_drain: Called when draining begins.
        source: Where the settings came from: SIGHUP, or a change of the files, reads them again.

    Raises:
        ConfigError: An address can't be bound, or a provider can't start.
    """
    stop = stop or asyncio.Event()
    app = build_app(settings)
    runner = web.AppRunner(app, handle_signals=False, **_LANE)
    await runner.setup()
    proxy = web.Server(proxied(app[CURRENT]), **_LANE)
    try:
        lane = runner.server
        assert lane is not None
        current = app[CURRENT]
        listener = Listener(client_limits(settings.limits), lane, make_proxied=proxy, may_be_ours=may_be_own_endpoint)
        _obey(listener, current.gateway)
        reloader = Reloader(source, current, lambda gateway: _obey(listener, gateway)) if source is not None else None
        servers = [server for address in settings.server.listen for server in await _bind(address, listener)]
        listener.start()
        gc.freeze()
        gc.set_threshold(*_GC_THRESHOLDS)
        with _reloading(reloader), _signals(stop, listener):
            on_ready([_url(server_socket, settings) for server in servers for server_socket in server.sockets])
            event(log, "ready", addresses=",".join(str(address) for address in settings.server.listen))
            await stop.wait()
            on_drain()
            for server in servers:
                server.close()
            cut = await listener.drain(current.gateway.settings.limits.drain.total_seconds())
            event(log, "stopped", cut=cut)
    finally:
        await proxy.shutdown(0)
        await runner.cleanup()
        _remove_sockets(settings)


def _obey(listener: Listener, gateway: Gateway) -> None:
    """Let what is to come on the listener's connections be bound by a gateway's settings: a new judge too, so nothing is remembered."""
    limits = client_limits(gateway.settings.limits)
    express = express_lane(gateway, limits.head) if gateway.settings.server.express else None
    listener.limits, listener.trusted, listener.express = limits, gateway.trusted.covers, express


@contextlib.contextmanager
def _reloading(reloader: Reloader | None) -> Iterator[None]:
    """SIGHUP and the files are heeded meanwhile; without a reloader SIGHUP ends the process, as it does by default."""
    if reloader is None:
        yield
        return
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, reloader.ask)
    watch = loop.create_task(reloader.run(), name="reload")
    try:
        yield
    finally:
        watch.cancel()  # SIGHUP is still handled, and heeded no more


@contextlib.contextmanager
def _signals(stop: asyncio.Event, listener: Listener) -> Iterator[None]:
    """The first signal drains, the second cuts."""
    loop = asyncio.get_running_loop()

    def on_signal() -> None:
        if stop.is_set():
            listener.cut()
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    try:
        yield
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


async def _bind(address: ListenAddress, listener: Callable[[], ClientConnection]) -> list[asyncio.Server]:
    loop = asyncio.get_running_loop()
    try:
        if address.path:
            return [await loop.create_unix_server(listener, address.path, backlog=_BACKLOG)]
        return [await loop.create_server(listener, address.host, address.port, backlog=_BACKLOG, reuse_address=True)]
    except OSError as error:
        what = f"nothing can listen there: {error.strerror or error}"
        cure = "stop what uses the address, or choose another (a port of 0 takes any free one)"
        raise ConfigError([Problem(key="server.listen", value=str(address), what=what, cure=cure)]) from error


def _remove_sockets(settings: Settings) -> None:
    for address in settings.server.listen:
        if address.path:
            with contextlib.suppress(OSError):
                Path(address.path).unlink()


def _url(bound: socket.socket, settings: Settings) -> str:
    name = bound.getsockname()
    if isinstance(name, str):
        return f"unix:{name}"
    host = f"[{name[0]}]" if ":" in name[0] else name[0]
    return f"http://{host}:{name[1]}"
