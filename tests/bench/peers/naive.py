"""What one writes in an afternoon: aiohttp in front and behind, aiohttp-session between (`naive_app.py`)."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.bench.client import Client, get
from tests.bench.peers.peer import PEOPLE, Peer, Target
from tests.bench.place import Place
from tests.e2e.app_process import running
from tests.servers import free_port


async def _cookies(port: int) -> tuple[str, ...]:
    client = Client(port)
    answers = [await client.ask(get("/enter", port)) for _ in range(PEOPLE)]
    client.close()
    return tuple(answer.all(b"set-cookie")[0].partition(b";")[0].decode() for answer in answers)


@contextlib.contextmanager
def _target(at: Place) -> Iterator[Target]:
    port = free_port()
    command = at.cores.for_proxy(sys.executable, str(Path(__file__).with_name("naive_app.py")), str(port), str(at.upstream))
    with running(command, port=port, log=at.folder / "naive.log", ready="/enter") as process:
        cookies = asyncio.run(_cookies(port))
        yield Target("naive", "naive proxy: aiohttp, aiohttp-session, ClientSession", port, process.pid, cookies)


NAIVE = Peer("naive", _target)
