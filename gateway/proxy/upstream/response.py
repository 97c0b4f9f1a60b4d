"""The awaitable face of an exchange, for handlers that are coroutines: `await` the head, then read the body piece by piece."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import Self

from gateway.core.errors import ClientGone, UpstreamError
from gateway.proxy.fields import RawHeaders
from gateway.proxy.upstream.connection import UpstreamConnection
from gateway.proxy.upstream.head import UpstreamHead
from gateway.proxy.upstream.tunnel import Tunnel

LAST_CHUNK = b"0\r\n\r\n"


class UpstreamResponse:
    """A response whose head has come; use it as a context manager, or call `release` in the end, so that no connection is forgotten.

    Attributes:
        head: The head as it was read.
        tunnel: The pipe that the connection became, for 101.
        trailers: The fields behind a chunked body, once it was read to the end.
    """

    __slots__ = (
        "_arrived", "_connection", "_ended", "_error", "_head", "_high_water", "_loop", "_paused", "_pieces", "_size", "_tell", "_upload",
        "_writable", "trailers", "tunnel",
    )  # fmt: skip

    def __init__(
        self, connection: UpstreamConnection, *, high_water: int, on_informational: Callable[[int, RawHeaders], None] | None = None
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._connection: UpstreamConnection | None = connection
        self._high_water = high_water
        self._tell = on_informational
        self._pieces: list[bytes] = []
        self._size = 0
        self._paused = False
        self._ended = False
        self._error: BaseException | None = None
        self._upload: asyncio.Task[None] | None = None
        self._arrived: asyncio.Future[None] | None = None  # what the reader waits for: the head, then each piece
        self._writable: asyncio.Future[None] | None = None  # what the upload waits for
        self._head: UpstreamHead | None = None
        self.tunnel: Tunnel | None = None
        self.trailers: RawHeaders = []

    @property
    def head(self) -> UpstreamHead:
        """The head as it was read."""
        assert self._head is not None
        return self._head

    @property
    def status(self) -> int:
        """The status code."""
        return self.head.status

    @property
    def reason(self) -> bytes:
        """The phrase behind the status, as it came."""
        return self.head.reason

    @property
    def version(self) -> str:
        """`1.1`, or `1.0`."""
        return f"1.{self.head.minor}"

    @property
    def headers(self) -> RawHeaders:
        """As they came, order and case kept."""
        return self.head.headers

    @property
    def content_length(self) -> int | None:
        """As announced; for HEAD and 304 no body comes all the same."""
        return self.head.content_length

    @property
    def chunked(self) -> bool:
        """True if the body came chunked."""
        return self.head.chunked

    @property
    def has_body(self) -> bool:
        """True if body bytes may follow."""
        return self.head.has_body

    @property
    def finished(self) -> bool:
        """True once the body was read to its end."""
        return self._ended and not self._pieces and self._error is None

    async def read(self) -> bytes | None:
        """What came of the body since the last call, at least one byte; None at its end.

        Raises:
            UpstreamTruncated: The body ended early, broke its framing or stalled. What came before was returned before.
            BaseException: What the iterator of the request body raised, where the response came before the request's end.
        """
        while not self._pieces:
            if self._error is not None:
                raise self._error
            if self._ended:
                return None
            await self._wait()
        return self._taken()

    def read_nowait(self) -> bytes:
        """What has come of the body already, without waiting; b"" if nothing has."""
        return self._taken() if self._pieces else b""

    def take_over(self) -> Tunnel:
        """The pipe that the connection became. Call it once, for 101 only."""
        tunnel, self.tunnel = self.tunnel, None
        assert tunnel is not None, "only a 101 becomes a tunnel"
        return tunnel

    def abort(self) -> None:
        """The client is gone: close the upstream connection at once, unless the response is complete."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.abort(self)
            self._stop(ClientGone("the exchange was given up"))
        if self.tunnel is not None:
            self.tunnel.abort()

    release = abort

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.release()

    # for the pool

    async def arrive(self) -> None:
        """Wait for the final head.

        Raises:
            UpstreamError: None came.
            BaseException: What the iterator of the request body raised.
        """
        while self._head is None:
            if self._error is not None:
                raise self._error
            await self._wait()

    def upload(self, body: AsyncIterator[bytes], *, length: int | None) -> None:
        """Send the request body in the background, framed as chunks if there is no length."""
        self._upload = self._loop.create_task(self._send_body(body, length))
        self._upload.add_done_callback(self._uploaded)

    # Receiver

    def on_whole(self, head: UpstreamHead, data: bytes, end: int) -> None:
        """See `Receiver`."""
        self._connection = None
        self._head = head
        if end < len(data):
            self._pieces.append(data[end:])
        self._ended = True
        self._stop(None)

    def on_informational(self, status: int, headers: RawHeaders) -> None:
        """See `Receiver`."""
        if self._tell is not None:
            try:
                self._tell(status, headers)
            except Exception as error:  # the client's side broke; not the upstream's fault, and not asyncio's to log
                self._give_up(error)

    def on_head(self, head: UpstreamHead) -> None:
        """See `Receiver`."""
        self._head = head
        self._wake()

    def on_data(self, data: bytes) -> None:
        """See `Receiver`."""
        if self._connection is None:
            return
        self._pieces.append(data)
        self._size += len(data)
        if self._size >= self._high_water and not self._paused:
            self._paused = True
            self._connection.pause_reading(self)
        self._wake()

    def on_pause(self) -> None:
        """See `Receiver`; nothing is held back here."""

    def on_end(self, trailers: RawHeaders) -> None:
        """See `Receiver`."""
        self._connection = None
        self._ended = True
        self.trailers = trailers
        self._stop(None)

    def on_tunnel(self, tunnel: Tunnel) -> None:
        """See `Receiver`."""
        self._connection = None
        self._ended = True
        self.tunnel = tunnel
        self._stop(None)

    def on_writable(self) -> None:
        """See `Receiver`."""
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)

    def on_error(self, error: UpstreamError) -> None:
        """See `Receiver`."""
        self._connection = None
        self._stop(error)

    # inside

    def _taken(self) -> bytes:
        data = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces.clear()
        self._size = 0
        if self._paused:
            self._paused = False
            if self._connection is not None:
                self._connection.resume_reading(self)
        return data

    async def _wait(self) -> None:
        """Wait until something happened. Who is cancelled here has no more use for the exchange."""
        self._arrived = self._loop.create_future()
        try:
            await self._arrived
        except asyncio.CancelledError:
            self.abort()
            raise
        finally:
            self._arrived = None

    def _wake(self) -> None:
        if self._arrived is not None and not self._arrived.done():
            self._arrived.set_result(None)

    def _stop(self, error: BaseException | None) -> None:
        """The exchange is over: nothing more is uploaded, and who waits is told."""
        if self._error is None:
            self._error = error
        if self._upload is not None:
            self._upload.cancel()
        self._wake()

    def _give_up(self, error: BaseException) -> None:
        """Our own side failed."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.abort(self)
            self._stop(error)

    async def _send_body(self, body: AsyncIterator[bytes], length: int | None) -> None:
        left = length
        try:
            async for piece in body:
                if not piece:  # as a chunk, it would be the last one
                    continue
                if left is not None:
                    left -= len(piece)
                    if left < 0:
                        raise ValueError("the request body is longer than its length")
                await self._send_piece(piece if length is not None else b"%x\r\n%b\r\n" % (len(piece), piece))
            if left:
                raise ClientGone("the request body ended before its length")
            if self._connection is not None:
                if length is None:
                    self._connection.write(self, LAST_CHUNK)
                self._connection.end_request(self)
        finally:
            close = getattr(body, "aclose", None)
            if close is not None:
                await close()

    async def _send_piece(self, data: bytes) -> None:
        if self._connection is not None and self._connection.has_news():
            # Writing into a connection that the upstream has closed loses the answer it sent before: let the loop read first.
            await asyncio.sleep(0)
        connection = self._connection
        if connection is None:
            raise asyncio.CancelledError
        connection.write(self, data)
        if not connection.writable:
            self._writable = self._loop.create_future()
            await self._writable

    def _uploaded(self, upload: asyncio.Task[None]) -> None:
        self._upload = None
        if upload.cancelled():
            self._give_up(ClientGone("the upload was given up"))
        elif (error := upload.exception()) is not None:
            self._give_up(error)
