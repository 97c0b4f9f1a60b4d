"""Large bodies: what a megabyte costs each way, and what fifty clients that do not read cost in memory."""

from __future__ import annotations

import asyncio
import socket
import statistics
from collections.abc import Sequence

from tests.bench.client import get
from tests.bench.cpu import pss_bytes
from tests.bench.modes.options import Options
from tests.bench.peers import Target
from tests.bench.place import BIG, Place
from tests.bench.report import Cell, Table
from tests.bench.rounds import Sample, interleaved, sampled, say, targets
from tests.bench.shape import Shape

AT_ONCE = 8
STALLED = 50
STALL_S = 4.0
_NEVER_READ = 4096  # bytes of the client's own buffer


def streams(at: Place, options: Options) -> Sequence[Table]:
    """Ten megabytes down and up, eight at once, in megabytes for each second of processor time."""
    shapes = {"down": Shape(path="/app/big", rotating=False), "up": Shape(path="/app/upload", rotating=False, upload=BIG)}
    with targets(at, options.chosen("gateway", "general", "nginx", "caddy", "naive")) as running:

        def one(key: str) -> Sample:
            name, _, way = key.partition(" ")
            target = running[name]
            run = lambda: at.load.run(target.port, target.cookies, shapes[way], connections=AT_ONCE, seconds=options.seconds)  # noqa: E731
            return sampled(at, target, run)

        results = interleaved([f"{name} {way}" for way in shapes for name in running], options.fewer(3), one)
    rows: list[tuple[Cell, ...]] = []
    for name in running:
        cells: list[Cell] = [name]
        for way in shapes:
            samples = results[f"{name} {way}"]
            cells.append(statistics.median(sample.requests * BIG / 1e6 / sample.cpu_s for sample in samples))
        bad = sum(sample.bad for way in shapes for sample in results[f"{name} {way}"])
        rows.append((*cells, max(sample.pss_mb for way in shapes for sample in results[f"{name} {way}"]), bad))
    raw = {"samples": {key: [sample.as_json() for sample in samples] for key, samples in results.items()}}
    note = "nginx streams with its default small buffers; its default of spooling to the disk first is slower."
    columns = ("target", "down, MB per CPU second", "up, MB per CPU second", "PSS MB", "bad")
    return [Table("streams", "Bodies of 10 MB", columns, rows, (note,), raw)]


def stalled(at: Place, options: Options) -> Sequence[Table]:
    """Fifty clients ask for 10 MB each and read nothing."""
    rows: list[tuple[Cell, ...]] = []
    with targets(at, options.chosen("gateway", "general", "nginx", "caddy", "naive")) as running:
        for target in running.values():
            at.load.run(target.port, target.cookies, Shape(path="/app/big", rotating=False), connections=AT_ONCE, seconds=1)
            grown = asyncio.run(_grown(target))
            rows.append((target.name, grown / 1e6))
            say(f"  {target.name}: {grown / 1e6:.1f} MB")
    note = "Growth over a gateway that has already streamed such bodies; a heap that had grown before may hide some of it."
    return [Table("stalled", f"{STALLED} clients that ask for 10 MB and do not read", ("target", "growth, MB"), rows, (note,))]


async def _grown(target: Target) -> int:
    before = pss_bytes(target.pid)
    clients = []
    for number in range(STALLED):
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _NEVER_READ)
        client.connect(("127.0.0.1", target.port))
        client.sendall(get("/app/big", target.port, f"Cookie: {target.cookies[number % len(target.cookies)]}"))
        clients.append(client)
    highest = before
    for _ in range(round(STALL_S / 0.2)):
        await asyncio.sleep(0.2)
        highest = max(highest, pss_bytes(target.pid))
    for client in clients:
        client.close()
    return highest - before
