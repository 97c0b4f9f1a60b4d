"""An upstream that plays a script on each connection: any bytes, in any pieces, with any kind of end."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from gateway.proxy.upstream.address import UpstreamAddress
from gateway.proxy.upstream.pool import UpstreamPool, UpstreamResponse

GET = b"GET / HTTP/1.1\r\nHost: app\r\n\r\n"
HEAD = b"HEAD / HTTP/1.1\r\nHost: app\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


def post(length: int | None) -> bytes:
    """A POST head with a length, or chunked."""
    framing = b"Transfer-Encoding: chunked" if length is None else b"Content-Length: %d" % length
    return b"POST / HTTP/1.1\r\nHost: app\r\n" + framing + b"\r\n\r\n"


class Peer:
    """The upstream's side of one connection."""

    def __init__(self, upstream: ScriptedUpstream, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        self.upstream = upstream
        self.reader = reader
        self.writer = writer
        self.number = number

    async def head(self) -> bytes:
        """The next request head."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        self.upstream.heads.append(head)
        return head

    async def send(self, *pieces: bytes, pause: float = 0.002) -> None:
        """Send the pieces so that each arrives on its own.

        Raises:
            ConnectionResetError: The other side has left. uvloop would say so by a RuntimeError, asyncio not before the `drain`.
        """
        for number, piece in enumerate(pieces):
            if number:
                await asyncio.sleep(pause)
            if self.writer.is_closing():
                raise ConnectionResetError("the gateway has left")
            self.writer.write(piece)
            await self.writer.drain()

    async def rest(self) -> bytes:
        """Everything until the other side closes; a reset counts as an end."""
        data = b""
        with contextlib.suppress(ConnectionError):
            while piece := await self.reader.read(65536):
                data += piece
        return data

    def half_close(self) -> None:
        """Send FIN, go on reading."""
        self.writer.write_eof()

    def reset(self) -> None:
        """Close with RST."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Script = Callable[[Peer], Awaitable[None]]


class ScriptedUpstream:
    """Listens; the script runs for each connection, which is closed at its end."""

    def __init__(self, script: Script, *, path: Path | None = None, tls: ssl.SSLContext | None = None, keep_open: bool = False) -> None:
        self.script = script
        self.heads: list[bytes] = []
        self.connections = 0
        self.failures: list[BaseException] = []
        self._path = path
        self._tls = tls
        self._keep_open = keep_open
        self._tasks: set[asyncio.Task[Any]] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        if self._path is not None:
            self._server = await asyncio.start_unix_server(self._serve, self._path)
        else:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        assert self._server is not None
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if error is None:
            assert self.failures == [], [repr(failure) for failure in self.failures]

    @property
    def port(self) -> int:
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    def address(self, **changes: Any) -> UpstreamAddress:
        """Where it listens."""
        if self._path is not None:
            return UpstreamAddress(name="app", scheme="unix", path=str(self._path))
        return UpstreamAddress(**{"name": "app", "scheme": "http", "host": "127.0.0.1", "port": self.port, **changes})

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            await self.script(Peer(self, reader, writer, self.connections))
            if self._keep_open:
                await asyncio.sleep(3600)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the gateway closed, which most scripts don't mind
        except asyncio.CancelledError:
            writer.transport.abort()
        except BaseException as error:
            self.failures.append(error)
        finally:
            self._tasks.discard(task)
            writer.close()
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                await writer.wait_closed()


def always(answer: bytes) -> Script:
    """Answer every request of every connection with the same bytes."""

    async def script(peer: Peer) -> None:
        while True:
            await peer.head()
            await peer.send(answer)

    return script


def once(*pieces: bytes, then: str = "keep") -> Script:
    """Answer the first request of each connection in pieces, then `keep` the connection open, `close`, or `reset` it."""

    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.send(*pieces)
        if then == "keep":
            await peer.rest()
        elif then == "reset":
            await asyncio.sleep(0.02)  # or the reset overtakes what was sent
            peer.reset()

    return script


async def body_of(response: UpstreamResponse) -> bytes:
    """Read a body to its end."""
    data = b""
    while (piece := await response.read()) is not None:
        assert piece
        data += piece
    return data


async def fetch(pool: UpstreamPool, head: bytes = GET, method: str = "GET") -> tuple[int, bytes]:
    """One request without a body, and its whole answer."""
    response = await pool.send(head, method=method)
    return response.status, await body_of(response)


async def pieces(*items: bytes, error: BaseException | None = None) -> AsyncIterator[bytes]:
    """A request body; `error` is raised behind the last piece."""
    for item in items:
        yield item
    if error is not None:
        raise error


async def until(condition: Callable[[], bool]) -> None:
    """Wait until something holds, which it does soon, or the test fails by its time-out."""
    while not condition():
        await asyncio.sleep(0.005)
