"""Workers that can't even begin; everything else is shown on running gateways (tests/web/raw/test_workers.py)."""

from __future__ import annotations

import asyncio
import sys
import time

import pytest

from gateway.sessions.keys import KeyRing
from gateway.settings.model import Settings
from gateway.web.processes.child import Child
from gateway.web.processes.supervisor import Supervisor, WorkersFailed


def starts(*command: str) -> Supervisor:
    keys = KeyRing.of(["a-test-secret-that-is-long-enough-for-anybody"])
    return Supervisor(Settings(), keys, count=2, command=lambda descriptor: [part.format(descriptor) for part in command], sockets=[])


@pytest.mark.parametrize(
    ("command", "words"),
    [
        pytest.param(("/nowhere/at/all",), "No such file", id="no-such-program"),
        pytest.param((sys.executable, "-c", "raise SystemExit(3)"), "status 3", id="it-ends"),
        pytest.param((sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"), "status -9", id="it-is-killed"),
        pytest.param((sys.executable, "-c", "import os; os.write({}, b'\\0\\0\\0\\2[]')"), "status", id="it-talks-nonsense"),
        pytest.param(
            (sys.executable, "-c", 'import os, time; os.write({}, b\'\\0\\0\\0\\14{{"is":"enter"}}\'[:18]); time.sleep(60)'),
            "status",
            id="it-sends-half-a-message-that-makes-no-sense",
        ),
    ],
)
async def test_a_worker_that_does_not_begin_is_said(command: tuple[str, ...], words: str) -> None:
    supervisor = starts(*command)
    try:
        with pytest.raises(WorkersFailed, match=words):
            await supervisor.start()
    finally:
        await supervisor.close()


async def test_how_long_a_worker_takes_to_begin_is_no_sign_that_it_does_not_die_of_how_it_begins() -> None:
    """Where a start takes longer than `_STEADY_S`, one that fails each time would be tried again without a pause, for ever."""
    child = await Child.start(0, 0, lambda descriptor: ("sleep", "60"), [], {})
    try:
        time.sleep(0.02)
        assert child.lived_s == 0
        child.join()
        time.sleep(0.02)
        assert child.lived_s >= 0.02
    finally:
        child.kill()
        child.process.wait()
        await child.channel.close()


_LATE = """
import asyncio, socket
from gateway.web.processes.channel import Channel

async def main():
    channel = await Channel.over(socket.socket(fileno={}))
    orders = []
    while len(orders) < 2:
        message = await channel.receive()
        orders += [message["number"]] if message.get("is") == "prepare" else []
    channel.send({{"is": "prepared", "number": orders[0], "problems": []}})
    channel.send({{"is": "prepared", "number": orders[1], "problems": [{{"key": "a.key", "what": "it is wrong"}}]}})
    await channel.receive()

asyncio.run(main())
"""


async def test_an_answer_that_comes_too_late_is_none_to_the_next_order() -> None:
    """The worker would obey the settings of the reload that was given up, or nothing, and nobody would know."""
    child = await Child.start(0, 0, lambda descriptor: (sys.executable, "-c", _LATE.format(descriptor)), [], {})

    async def listen() -> None:
        while (message := await child.channel.receive()) is not None:
            assert child.understands(message)

    listening = asyncio.create_task(listen())
    try:
        assert [problem.what for problem in await child.prepare("one", limit_s=0)] == ["a worker gave no answer within 0 s"]
        assert [problem.what for problem in await child.prepare("two")] == ["it is wrong"]
    finally:
        listening.cancel()
        child.kill()
        child.process.wait()
        await child.channel.close()
