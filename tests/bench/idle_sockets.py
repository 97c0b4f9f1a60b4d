"""A thousand WebSockets that say nothing: what they cost, and that each still works afterwards. argv: how many (default 1000)."""

from __future__ import annotations

import asyncio
import resource
import sys
import time

import aiohttp

from tests.bench._stage import stage, table

QUIET_S = 10


async def main() -> None:
    """Measure."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65536), hard))  # inherited by the gateway and the app
    with stage() as at:
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as client:
            before, start = at.rss(), time.perf_counter()
            sockets = []
            for _ in range(0, count, 50):
                sockets += await asyncio.gather(
                    *(client.ws_connect(f"{at.url}/app/socket", headers=at.headers) for _ in range(min(50, count)))
                )
            opened = time.perf_counter() - start
            cpu = at.cpu_s()
            await asyncio.sleep(QUIET_S)
            idle_cpu, grown = at.cpu_s() - cpu, at.rss() - before
            start = time.perf_counter()
            for socket in sockets:
                await socket.send_str("still there?")
                assert (await socket.receive_str(timeout=10)) == "still there?"
            echoed = time.perf_counter() - start
            await asyncio.gather(*(socket.close() for socket in sockets))
    columns = ("sockets", "opened in, s", "KiB each", f"CPU s in {QUIET_S} quiet s", "all echo, ms each", "lost")
    table("Idle WebSockets", columns, [(count, opened, grown / count / 1024, f"{idle_cpu:.2f}", f"{echoed / count * 1000:.2f}", 0)])


if __name__ == "__main__":
    asyncio.run(main())
