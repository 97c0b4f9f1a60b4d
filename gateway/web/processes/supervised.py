"""Several processes under a supervisor: `workers` other than 1."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Sequence

from gateway.web.admin.listener import Admin, State
from gateway.web.admin.metrics import gateway_samples, process_samples
from gateway.web.admin.samples import Sample
from gateway.web.app import keys_of
from gateway.web.log import event
from gateway.web.processes.descriptors import raise_limit
from gateway.web.processes.house import House
from gateway.web.processes.sockets import urls
from gateway.web.processes.supervisor import Supervisor, WorkerCommand
from gateway.web.reload import Reloader, reloading

log = logging.getLogger(__name__)


def worker_count(asked: int) -> int:
    """How many workers `server.workers` means: 0 is one for each core that the process may use."""
    return asked or len(os.sched_getaffinity(0))


async def serve_supervised(house: House, command: WorkerCommand) -> None:
    """As `serve_alone`, with several workers.

    Raises:
        ConfigError: The secrets can't be used, an address can't be bound, or a provider can't start.
        WorkersFailed: A worker died as it started.
    """
    settings = house.settings
    raise_limit()
    keys = await asyncio.to_thread(keys_of, settings)  # made here once, if there are none yet
    count = worker_count(settings.server.workers)
    reloader: Reloader | None = None
    supervisor: Supervisor | None = None

    async def gather() -> Sequence[Sample]:
        workers, restarts, counted = (
            (0, 0, []) if supervisor is None else (supervisor.serving, supervisor.restarts, await supervisor.samples())
        )
        ready = admin.state is State.READY and workers > 0
        reloads = None if reloader is None else reloader.count
        own = gateway_samples(ready=ready, workers=workers, restarts=restarts, reloads=reloads)
        return [*own, *process_samples("supervisor"), *counted]

    admin = Admin(gather, works=lambda: supervisor is not None and supervisor.serving > 0)
    async with contextlib.AsyncExitStack() as stack:
        public = await house.open(stack, admin, workers=count)
        supervisor = Supervisor(settings, keys, count=count, command=command, sockets=public)
        stack.push_async_callback(supervisor.close)
        if house.source is not None:
            reloader = Reloader(house.source, settings, supervisor.apply, house.notifier)
        addresses = urls(public)
        with house.stop.on_signals():
            if not await _started(supervisor, house):
                return
            with reloading(reloader):
                async with house.serving(admin, addresses, lambda: supervisor.settings):
                    await house.stop.asked.wait()
                event(log, "stopped", cut=await supervisor.drain(house.stop))


async def _started(supervisor: Supervisor, house: House) -> bool:
    """Start; False if a signal came meanwhile."""
    start = asyncio.ensure_future(supervisor.start())
    asked = asyncio.ensure_future(house.stop.asked.wait())
    await asyncio.wait((start, asked), return_when=asyncio.FIRST_COMPLETED)
    asked.cancel()
    if not start.done():
        start.cancel()
        return False
    await start
    return True
