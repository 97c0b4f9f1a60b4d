"""A small HTTP/1.1 client on asyncio: one connection, one request at a time, bytes in and an `Answer` out.

It is made for load, not for doubts: it believes a well-formed answer and keeps no body. `tests/wire.py` is the strict one.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast


class Failed(Exception):
    """No whole answer came."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came: the status, the head as it stood, how many bytes of body, and whether the connection lives on."""

    status: int
    head: bytes
    size: int
    kept: bool
    body: bytes = b""

    def all(self, name: bytes) -> list[bytes]:
        """All values of a field; its name in lower case."""
        pairs = (line.partition(b":") for line in self.head.split(b"\r\n")[1:])
        return [value.strip() for key, _, value in pairs if key.lower() == name]


class Connection(asyncio.Protocol):
    """One connection. `done` is called with each `Answer`, or with a `Failed`.

    Args:
        done: Called once for each `send`. It may send again.
        keep_body: Keep the bytes of bodies, not only their number.
    """

    def __init__(self, done: Callable[[Answer | Failed], None], *, keep_body: bool = False) -> None:
        self._done, self._keep = done, keep_body
        self._transport: asyncio.Transport | None = None
        self._waiting = False
        self._clear()

    def _clear(self) -> None:
        self._buffer, self._head, self._left, self._size = b"", b"", 0, 0
        self._chunked = self._last = False
        self._pieces: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's have another base

    def send(self, request: bytes) -> None:
        """Ask; the answer before it must have come."""
        assert self._transport is not None and not self._waiting
        self._waiting = True
        self._transport.write(request)

    def close(self) -> None:
        """Leave, without another word."""
        if self._transport is not None:
            self._transport.abort()

    @property
    def open(self) -> bool:
        """Whether a request can still be sent."""
        return self._transport is not None and not self._transport.is_closing()

    def data_received(self, data: bytes) -> None:
        if self._head and not self._chunked:
            self._take(data)
            return
        self._buffer += data
        if not self._head and not self._begin():
            return
        if self._chunked:
            self._chunks()

    def _begin(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return False
        self._head, rest = self._buffer[: end + 4], self._buffer[end + 4 :]
        fields = self._head.lower()
        if int(self._head[9:12]) in (101, 204, 304):
            self._left = 0
        elif (at := fields.find(b"\r\ncontent-length:")) >= 0:
            self._left = int(fields[at + 17 : fields.index(b"\r\n", at + 17)])
        elif b"\r\ntransfer-encoding: chunked" in fields:
            self._chunked, self._buffer = True, rest
            return True
        else:
            self._last, self._left = True, sys.maxsize  # until the connection ends
        self._buffer = b""
        self._take(rest)
        return True

    def _take(self, data: bytes) -> None:
        self._left -= len(data)
        self._size += len(data)
        if self._keep:
            self._pieces.append(data)
        if self._left <= 0:
            self._finish()

    def _chunks(self) -> None:
        while (end := self._buffer.find(b"\r\n")) >= 0:
            size = int(self._buffer[:end].partition(b";")[0], 16)
            if len(self._buffer) < end + 4 + size:
                return
            if self._keep:
                self._pieces.append(self._buffer[end + 2 : end + 2 + size])
            self._size += size
            self._buffer = self._buffer[end + 4 + size :]
            if size == 0:
                self._finish()
                return

    def _finish(self) -> None:
        kept = not self._last and b"connection: close" not in self._head.lower()
        answer = Answer(int(self._head[9:12]), self._head, self._size, kept, b"".join(self._pieces))
        self._clear()
        self._waiting = False
        if not kept and self._transport is not None:
            self._transport.close()
        self._done(answer)

    def connection_lost(self, error: Exception | None) -> None:
        if not self._waiting:
            return
        if self._last and error is None:
            self._finish()
            return
        self._waiting = False
        self._done(
            Failed(f"the connection ended after {len(self._head) + len(self._buffer)} bytes of head and {self._size} of body: {error}")
        )


class Client:
    """Ask and await: a `Connection` for code that reads from top to bottom, opened when needed and again after it ended.

    Args:
        keep_body: As for `Connection`.
        fresh: Open a new connection for each request.
        source: The address to come from, of 127.0.0.0/8.
    """

    def __init__(self, port: int, *, keep_body: bool = False, fresh: bool = False, source: str | None = None) -> None:
        self._port, self._keep, self._fresh = port, keep_body, fresh
        self._source = None if source is None else (source, 0)
        self._connection: Connection | None = None
        self._answer: asyncio.Future[Answer] | None = None

    async def ask(self, request: bytes, *, timeout: float = 60.0) -> Answer:
        """The answer to a request.

        Raises:
            Failed: The connection could not be opened, or ended first, or the time was up.
        """
        loop = asyncio.get_running_loop()
        if self._fresh:
            self.close()
        try:
            async with asyncio.timeout(timeout):
                if self._connection is None or not self._connection.open:
                    _, self._connection = await loop.create_connection(
                        lambda: Connection(self._arrived, keep_body=self._keep), "127.0.0.1", self._port, local_addr=self._source
                    )
                self._answer = loop.create_future()
                self._connection.send(request)
                return await self._answer
        except (OSError, TimeoutError) as error:
            self.close()
            raise Failed(str(error) or type(error).__name__) from error

    def _arrived(self, outcome: Answer | Failed) -> None:
        if self._answer is None or self._answer.done():
            return
        if isinstance(outcome, Failed):
            self._answer.set_exception(outcome)
        else:
            self._answer.set_result(outcome)

    def close(self) -> None:
        """End the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def get(path: str, port: int, *headers: str) -> bytes:
    """A GET with these header lines."""
    return "\r\n".join([f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", *headers, "", ""]).encode("latin-1")


def post(path: str, port: int, body: bytes, *headers: str) -> bytes:
    """A POST with these header lines and this body."""
    lines = [f"POST {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", *headers, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode("latin-1") + body
