"""Serve: in one plain process, or in several under a supervisor."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

from gateway.settings.model import Settings
from gateway.web.processes.alone import serve_alone
from gateway.web.processes.house import House
from gateway.web.processes.stopping import Stop
from gateway.web.processes.supervised import serve_supervised, worker_count
from gateway.web.processes.supervisor import WorkerCommand
from gateway.web.reload import Source
from gateway.web.systemd import Notifier, activated


async def serve(
    settings: Settings,
    *,
    on_ready: Callable[[list[str]], None] = lambda _: None,
    on_drain: Callable[[], None] = lambda: None,
    stop: asyncio.Event | None = None,
    source: Source | None = None,
    worker_command: WorkerCommand | None = None,
) -> None:
    """Serve until SIGTERM, SIGINT or `stop`; then finish what is in flight, within the drain limit.

    Args:
        on_ready: Called once with the bound addresses as URLs.
        on_drain: Called when draining begins.
        source: Where the settings came from: SIGHUP, or a change of the files, reads them again.
        worker_command: How a worker is started; without it there are none, whatever `server.workers` says.

    Raises:
        ConfigError: An address can't be bound, or a provider can't start.
        WorkersFailed: A worker died as it started.
    """
    house = House(
        settings=settings,
        on_ready=on_ready,
        on_drain=on_drain,
        stop=Stop(stop),
        source=source,
        notifier=Notifier.taken_from(os.environ),
        inherited=activated(os.environ),
    )
    if worker_command is None or worker_count(settings.server.workers) == 1:
        await serve_alone(house)
    else:
        await serve_supervised(house, worker_command)
