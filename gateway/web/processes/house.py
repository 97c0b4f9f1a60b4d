"""What one process and a supervisor have in common: what is opened before anything is served, and the order in which it all ends."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field

from gateway.settings.model import Settings
from gateway.web.admin.listener import Admin, State
from gateway.web.log import event
from gateway.web.processes import sockets
from gateway.web.processes.sockets import Listening
from gateway.web.processes.stopping import Stop
from gateway.web.reload import Source
from gateway.web.systemd import Activated, Notifier

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class House:
    """The surroundings of a gateway that serves.

    Attributes:
        on_ready: Called once with the bound addresses as URLs.
        on_drain: Called when draining begins.
        source: Where the settings came from, for reading them again.
        inherited: The sockets that somebody opened for the gateway.
    """

    settings: Settings
    on_ready: Callable[[list[str]], None]
    on_drain: Callable[[], None]
    stop: Stop
    source: Source | None
    notifier: Notifier = field(default_factory=Notifier)
    inherited: Activated = field(default_factory=Activated)

    async def open(self, stack: contextlib.AsyncExitStack, admin: Admin, *, workers: int) -> list[Listening]:
        """Bind all addresses, and serve the operators' one already; the stack closes them.

        Raises:
            ConfigError: One can't be bound.
        """
        given, server = self.inherited, self.settings.server
        if given.public:
            public = [Listening(sock, inherited=True) for sock in given.public]
        else:
            public = await sockets.bind(server.listen, workers=workers)
        stack.callback(sockets.close, public)
        operators: list[Listening] = []
        if given.admin is not None:
            operators = [Listening(given.admin, inherited=True)]
        elif server.admin_listen is not None:
            operators = await sockets.bind([server.admin_listen], key="server.admin_listen")
        stack.callback(sockets.close, operators)
        if operators:
            await admin.start(operators)
            stack.push_async_callback(admin.close)
            event(log, "admin-ready", addresses=",".join(sockets.urls(operators)))
        return public

    @contextlib.asynccontextmanager
    async def serving(self, admin: Admin, addresses: Sequence[str], now: Callable[[], Settings]) -> AsyncIterator[None]:
        """Everybody is told that it serves; and at the end that it stops, while it still serves for as long as others need to notice.

        Args:
            now: Gives the settings of now.
        """
        admin.state = State.READY
        self.on_ready(list(addresses))
        event(log, "ready", addresses=",".join(addresses))
        self.notifier.ready()
        watchdog = asyncio.get_running_loop().create_task(self.notifier.keep_alive(), name="watchdog")
        try:
            yield
            admin.state = State.DRAINING
            self.notifier.stopping()
            self.on_drain()
            await self.stop.pause(now().limits.pre_stop_delay)
        finally:
            watchdog.cancel()
