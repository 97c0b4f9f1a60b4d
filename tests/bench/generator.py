"""The load where wrk is not installed: keep-alive connections that each send the next request when an answer came.

A process of its own, so that it can have its own core: it reads an order as JSON from its standard input and prints what came of it.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from array import array
from collections.abc import Iterator
from pathlib import Path

import uvloop

from tests.bench.client import Answer, Connection, Failed
from tests.bench.ratios import percentile
from tests.bench.shape import Shape, requests


class Generator:
    """So many connections until the time is up."""

    def __init__(self, port: int, orders: Iterator[bytes], *, connections: int, seconds: float, fresh: bool) -> None:
        self._port, self._orders, self._connections, self._seconds, self._fresh = port, orders, connections, seconds, fresh
        self._delays = array("d")
        self._bytes = self._bad = 0
        self._ended = False
        self._slots: set[asyncio.Task[None]] = set()

    async def run(self) -> dict[str, float]:
        """Load; the figures that `load.Loaded` holds."""
        start = time.perf_counter()
        for _ in range(self._connections):
            self._open()
        await asyncio.sleep(self._seconds)
        self._ended = True
        took = time.perf_counter() - start
        for task in self._slots:
            task.cancel()
        return {
            "requests": len(self._delays), "seconds": took, "bytes": self._bytes, "bad": self._bad,
            "p50_ms": percentile(self._delays, 0.5) * 1000, "p99_ms": percentile(self._delays, 0.99) * 1000,
        }  # fmt: skip

    def _open(self) -> None:
        task = asyncio.get_running_loop().create_task(self._connect())
        self._slots.add(task)
        task.add_done_callback(self._slots.discard)

    async def _connect(self) -> None:
        sent = 0.0

        def arrived(outcome: Answer | Failed) -> None:
            if self._ended:
                return
            if isinstance(outcome, Failed):
                self._bad += 1
                self._open()
                return
            self._delays.append(time.perf_counter() - sent)
            self._bytes += outcome.size + len(outcome.head)
            self._bad += outcome.status >= 400
            if outcome.kept and not self._fresh:
                ask()
            else:
                self._open()

        def ask() -> None:
            nonlocal sent
            sent = time.perf_counter()
            connection.send(next(self._orders))

        try:
            _, connection = await asyncio.get_running_loop().create_connection(lambda: Connection(arrived), "127.0.0.1", self._port)
        except OSError:
            self._bad += 1
            await asyncio.sleep(0.01)
            self._open()
            return
        ask()


def main() -> None:
    """Obey one order."""
    order = json.load(sys.stdin)
    cookies = Path(order["cookies"]).read_text().splitlines()
    shape = Shape(**order["shape"])
    orders = requests(order["port"], cookies, shape, os.getpid())
    generator = Generator(order["port"], orders, connections=order["connections"], seconds=order["seconds"], fresh=shape.fresh)
    print(json.dumps(uvloop.run(generator.run())))


if __name__ == "__main__":
    main()
