"""Gigabytes through the gateway: its memory must not grow with what it carries."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import aiohttp

from tests.bench.cpu import cpu_time, pss_bytes
from tests.bench.modes.options import Options
from tests.bench.peers.gateway import process
from tests.bench.place import Place, app
from tests.bench.report import Cell, Table
from tests.bench.sessions import minted

GIB = 1024**3
GOAL_MB = 64.0
BLOCK = b"u" * (256 * 1024)


def large_bodies(at: Place, options: Options) -> Sequence[Table]:
    """Two GiB up with a length, two chunked, two down."""
    size = options.count(2 * GIB)
    with app(at) as port, process(at, upstreams={"app": port}) as gateway:
        rows = asyncio.run(_all(gateway.origin, gateway.process.pid, size))
    columns = ("way", "s", "CPU s of the gateway", "memory growth, MB", f"below {GOAL_MB:g} MB")
    return [Table("large-bodies", f"Bodies of {size / GIB:.1f} GiB", columns, rows)]


async def _all(url: str, pid: int, size: int) -> list[tuple[Cell, ...]]:
    headers = {"Cookie": next(iter(minted(1))), "Origin": url}
    rows: list[tuple[Cell, ...]] = []
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=600), headers=headers) as client:
        await _download(client, url, 1024**2)
        ways: dict[str, Callable[[], Awaitable[None]]] = {
            "up, with a length": lambda: _upload(client, url, size, {"Content-Length": str(size)}),
            "up, chunked": lambda: _upload(client, url, size, {}),
            "down": lambda: _download(client, url, size),
        }
        for name, way in ways.items():
            before, cpu, start = pss_bytes(pid), cpu_time(pid), time.perf_counter()
            peak = asyncio.create_task(_peak(pid))
            await way()
            took, grown = time.perf_counter() - start, (await _stopped(peak) - before) / 1e6
            rows.append((name, took, (cpu_time(pid) - cpu).all_s, max(0.0, grown), "yes" if grown < GOAL_MB else "NO"))
    return rows


async def _peak(pid: int) -> int:
    highest = 0
    try:
        while True:
            highest = max(highest, pss_bytes(pid))
            await asyncio.sleep(0.1)
    except asyncio.CancelledError:
        return highest


async def _stopped(peak: asyncio.Task[int]) -> int:
    peak.cancel()
    return await peak


async def _blocks(size: int) -> AsyncIterator[bytes]:
    for _ in range(size // len(BLOCK)):
        yield BLOCK
    yield BLOCK[: size % len(BLOCK)]


async def _upload(client: aiohttp.ClientSession, url: str, size: int, headers: dict[str, str]) -> None:
    async with client.post(f"{url}/app/upload", data=_blocks(size), headers=headers) as answer:
        assert answer.status == 200, answer.status
        assert (await answer.json())["bytes"] == size


async def _download(client: aiohttp.ClientSession, url: str, size: int) -> None:
    async with client.get(f"{url}/app/download?bytes={size}") as answer:
        assert answer.status == 200, answer.status
        got = 0
        async for piece in answer.content.iter_any():
            got += len(piece)
    assert got == size
