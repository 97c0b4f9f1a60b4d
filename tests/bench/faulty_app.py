"""An upstream that breaks down at random, in every way of the fault matrix that one connection can. argv: PORT SEED SHARE.

SHARE of the requests (0.2 is a fifth) meet a fault; all others are answered well. `/app/big` and `/app/events` are long answers.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import socket
import struct
import sys
from collections.abc import Awaitable, Callable
from typing import NoReturn, cast

BIG = b"b" * 65536
PIECES = 80
BODY = b"a" * 1024
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
LONGER_THAN_ANY_PATIENCE_S = 30.0

Reader = asyncio.StreamReader
Writer = asyncio.StreamWriter


class Ended(Exception):
    """This connection is over."""


def _ok(body: bytes = BODY, length: int | None = None) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s" % (len(body) if length is None else length, body)


def _reset(writer: Writer) -> NoReturn:
    sock = cast("socket.socket", writer.get_extra_info("socket"))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
    raise Ended


async def reset_at_once(writer: Writer) -> None:
    """No byte, but a reset."""
    _reset(writer)


async def reset_in_head(writer: Writer) -> None:
    """Half a head, then a reset."""
    writer.write(_ok()[:30])
    await asyncio.sleep(0.02)
    _reset(writer)


async def reset_in_body(writer: Writer) -> None:
    """Half a body, then a reset."""
    writer.write(_ok(BODY[:500], length=1024))
    await asyncio.sleep(0.02)
    _reset(writer)


async def truncated(writer: Writer) -> None:
    """Half a body, then a clean end."""
    writer.write(_ok(BODY[:500], length=1024))
    raise Ended


async def stall(writer: Writer) -> None:
    """Nothing, for longer than anybody waits."""
    await asyncio.sleep(LONGER_THAN_ANY_PATIENCE_S)


async def stall_in_body(writer: Writer) -> None:
    """Half a body, then nothing."""
    writer.write(_ok(BODY[:500], length=1024))
    await asyncio.sleep(LONGER_THAN_ANY_PATIENCE_S)


async def garbage(writer: Writer) -> None:
    """No HTTP at all."""
    writer.write(bytes(random.randrange(256) for _ in range(300)) + b"\r\n\r\n")
    raise Ended


async def excess(writer: Writer) -> None:
    """A whole answer, and bytes that belong to none."""
    writer.write(_ok() + b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged")


async def slow(writer: Writer) -> None:
    """A few bytes at a time."""
    answer = _ok()
    for start in range(0, len(answer), 100):
        writer.write(answer[start : start + 100])
        await asyncio.sleep(0.05)


async def two_lengths(writer: Writer) -> None:
    """A head that can be read in two ways."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde")
    raise Ended


async def endless_head(writer: Writer) -> None:
    """More head than anybody takes."""
    writer.write(b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-Filler-%d: %s\r\n" % (number, b"f" * 1000) for number in range(200)) + b"\r\n")
    raise Ended


FAULTS: tuple[Callable[[Writer], Awaitable[None]], ...] = (
    reset_at_once, reset_in_head, reset_in_body, truncated, stall, stall_in_body, garbage, excess, slow, two_lengths, endless_head,
)  # fmt: skip


async def big(writer: Writer) -> None:
    """Five megabytes."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (len(BIG) * PIECES))
    for _ in range(PIECES):
        writer.write(BIG)
        await writer.drain()


async def events(writer: Writer) -> None:
    """An event now and then, for some seconds; chunked."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
    for number in range(30):
        event = b"data: %d\n\n" % number
        writer.write(b"%x\r\n%s\r\n" % (len(event), event))
        await writer.drain()
        await asyncio.sleep(0.2)
    writer.write(b"0\r\n\r\n")


async def serve(reader: Reader, writer: Writer, share: float) -> None:
    """One connection."""
    with contextlib.suppress(Ended, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            if length := _LENGTH.search(head):
                await reader.readexactly(int(length[1]))
            path = head.split(b" ", 2)[1]
            if path == b"/app/big":
                await big(writer)
            elif path == b"/app/events":
                await events(writer)
            elif random.random() < share:
                await random.choice(FAULTS)(writer)
            else:
                writer.write(_ok())
            await writer.drain()
    writer.close()


async def main() -> None:
    """Serve until the end."""
    random.seed(sys.argv[2])
    share = float(sys.argv[3])
    server = await asyncio.start_server(lambda reader, writer: serve(reader, writer, share), "127.0.0.1", int(sys.argv[1]), backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
