"""Live pages: how long a Server-Sent Event is under way, and what WebSockets cost that say nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import aiohttp

from tests.bench.cpu import cpu_time, pss_bytes
from tests.bench.modes.options import Options
from tests.bench.peers.gateway import process
from tests.bench.place import Place, app
from tests.bench.ratios import percentile
from tests.bench.report import Cell, Table
from tests.bench.sessions import minted

COUNT, PAUSE_S, STREAMS, GOAL_MS = 100, 0.05, (1, 20), 50.0
SOCKETS, OPENING, QUIET_S = 1_000, 50, 5.0


def events(at: Place, options: Options) -> Sequence[Table]:
    """From the app's write to the client's read, on the clock that all processes of a machine share; with and without the gateway between."""
    rows: list[tuple[Cell, ...]] = []
    with app(at) as port, process(at, upstreams={"app": port}) as gateway:
        for streams in STREAMS:
            for name, url in (("direct", f"http://127.0.0.1:{port}"), ("through the gateway", gateway.origin)):
                rounds = [asyncio.run(_listened(url, streams)) for _ in range(options.fewer(3))]
                delays = min(rounds, key=max)  # what else runs on the machine is not the gateway's delay
                within = "yes" if max(delays) < GOAL_MS else "NO"
                rows.append((name, streams, percentile(delays, 0.5), percentile(delays, 0.99), max(delays), within))
    columns = ("way", "streams", "p50 ms", "p99 ms", "worst ms", f"all below {GOAL_MS:g}")
    return [Table("events", "Server-Sent Events: delay on the way", columns, rows)]


async def _listened(url: str, streams: int) -> list[float]:
    headers = {"Cookie": next(iter(minted(1)))}
    async with aiohttp.ClientSession(headers=headers) as client:
        return [delay for delays in await asyncio.gather(*(_listen(client, url) for _ in range(streams))) for delay in delays]


async def _listen(client: aiohttp.ClientSession, url: str) -> list[float]:
    delays = []
    async with client.get(f"{url}/app/events?count={COUNT}&pause={PAUSE_S}") as answer:
        assert answer.status == 200, answer.status
        async for line in answer.content:
            if line.startswith(b"data: "):
                delays.append((time.monotonic_ns() - int(line[6:])) / 1e6)
    assert len(delays) == COUNT
    return delays


def silent_sockets(at: Place, options: Options) -> Sequence[Table]:
    """A thousand WebSockets that are open and silent, and whether each still works afterwards."""
    count = options.count(SOCKETS)
    with app(at) as port, process(at, upstreams={"app": port}, limits={"upstream_connections": count + 100}) as gateway:
        row = asyncio.run(_silent(gateway.origin, gateway.process.pid, count))
    columns = ("sockets", "KB each", "CPU ms a second, all silent", "all echo, ms each")
    return [Table("silent-sockets", f"{count:,} silent WebSockets", columns, [row])]


async def _silent(url: str, pid: int, count: int) -> tuple[Cell, ...]:
    headers = {"Cookie": next(iter(minted(1))), "Origin": url}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), headers=headers) as client:
        before, sockets = pss_bytes(pid), list[aiohttp.ClientWebSocketResponse]()
        for _ in range(0, count, OPENING):
            sockets += await asyncio.gather(*(client.ws_connect(f"{url}/app/socket") for _ in range(OPENING)))
        cpu = cpu_time(pid)
        await asyncio.sleep(QUIET_S)
        quiet_ms, grown = (cpu_time(pid) - cpu).all_s * 1000 / QUIET_S, pss_bytes(pid) - before
        start = time.perf_counter()
        for socket in sockets:
            await socket.send_str("still there?")
            assert (await socket.receive_str(timeout=10)) == "still there?"
        echoed = time.perf_counter() - start
        await asyncio.gather(*(socket.close() for socket in sockets))
    return count, grown / len(sockets) / 1000, quiet_ms, echoed / len(sockets) * 1000
