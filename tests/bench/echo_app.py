"""The upstream of the WebSocket measurement: any frame of up to 125 bytes comes back as text. argv: PORT.

By hand, because a library would be slower than what is measured.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import sys
from typing import cast

import uvloop

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Echo(asyncio.Protocol):
    """Upgrade, then echo."""

    def __init__(self) -> None:
        self._buffer = b""
        self._upgraded = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's have another base

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._upgraded:
            self._begin()
        while self._upgraded and len(self._buffer) >= 6:
            size = self._buffer[1] & 0x7F
            if len(self._buffer) < 6 + size:
                return
            mask, masked = self._buffer[2:6], self._buffer[6 : 6 + size]
            key = (mask * (size // 4 + 1))[:size]
            plain = (int.from_bytes(masked, "big") ^ int.from_bytes(key, "big")).to_bytes(size, "big")
            self._buffer = self._buffer[6 + size :]
            self._transport.write(bytes((0x81, size)) + plain)

    def _begin(self) -> None:
        head, end, rest = self._buffer.partition(b"\r\n\r\n")
        if not end:
            return
        self._buffer = rest
        key = next(
            (line.partition(b":")[2].strip() for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key:")), None
        )
        if key is None:
            user = next(
                (line.partition(b":")[2].strip() for line in head.split(b"\r\n") if line.lower().startswith(b"x-forwarded-user:")), b""
            )
            body = b'{"user":"' + user + b'"}'
            self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
            return
        self._upgraded = True
        accept = base64.b64encode(hashlib.sha1(key + _GUID).digest())
        self._transport.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
            + accept
            + b"\r\n\r\n"
        )


async def main() -> None:
    """Serve until the end."""
    server = await asyncio.get_running_loop().create_server(Echo, "127.0.0.1", int(sys.argv[1]), backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
