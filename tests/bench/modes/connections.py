"""Many connections: busy ones, one for each request, and ones that wait for their next request."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Sequence

from tests.bench.client import Answer, Connection, Failed, get
from tests.bench.cpu import cpu_time, pss_bytes
from tests.bench.modes.options import Options
from tests.bench.peers import Target
from tests.bench.place import Place
from tests.bench.report import Cell, Table
from tests.bench.rounds import Sample, interleaved, sampled, say, targets
from tests.bench.shape import Shape

COUNTS = (64, 1_000, 5_000)
IDLE = 5_000
QUIET_S = 2.0
OPENING = 200  # connections at once: fewer than any listener's queue


def connections(at: Place, options: Options) -> Sequence[Table]:
    """Rotating requests over so many keep-alive connections at once."""
    counts = [options.count(count) if count > 64 else count for count in COUNTS]
    with targets(at, options.chosen("gateway", "nginx", "caddy", "naive")) as running:

        def one(key: str) -> Sample:
            name, _, count = key.partition(" ")
            target = running[name]
            run = lambda: at.load.run(target.port, target.cookies, Shape(), connections=int(count), seconds=options.seconds)  # noqa: E731
            return sampled(at, target, run)

        results = interleaved([f"{name} {count}" for count in counts for name in running], options.fewer(2), one)
    rows: list[tuple[Cell, ...]] = []
    for name in running:
        cells: list[Cell] = [name]
        for count in counts:
            samples = results[f"{name} {count}"]
            bad = sum(sample.bad for sample in samples)
            p50, p99 = (statistics.median(getattr(sample, of) for sample in samples) for of in ("p50_ms", "p99_ms"))
            cells.append(
                f"{statistics.median(sample.cpu_us for sample in samples):.1f} · {p50:.0f} / {p99:.0f}" + (f" ({bad} bad)" if bad else "")
            )
        rows.append(tuple(cells))
    columns = ("target", *(f"{count:,} connections: CPU µs · p50 / p99 ms" for count in counts))
    raw = {"samples": {key: [sample.as_json() for sample in samples] for key, samples in results.items()}}
    return [Table("connections", "Busy connections", columns, rows, (), raw)]


def new_connections(at: Place, options: Options) -> Sequence[Table]:
    """A connection for each request."""
    with targets(at, options.chosen("gateway", "nginx", "caddy", "naive")) as running:

        def one(name: str) -> Sample:
            target = running[name]
            run = lambda: at.load.run(target.port, target.cookies, Shape(fresh=True), seconds=options.seconds)  # noqa: E731
            return sampled(at, target, run)

        results = interleaved(list(running), options.fewer(3), one)
    rows = [
        (name, *(statistics.median(getattr(sample, of) for sample in samples) for of in ("cpu_us", "kernel_us", "p99_ms")),
         sum(sample.bad for sample in samples))
        for name, samples in results.items()
    ]  # fmt: skip
    raw = {"samples": {key: [sample.as_json() for sample in samples] for key, samples in results.items()}}
    columns = ("target", "CPU µs a request", "of it kernel", "p99 ms", "bad")
    return [Table("new-connections", "A new connection for each request", columns, rows, (), raw)]


def idle(at: Place, options: Options) -> Sequence[Table]:
    """Connections that made one request and wait: memory of each, and what they cost while nothing happens."""
    count = options.count(IDLE)
    rows: list[tuple[Cell, ...]] = []
    with targets(at, options.chosen("gateway", "nginx", "caddy", "naive")) as running:
        for target in running.values():
            asyncio.run(_opened(target, OPENING))  # the heap of a start is not the heap of a connection
            each, cpu_s, failed = asyncio.run(_opened(target, count))
            rows.append((target.name, each / 1000, f"{cpu_s * 1000 / QUIET_S:.0f}", failed))
            say(f"  {target.name}: {each:.0f} bytes each")
    columns = ("target", "KB each", "CPU ms a second, all idle", "failed")
    note = "nginx reserves its connections at start, so that they cost it nothing here."
    return [Table("idle", f"{count:,} idle keep-alive connections", columns, rows, (note,))]


async def _opened(target: Target, count: int) -> tuple[float, float, int]:
    """Bytes of memory of each, seconds of processor time in the quiet, and how many got no answer."""
    before = pss_bytes(target.pid)
    loop = asyncio.get_running_loop()
    opened: list[Connection] = []
    outcomes: list[Answer | Failed] = []
    for start in range(0, count, OPENING):
        made = await asyncio.gather(
            *(
                loop.create_connection(lambda: Connection(outcomes.append), "127.0.0.1", target.port)
                for _ in range(min(OPENING, count - start))
            )
        )
        for number, (_, connection) in enumerate(made):
            cookie = target.cookies[number % len(target.cookies)]
            connection.send(get("/app/items", target.port, f"Cookie: {cookie}"))
            opened.append(connection)
        until = time.monotonic() + 30
        while len(outcomes) < len(opened) and time.monotonic() < until:
            await asyncio.sleep(0.01)
    await asyncio.sleep(QUIET_S)
    spent = cpu_time(target.pid)
    await asyncio.sleep(QUIET_S)
    quiet_s = (cpu_time(target.pid) - spent).all_s
    grown = pss_bytes(target.pid) - before
    for connection in opened:
        connection.close()
    await asyncio.sleep(0.5)
    failed = count - sum(isinstance(outcome, Answer) and outcome.status == 200 for outcome in outcomes)
    return grown / count, quiet_s, failed
