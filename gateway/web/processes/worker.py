"""One worker: a data plane that takes its orders from the supervisor, and from nobody else.

It reads no configuration and binds nothing: settings come down the channel, sockets are inherited. If the channel ends, the supervisor
has died, and the worker drains. Signals are not for it: a terminal and systemd send theirs to all processes, the supervisor's included.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Coroutine
from typing import Any

from gateway.core.errors import ConfigError
from gateway.core.identity import Session
from gateway.core.problem import Problem
from gateway.sessions.codec import claims_of, session_of
from gateway.web.admin.metrics import plane_samples, process_samples
from gateway.web.log import event
from gateway.web.processes.attempts import SharedAttempts
from gateway.web.processes.channel import Channel, Message, unpacked
from gateway.web.processes.plane import Plane
from gateway.web.processes.sockets import Listening
from gateway.web.processes.staged import Staged
from gateway.web.processes.stopping import Stop
from gateway.web.processes.wire import problems_to_json
from gateway.web.state import Gateway

log = logging.getLogger(__name__)
_REPORT_S = 1.0


async def work(descriptor: int) -> None:
    """Be a worker, until told to stop.

    Args:
        descriptor: This end of the channel.
    """
    os.set_inheritable(descriptor, False)
    channel = await Channel.over(socket.socket(fileno=descriptor))
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, lambda: None)
    try:
        first = await channel.receive()
        if first is not None:
            await _begin(channel, first)
    finally:
        await channel.close()


async def _begin(channel: Channel, first: Message) -> None:
    settings, keys = unpacked(first["state"])
    attempts = SharedAttempts(bytes.fromhex(first["salt"]), channel.send)

    def tell(session: Session) -> None:
        channel.send({"is": "news", "what": "signed-out", "claims": claims_of(session)})

    def tell_flow(news: dict[str, Any]) -> None:
        channel.send({"is": "news", "what": "flow", **news})

    try:
        plane = Plane(settings, keys=keys, attempts=attempts, on_forget=tell, on_flow=tell_flow)
        await plane.start([_inherited(item) for item in first["sockets"]])
    except ConfigError as error:
        channel.send({"is": "failed", "problems": problems_to_json(error.problems)})
        return
    try:
        await Worker(channel, plane, attempts, str(first["name"])).run()
    finally:
        await plane.close()


def _inherited(item: Message) -> Listening:
    descriptor = int(item["descriptor"])
    os.set_inheritable(descriptor, False)
    return Listening(socket.socket(fileno=descriptor), slot=item["slot"], inherited=item["inherited"])


class Worker:
    """See the module's docstring.

    Args:
        name: What its numbers are called.
    """

    def __init__(self, channel: Channel, plane: Plane, attempts: SharedAttempts, name: str) -> None:
        self._channel = channel
        self._plane = plane
        self._attempts = attempts
        self._name = name
        self._stop = Stop()
        self._staged = Staged()
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Do as told, until drained."""
        reports = asyncio.get_running_loop().create_task(self._report_often())
        orders = asyncio.get_running_loop().create_task(self._heed())
        self._channel.send({"is": "built"})
        await self._stop.asked.wait()
        cut = await self._plane.drain(self._stop)
        self._report()
        self._channel.send({"is": "drained", "cut": cut})
        for task in (reports, orders, *self._tasks):
            task.cancel()

    async def _heed(self) -> None:
        try:
            while (message := await self._channel.receive()) is not None:
                await self._obey(message)
            if not self._stop.asked.is_set():
                event(log, "supervisor-gone", level=logging.ERROR)
                self._plane.turn_away()
        except Exception as error:  # one that can't do as told must not go on by itself: it drains, and is replaced
            event(log, "worker-failed", level=logging.ERROR, error=type(error).__name__)
        finally:
            self._stop.asked.set()

    async def _obey(self, message: Message) -> None:
        match message["is"]:
            case "accept":
                if not self._stop.asked.is_set():
                    await self._plane.accept(frozenset(message["slots"]))
            case "prepare":
                self._close(self._staged.order(int(message["number"])))
                self._start(self._prepare(message))
            case "commit":
                prepared = self._staged.take(int(message["number"]))
                if prepared is None:
                    raise LookupError("it was told to obey what it did not make")
                self._plane.obey(prepared)
            case "abandon":
                self._close(self._staged.drop())
            case "turn":
                self._attempts.answered(message)
            case "news":
                self._hear(message)
            case "report":
                self._report()
            case "drain":
                self._stop.asked.set()
            case "cut":
                self._stop.asked.set()
                self._stop.hurry.set()

    async def _prepare(self, message: Message) -> None:
        number = int(message["number"])
        problems: tuple[Problem, ...] | list[Problem] = ()
        try:
            self._close(self._staged.made(number, await self._plane.prepare(*unpacked(message["state"]))))
        except ConfigError as error:
            problems = list(error.problems)
        except Exception as error:  # a provider's own code may raise anything; its text may hold a secret
            problems = [Problem(key="", what=f"a worker could not make it: {type(error).__name__}")]
        self._channel.send({"is": "prepared", "number": number, "problems": problems_to_json(problems)})

    def _hear(self, message: Message) -> None:
        if message["what"] == "account-failed":
            self._attempts.heard(str(message["account"]), self._plane.current.gateway.settings.limits)
        elif message["what"] == "flow":
            self._plane.current.gateway.flows.hear(dict(message))
        elif message["what"] == "signed-out" and (session := session_of(message["claims"])) is not None:
            self._plane.forget(session)

    def _report(self) -> None:
        samples = [*plane_samples(self._plane), *process_samples(self._name)]
        self._channel.send({"is": "report", "samples": [sample.to_json() for sample in samples]})

    async def _report_often(self) -> None:
        while True:
            self._report()
            await asyncio.sleep(_REPORT_S)

    def _close(self, gateway: Gateway | None) -> None:
        if gateway is not None:
            self._start(gateway.close())

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
