"""One plain process that does everything: `workers = 1`."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence

from gateway.sessions.keys import KeyRing
from gateway.settings.model import Settings
from gateway.web.admin.listener import Admin, State
from gateway.web.admin.metrics import gateway_samples, plane_samples, process_samples
from gateway.web.admin.samples import Sample
from gateway.web.log import event
from gateway.web.processes.house import House
from gateway.web.processes.plane import Plane
from gateway.web.processes.sockets import urls
from gateway.web.reload import Reloader, reloading

log = logging.getLogger(__name__)


async def serve_alone(house: House) -> None:
    """Serve until told to stop; then finish what is in flight.

    Raises:
        ConfigError: An address can't be bound, or a provider can't start.
    """
    settings = house.settings
    plane = Plane(settings)
    reloader = Reloader(house.source, settings, _applies_to(plane), house.notifier) if house.source is not None else None

    async def gather() -> Sequence[Sample]:
        count = None if reloader is None else reloader.count
        ready = admin.state is State.READY
        return [
            *gateway_samples(ready=ready, workers=int(ready), restarts=0, reloads=count),
            *plane_samples(plane),
            *process_samples("main"),
        ]

    admin = Admin(gather)
    async with contextlib.AsyncExitStack() as stack:
        public = await house.open(stack, admin, workers=1)
        stack.push_async_callback(plane.close)
        await plane.start(public)
        await plane.accept()
        with house.stop.on_signals(), reloading(reloader):
            async with house.serving(admin, urls(public), lambda: plane.current.gateway.settings):
                await house.stop.asked.wait()
            plane.turn_away()
            event(log, "stopped", cut=await plane.drain(house.stop))


def _applies_to(plane: Plane) -> Callable[[Settings, KeyRing], Awaitable[None]]:
    async def apply(settings: Settings, keys: KeyRing) -> None:
        plane.obey(await plane.prepare(settings, keys))

    return apply
