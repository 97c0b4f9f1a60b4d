"""Whether one slow service slows down the others, or the gateway's own pages."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

import uvloop

from tests.bench.client import Client, get
from tests.bench.modes.options import Options
from tests.bench.paced import Paced, after, paced
from tests.bench.peers.gateway import process
from tests.bench.place import Place, app
from tests.bench.ratios import percentile
from tests.bench.report import Cell, Table
from tests.bench.sessions import minted

DELAY_S, RATE, CLIENTS = 0.2, 200.0, 32
#: At most 256 connections go to one upstream, so with 200 ms each 1,280 requests a second is all it can take: below, at it, above it.
SLOW = (0, 64, 250, 1_000)
ROUTES = """
[[routes]]
path = "/app/slow"
access = "signed-in"
upstream = "slow"
[[routes]]
path = "/**"
access = "signed-in"
upstream = "app"
"""


def slow_upstream(at: Place, options: Options) -> Sequence[Table]:
    """So many clients wait for a service that takes 200 ms, while others ask a fast one and the gateway itself."""
    seconds = max(2.0, options.seconds)
    rows: list[tuple[Cell, ...]] = []
    with (
        app(at) as slow,
        process(at, upstreams={"app": at.upstream, "slow": slow}, routes=ROUTES, limits={"upstream_wait": "1s"}) as gateway,
    ):
        for count in SLOW:
            fast, own, slowed, refused = uvloop.run(_run(gateway.address[1], count, seconds))
            cells = [_shown(found) for found in (fast, own)]
            rows.append(
                (f"{count:,}", *cells, f"{percentile(slowed, 0.5):.0f} / {percentile(slowed, 0.99):.0f}" if slowed else "", refused)
            )
    columns = (
        "clients of the slow service",
        "fast service: p50 / p99 ms",
        "`/api/auth/session`: p50 / p99 ms",
        "slow service: p50 / p99 ms",
        "503",
    )
    note = (
        f"{RATE:g} requests a second each to the fast service and to the gateway itself. A request that waits 1 s for its turn gets a 503."
    )
    return [Table("slow-upstream", f"A service that takes {DELAY_S * 1000:.0f} ms", columns, rows, (note,))]


def _shown(found: Paced) -> str:
    failed = f" ({len(found.failures)} failed)" if found.failures else ""
    return f"{percentile(found.delays_ms, 0.5):.1f} / {percentile(found.delays_ms, 0.99):.1f}{failed}"


async def _run(port: int, count: int, seconds: float) -> tuple[Paced, Paced, list[float], int]:
    cookie = f"Cookie: {next(iter(minted(1)))}"
    loop, end = asyncio.get_running_loop(), asyncio.Event()
    slowed: list[float] = []
    refused = 0

    async def wait_for_it() -> None:
        nonlocal refused
        client = Client(port)
        while not end.is_set():
            start = loop.time()
            answer = await client.ask(get(f"/app/slow?after={DELAY_S}", port, cookie))
            slowed.append((loop.time() - start) * 1000)
            refused += answer.status != 200
        client.close()

    waiting = [asyncio.create_task(wait_for_it()) for _ in range(count)]
    await asyncio.sleep(2 * DELAY_S)

    def again(request: bytes) -> Iterator[bytes]:
        while True:
            yield request

    until = after(seconds)
    asked = [get("/app/items", port, cookie), get("/api/auth/session", port, cookie)]
    fast, own = await asyncio.gather(
        *(paced(again(request), [Client(port) for _ in range(CLIENTS)], rate=RATE, until=until) for request in asked)
    )
    end.set()
    await asyncio.gather(*waiting)
    return fast, own, slowed, refused
