"""Several workers: started, replaced when they die, told the same things, and stopped. It carries no request itself.

What is shared lives here: the sockets, the configuration as it was last accepted, the book of failed sign-ins, and the numbers of the
workers that are gone. (docs/adr/0008.)
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from gateway.core.errors import ConfigError, GatewayError
from gateway.sessions.keys import KeyRing
from gateway.settings.model import Settings
from gateway.web.admin.samples import Sample, added_up
from gateway.web.auth.attempts import Attempts
from gateway.web.flows.flow_json import flow_to_json
from gateway.web.flows.memory import Flows
from gateway.web.log import event
from gateway.web.processes.attempts import Desk
from gateway.web.processes.channel import Message, packed
from gateway.web.processes.child import Child
from gateway.web.processes.sockets import Listening, turn_away
from gateway.web.processes.stopping import Stop

log = logging.getLogger(__name__)
_STEADY_S = 10.0  # who lived that long did not die of how it started
_BACK_OFF_S = (0.0, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
_OVERTIME_S = 5.0  # beyond the drain limit
_LOOK_S = 1.0
_REPORT_S = 0.5
_SKEW_S = 120.0

WorkerCommand = Callable[[int], Sequence[str]]


class WorkersFailed(GatewayError):
    """No worker could be started, for no reason that is in the configuration."""


class Supervisor:
    """See the module's docstring.

    Args:
        count: How many workers.
        command: The command line of a worker, for the descriptor of its channel.
        sockets: What the workers listen on.
    """

    def __init__(self, settings: Settings, keys: KeyRing, *, count: int, command: WorkerCommand, sockets: Sequence[Listening]) -> None:
        self.settings = settings
        self.restarts = 0
        self._keys = keys
        self._version = 0
        self._count = count
        self._command = command
        self._sockets = sockets
        self._salt = secrets.token_bytes(32)
        self._attempts = Attempts(salt=self._salt)
        self._children: dict[int, Child] = {}
        self._keepers: list[asyncio.Task[None]] = []
        self._past: list[Sample] = []
        self._ended: dict[str, tuple[float, Message]] = {}
        self._flows = Flows()
        self._flows.obey(settings.inspector)
        self._up = False
        self._stopping = False
        self._change = asyncio.Lock()  # one reload, or one worker that joins, at a time
        self._tasks: set[asyncio.Task[None]] = set()
        self._cut = 0

    async def start(self) -> None:
        """Start all workers; they accept when this returns.

        Raises:
            ConfigError: A worker can't work as configured.
            WorkersFailed: One died.
        """
        self._keepers = [asyncio.get_running_loop().create_task(self._keep(slot), name=f"worker-{slot}") for slot in range(self._count)]
        self._spawn(self._look_after())
        while self.serving < self._count:
            for keeper in self._keepers:
                if keeper.done():
                    keeper.result()
            await asyncio.sleep(0.02)
        self._up = True

    @property
    def serving(self) -> int:
        """How many workers take requests."""
        return sum(1 for child in self._children.values() if child.slots is not None)

    async def apply(self, settings: Settings, keys: KeyRing) -> None:
        """Let all workers serve other settings, or none: each makes them ready first.

        Raises:
            ConfigError: One of them can't, and nothing has changed.
        """
        async with self._change:
            children = [child for child in self._children.values() if child.built]
            state = packed(settings, keys)
            answers = await asyncio.gather(*(child.prepare(state) for child in children))
            if problems := next((answer for answer in answers if answer), None):
                for child in children:
                    child.channel.send({"is": "abandon"})
                raise ConfigError(list(problems))
            self.settings, self._keys, self._version = settings, keys, self._version + 1
            self._flows.obey(settings.inspector)
            for child in children:
                child.commit(self._version)

    async def samples(self) -> list[Sample]:
        """What the workers counted, those that are gone included."""
        children = list(self._children.values())
        for child in children:
            child.reported.clear()
            child.channel.send({"is": "report"})
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_REPORT_S):
                await asyncio.gather(*(child.reported.wait() for child in children))
        return [*self._past, *(sample for child in children for sample in child.samples)]

    async def drain(self, stop: Stop) -> int:
        """Let every worker finish what it has, and end; gives how many connections had to be cut."""
        self._stopping = True
        turn_away(self._sockets)
        for listening in self._sockets:
            listening.sock.close()  # the workers have theirs; the last one accepts what still waits
        for child in self._children.values():
            child.channel.send({"is": "drain"})
        for keeper in self._keepers:
            if keeper.get_name() not in {f"worker-{slot}" for slot in self._children}:
                keeper.cancel()  # nobody there
        hurry = asyncio.get_running_loop().create_task(self._cut_in_a_hurry(stop))
        await asyncio.wait(self._keepers, timeout=self.settings.limits.drain.total_seconds() + _OVERTIME_S)
        hurry.cancel()
        await self.close()
        return self._cut

    async def close(self) -> None:
        """End whatever is left."""
        self._stopping = True
        for child in self._children.values():
            child.kill()
        if self._keepers:
            await asyncio.wait(self._keepers, timeout=_OVERTIME_S)
        for task in (*self._keepers, *self._tasks):
            task.cancel()
        await asyncio.gather(*self._keepers, *self._tasks, return_exceptions=True)

    # one place

    async def _keep(self, slot: int) -> None:
        """Keep one place filled."""
        failures = 0
        while True:
            child, status = await self._fill(slot)
            if self._stopping:
                return
            problems = () if child is None else child.problems
            if not self._up:
                raise ConfigError(list(problems)) if problems else WorkersFailed(f"a worker ended at its start (status {status})")
            failures = 0 if child is not None and child.lived_s >= _STEADY_S else failures + 1
            pause_s = _BACK_OFF_S[min(max(failures - 1, 0), len(_BACK_OFF_S) - 1)]
            self.restarts += 1
            pid, why = child and child.process.pid, problems[0].what if problems else None
            event(log, "worker-ended", level=logging.ERROR, slot=slot, pid=pid, status=status, why=why, again_in_s=pause_s)
            await asyncio.sleep(pause_s)

    async def _fill(self, slot: int) -> tuple[Child | None, int | str]:
        """Start a worker and attend to it until it is gone; None if it could not be started."""
        try:
            child = await self._begin(slot)
        except OSError as error:  # no process, or no descriptor, is left
            return None, error.strerror or str(error)
        return child, await self._attend(child)

    async def _begin(self, slot: int) -> Child:
        first = {"state": packed(self.settings, self._keys), "salt": self._salt.hex()}
        child = await Child.start(slot, self._version, self._command, self._sockets, first)
        child.desk = Desk(self._attempts, lambda: self.settings.limits, child.channel.send)
        for _, message in self._ended.values():
            child.channel.send(message)
        for flow in reversed(list(self._flows)):
            child.channel.send({"is": "news", "what": "flow", "flow": flow_to_json(flow)})
        self._children[slot] = child
        if self._stopping:
            child.channel.send({"is": "drain"})
        return child

    async def _attend(self, child: Child) -> int:
        """Listen to a worker until it is gone; gives its exit status."""
        while (message := await child.channel.receive()) is not None:
            child.silent_looks = 0
            if message.get("is") == "built":
                self._spawn(self._admit(child))
            elif message.get("is") == "news":
                self._note(message)
                for other in self._children.values():
                    if other is not child:
                        other.channel.send(message)
            elif not child.understands(message):
                child.kill()
        del self._children[child.slot]
        self._assign()  # at once: another one accepts from its sockets now
        self._past = added_up([*self._past, *(sample for sample in child.samples if sample.lasts)])
        self._cut += child.cut
        return await child.end()

    def _note(self, message: Message) -> None:
        """Keep what a worker that starts later has to know: who signed out (with a store it reads that itself), and what sign-ins did."""
        if message.get("what") == "flow":
            self._flows.hear(dict(message))
            return
        if message.get("what") != "signed-out" or self.settings.session.revocation == "store":
            return
        claims, longest = message["claims"], self.settings.session.absolute_max_age.total_seconds() + _SKEW_S
        now = time.time()
        self._ended[str(claims["sid"])] = max(claims["exp"], claims["auth_time"] + longest), message
        while self._ended and next(iter(self._ended.values()))[0] < now:
            del self._ended[next(iter(self._ended))]

    async def _admit(self, child: Child) -> None:
        """Let a worker join: with the configuration of now, which may be another one than it was started with."""
        async with self._change:
            if child.version != self._version:
                child.problems = await child.prepare(packed(self.settings, self._keys))
                if child.problems:
                    child.kill()
                    return
                child.commit(self._version)
            child.join()
            self._assign()
        event(log, "worker-ready", slot=child.slot, pid=child.process.pid)

    def _assign(self) -> None:
        """Each worker accepts from its own sockets; those of a place that is empty are for the next one."""
        ready = sorted(slot for slot, child in self._children.items() if child.built)
        if not ready or self._stopping or not (self._up or len(ready) == self._count):
            return
        wanted: dict[int, set[int]] = {slot: set() for slot in ready}
        for slot in range(self._count):
            wanted[next((other for other in ready if other >= slot), ready[0])].add(slot)
        for slot, slots in wanted.items():
            self._children[slot].accept(frozenset(slots))

    # all the while

    async def _look_after(self) -> None:
        """A dead worker whose channel is held open by a process of its own is dead all the same, and so is one that hangs.

        Looks are counted, and no clock is read: while this process is stopped itself, nobody is silent.
        """
        while True:
            await asyncio.sleep(_LOOK_S)
            most = self.settings.limits.worker_timeout.total_seconds() / _LOOK_S
            for child in list(self._children.values()):
                child.silent_looks += 1
                if child.process.poll() is not None:
                    await child.channel.close()
                elif child.built and child.silent_looks > most and not self._stopping:
                    event(log, "worker-hung", level=logging.ERROR, slot=child.slot, pid=child.process.pid, silent_s=f"{most * _LOOK_S:.0f}")
                    child.silent_looks = 0
                    child.kill()

    async def _cut_in_a_hurry(self, stop: Stop) -> None:
        await stop.hurry.wait()
        for child in self._children.values():
            child.channel.send({"is": "cut"})

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
