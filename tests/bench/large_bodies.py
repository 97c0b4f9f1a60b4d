"""Two GiB up and two GiB down: the gateway's memory must not grow by more than 64 MiB. argv: bytes (default 2 GiB)."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator

import aiohttp

from tests.bench._stage import MIB, Stage, stage, table

BLOCK = b"u" * (256 * 1024)
GOAL_MIB = 64


class Peak:
    """The largest memory seen while the block runs."""

    def __init__(self, at: Stage) -> None:
        self._stage = at
        self.start = self.highest = at.rss()

    async def __aenter__(self) -> Peak:
        self._task = asyncio.create_task(self._watch())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()

    async def _watch(self) -> None:
        while True:
            self.highest = max(self.highest, self._stage.rss())
            await asyncio.sleep(0.02)

    @property
    def growth_mib(self) -> float:
        """How much it grew."""
        return (self.highest - self.start) / MIB


async def blocks(size: int) -> AsyncIterator[bytes]:
    """So many bytes."""
    for _ in range(size // len(BLOCK)):
        yield BLOCK
    yield BLOCK[: size % len(BLOCK)]


async def upload(client: aiohttp.ClientSession, at: Stage, size: int, *, chunked: bool) -> None:
    """Send, and see that all arrived."""
    headers = at.headers if chunked else at.headers | {"Content-Length": str(size)}
    async with client.post(f"{at.url}/app/upload", data=blocks(size), headers=headers) as answer:
        assert answer.status == 200, answer.status
        assert (await answer.json())["bytes"] == size


async def download(client: aiohttp.ClientSession, at: Stage, size: int) -> None:
    """Read, and see that all arrived."""
    async with client.get(f"{at.url}/app/download?bytes={size}", headers=at.headers) as answer:
        assert answer.status == 200, answer.status
        got = 0
        async for piece in answer.content.iter_any():
            got += len(piece)
    assert got == size


async def slow_reader(at: Stage, size: int) -> None:
    """Ask for everything and read nothing for three seconds: what the gateway holds for such a client is bounded."""
    host, _, port = at.url.removeprefix("http://").partition(":")
    _, writer = await asyncio.open_connection(host, int(port), limit=1024)
    head = f"GET /app/download?bytes={size} HTTP/1.1\r\nHost: {host}:{port}\r\nCookie: {at.headers['Cookie']}\r\n\r\n"
    writer.write(head.encode())
    await asyncio.sleep(3)
    writer.transport.abort()


async def main() -> None:
    """Measure."""
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 2048 * MIB
    rows = []
    with stage() as at:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=600)) as client:
            await download(client, at, MIB)
            for name, job in {
                "up, with a length": lambda: upload(client, at, size, chunked=False),
                "up, chunked": lambda: upload(client, at, size, chunked=True),
                "down": lambda: download(client, at, size),
                "down, 50 clients that do not read": lambda: asyncio.gather(*(slow_reader(at, size) for _ in range(50))),
            }.items():
                cpu, start = at.cpu_s(), time.perf_counter()
                async with Peak(at) as peak:
                    await job()
                took = time.perf_counter() - start
                within = "yes" if peak.growth_mib < GOAL_MIB else "NO"
                rows.append((name, f"{size / MIB:.0f}", took, at.cpu_s() - cpu, peak.growth_mib, within))
    table("Large bodies", ("way", "MiB", "s", "CPU s of the gateway", "memory growth, MiB", f"below {GOAL_MIB} MiB"), rows)


if __name__ == "__main__":
    asyncio.run(main())
