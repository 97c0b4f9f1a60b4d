"""One worker process, as its supervisor sees it."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import time
from collections.abc import Callable, Sequence

from gateway.core.problem import Problem
from gateway.web.admin.samples import Sample
from gateway.web.processes.attempts import Desk
from gateway.web.processes.channel import Channel, Message
from gateway.web.processes.sockets import Listening
from gateway.web.processes.wire import problems_of

_PREPARE_S = 60.0
_LOOK_S = 0.02
_END_S = 2.0  # between the end of its channel and that of the process


class Child:
    """A worker that was started.

    Attributes:
        slot: Which of the places it fills.
        version: Of the configuration that it was given.
        built: True once it may be told to accept; see `join`.
        slots: From whose sockets it accepts.
        problems: Why it could not start.
        samples: What it counted, when it last said so.
        cut: How many connections it cut when it drained.
        silent_looks: How often the supervisor has looked for a sign of life since the last one.
        desk: Where its sign-ins are let in; set by the supervisor.
    """

    desk: Desk

    def __init__(self, slot: int, version: int, process: subprocess.Popen[bytes], channel: Channel) -> None:
        self.slot = slot
        self.version = version
        self.process = process
        self.channel = channel
        self.built = False
        self.slots: frozenset[int] | None = None
        self.problems: Sequence[Problem] = ()
        self.samples: list[Sample] = []
        self.reported = asyncio.Event()
        self.cut = 0
        self.silent_looks = 0
        self._built_at = 0.0
        self._order = 0
        self._prepared: asyncio.Future[Sequence[Problem]] | None = None

    @classmethod
    async def start(
        cls, slot: int, version: int, command: Callable[[int], Sequence[str]], sockets: Sequence[Listening], first: Message
    ) -> Child:
        """Start the process and give it what it needs.

        Raises:
            OSError: No process could be made.
        """
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                descriptors = [listening.sock.fileno() for listening in sockets]
                process = subprocess.Popen(  # noqa: ASYNC220, S603  # quick, and its end is looked after; the command is our own
                    command(theirs.fileno()),
                    stdin=subprocess.DEVNULL,
                    pass_fds=[theirs.fileno(), *descriptors],
                    process_group=0,  # Ctrl-C is for the supervisor
                )
        except BaseException:
            ours.close()
            raise
        child = cls(slot, version, process, await Channel.over(ours))
        passed = [
            {"descriptor": number, "slot": listening.slot, "inherited": listening.inherited}
            for number, listening in zip(descriptors, sockets, strict=True)
        ]
        child.channel.send({**first, "name": f"worker-{slot}", "sockets": passed})
        return child

    def join(self) -> None:
        """It has begun: it may be told to accept from now on."""
        self.built, self._built_at = True, time.monotonic()

    @property
    def lived_s(self) -> float:
        """Seconds since it had begun; 0 before. How long it takes to begin says nothing: on a busy machine a start that fails is slow, too."""
        return time.monotonic() - self._built_at if self.built else 0.0

    def accept(self, slots: frozenset[int]) -> None:
        """Let it accept from the sockets of these slots, and no others."""
        if slots != self.slots:
            self.slots = slots
            self.channel.send({"is": "accept", "slots": sorted(slots)})

    async def prepare(self, state: str, *, limit_s: float = _PREPARE_S) -> Sequence[Problem]:
        """Let it make a gateway of other settings; gives what is wrong with them. A worker that dies of it has its own end.

        Args:
            limit_s: What it has not made by then is not to be obeyed: abandon it.
        """
        self._order += 1
        self._prepared = asyncio.get_running_loop().create_future()
        self.channel.send({"is": "prepare", "number": self._order, "state": state})
        try:
            async with asyncio.timeout(limit_s):
                return await self._prepared
        except TimeoutError:
            return [Problem(key="", what=f"a worker gave no answer within {limit_s:.0f} s")]

    def commit(self, version: int) -> None:
        """Let it obey what it prepared."""
        self.version = version
        self.channel.send({"is": "commit", "number": self._order})

    def understands(self, message: Message) -> bool:
        """Note what it said of itself; False if that makes no sense."""
        try:
            self._heard(message)
        except (AssertionError, KeyError, TypeError, ValueError):
            return False
        return True

    def _heard(self, message: Message) -> None:
        match message["is"]:
            case "failed":
                self.problems = problems_of(message)
            case "prepared":
                # An answer that comes too late is none to a later order.
                if int(message["number"]) == self._order and self._prepared is not None and not self._prepared.done():
                    self._prepared.set_result(problems_of(message))
            case "report":
                self.samples = [Sample.from_json(item) for item in message["samples"]]
                self.reported.set()
            case "drained":
                self.cut = int(message["cut"])
            case "enter":
                self.desk.enter(message)
            case "leave":
                self.desk.leave(message)

    async def end(self) -> int:
        """Its channel has ended: wait for the process, or end it; gives its exit status, negative for a signal."""
        if self._prepared is not None and not self._prepared.done():
            self._prepared.set_result(())
        self.desk.close()
        self.reported.set()
        until = time.monotonic() + _END_S
        while self.process.poll() is None:
            if time.monotonic() > until:
                self.kill()
            await asyncio.sleep(_LOOK_S)
        await self.channel.close()
        return self.process.returncode

    def kill(self) -> None:
        """End it at once."""
        self.process.kill()
