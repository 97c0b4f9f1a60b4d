"""A WebSocket client that does nothing but echo round trips: one masked text frame out, one frame back, and again."""

from __future__ import annotations

import asyncio
import base64
import os
import time
from collections.abc import Sequence
from typing import cast

from tests.bench.client import get
from tests.bench.load import Loaded
from tests.bench.ratios import percentile

_UPGRADE = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13")
PAYLOAD = 64


class Echo(asyncio.Protocol):
    """One socket. The frame is masked with zeros, which the RFC allows a client that has nothing to hide (6455 5.3)."""

    _FRAME = bytes((0x81, 0x80 | PAYLOAD, 0, 0, 0, 0)) + b"e" * PAYLOAD
    _BACK = 2 + PAYLOAD

    def __init__(self, port: int, cookie: str, delays: list[float]) -> None:
        key = base64.b64encode(os.urandom(16)).decode()
        origin = f"Origin: http://127.0.0.1:{port}"
        self._request = get("/app/socket", port, f"Cookie: {cookie}", origin, f"Sec-WebSocket-Key: {key}", *_UPGRADE)
        self._delays, self._buffer, self._sent = delays, b"", 0.0
        self._upgraded = False
        self.failed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's have another base
        self.transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._upgraded:
            head, end, rest = self._buffer.partition(b"\r\n\r\n")
            if not end:
                return
            self._upgraded, self._buffer = True, rest
            if not head.startswith(b"HTTP/1.1 101"):
                self.failed = True
                self.transport.close()
                return
        elif len(self._buffer) < self._BACK:
            return
        else:
            self._buffer = self._buffer[self._BACK :]
            self._delays.append(time.perf_counter() - self._sent)
        self._sent = time.perf_counter()
        self.transport.write(self._FRAME)

    def connection_lost(self, error: Exception | None) -> None:
        self.failed = self.failed or error is not None


async def echoes(port: int, cookies: Sequence[str], *, sockets: int, seconds: float) -> Loaded:
    """Round trips over so many sockets at once, counted from the moment all are open."""
    delays: list[float] = []
    made = []
    for number in range(sockets):
        cookie = cookies[number % len(cookies)]
        made.append(await asyncio.get_running_loop().create_connection(lambda cookie=cookie: Echo(port, cookie, delays), "127.0.0.1", port))
    start = time.perf_counter()
    await asyncio.sleep(seconds)
    took = time.perf_counter() - start
    bad = sum(echo.failed or transport.is_closing() for transport, echo in made)
    for transport, _ in made:
        transport.abort()
    await asyncio.sleep(0.05)
    p50, p99 = (percentile(delays, share) * 1000 for share in (0.5, 0.99))
    return Loaded(requests=len(delays), seconds=took, bytes=len(delays) * PAYLOAD, p50_ms=p50, p99_ms=p99, bad=bad)
