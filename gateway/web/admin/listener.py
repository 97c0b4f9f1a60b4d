"""`/healthz`, `/readyz` and `/metrics`, on a socket of their own."""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable, Sequence

from aiohttp import web

from gateway.web.admin.samples import Sample, exposition
from gateway.web.processes.sockets import Listening

_PLAIN = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Server": "auth-gateway"}
_METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class State(enum.Enum):
    """What `/readyz` says. Only one of them is a yes."""

    STARTING = "starting"
    READY = "ready"
    DRAINING = "draining"


class Admin:
    """The listener.

    Args:
        gather: Gives the numbers of now.
        works: Says whether anybody takes requests.

    Attributes:
        state: Set by whoever serves.
    """

    def __init__(self, gather: Callable[[], Awaitable[Sequence[Sample]]], works: Callable[[], bool] = lambda: True) -> None:
        self._gather = gather
        self._works = works
        self._runner: web.AppRunner | None = None
        self.state = State.STARTING

    async def start(self, sockets: Sequence[Listening]) -> None:
        """Serve on bound sockets until `close`, which closes them."""
        app = web.Application(middlewares=[_plainly])
        app.add_routes([web.get("/healthz", self._health), web.get("/readyz", self._readiness), web.get("/metrics", self._metrics)])
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False)
        await self._runner.setup()
        for listening in sockets:
            await web.SockSite(self._runner, listening.sock).start()

    async def close(self) -> None:
        """Stop."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _health(self, _: web.Request) -> web.Response:
        """It answers, so it lives."""
        return web.Response(text="alive\n", headers=_PLAIN)

    async def _readiness(self, _: web.Request) -> web.Response:
        state = State.STARTING if self.state is State.READY and not self._works() else self.state
        return web.Response(text=f"{state.value}\n", status=200 if state is State.READY else 503, headers=_PLAIN)

    async def _metrics(self, _: web.Request) -> web.Response:
        body = exposition(await self._gather()).encode()
        return web.Response(body=body, headers=_PLAIN | {"Content-Type": _METRICS_TYPE})


@web.middleware
async def _plainly(request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> web.StreamResponse:
    """An unknown path or method is said without aiohttp's words and version (promise 51)."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        return web.Response(text=f"{error.status} {error.reason}\n", status=error.status, headers=_PLAIN)
