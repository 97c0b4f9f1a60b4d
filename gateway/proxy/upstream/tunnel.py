"""What an upstream connection becomes after 101: a pipe for bytes, both ways, with bounded buffers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

_LINGER_S = 5.0  # how long bytes in flight may take to leave after `close`


class Tunnel(asyncio.Protocol):
    """The upstream's side of a WebSocket. It doesn't look into the bytes.

    Attributes:
        reset: True if the upstream's end came by an error, not cleanly.
    """

    def __init__(self, transport: asyncio.Transport, early: bytes, *, high_water: int, on_lost: Callable[[Tunnel], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport = transport
        self._pieces = [early] if early else []
        self._size = len(early)
        self._high_water = high_water
        self._on_lost = on_lost
        self._ended = False
        self._paused = False
        self._arrived: asyncio.Future[None] | None = None
        self._drained: asyncio.Future[None] | None = None
        self._linger: asyncio.TimerHandle | None = None
        self.reset = False

    async def read(self) -> bytes:
        """What came next, first of all what came right behind the 101; `b""` at the end."""
        while not self._pieces:
            if self._ended:
                return b""
            self._arrived = self._loop.create_future()
            try:
                await self._arrived
            finally:
                self._arrived = None
        data = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces.clear()
        self._size = 0
        if self._paused:
            self._paused = False
            if not self._transport.is_closing():
                self._transport.resume_reading()
        return data

    def write(self, data: bytes) -> None:
        """Send; follow it with `drain`. Dropped once the connection is closed."""
        if not self._transport.is_closing():
            self._transport.write(data)

    async def drain(self) -> None:
        """Wait until the upstream has taken enough; returns at once when it is gone, which `read` then tells."""
        if self._drained is not None:
            await asyncio.shield(self._drained)

    def write_eof(self) -> None:
        """Nothing more will be written; over TLS, which has no half-closed state, that closes both ways."""
        if self._transport.is_closing():
            return
        if self._transport.can_write_eof():
            self._transport.write_eof()
        else:
            self.close()

    def close(self) -> None:
        """Close after what was written has left, but not later than the linger time."""
        if not self._transport.is_closing():
            self._transport.close()
            self._linger = self._loop.call_later(_LINGER_S, self._transport.abort)

    def abort(self) -> None:
        """Close at once."""
        self._transport.abort()

    # asyncio.Protocol

    def data_received(self, data: bytes) -> None:
        """Hold what came for `read`; stop reading when that is too much."""
        self._pieces.append(data)
        self._size += len(data)
        if self._size >= self._high_water and not self._paused and not self._transport.is_closing():
            self._paused = True
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        """The upstream is done sending; it may still listen."""
        self._ended = True
        self._wake()
        return self._transport.can_write_eof()

    def connection_lost(self, exc: Exception | None) -> None:
        """Both ways are over."""
        self._ended = True
        self.reset = exc is not None
        if self._linger is not None:
            self._linger.cancel()
        self._wake()
        self.resume_writing()
        self._on_lost(self)

    def pause_writing(self) -> None:
        """The upstream reads too slowly."""
        self._drained = self._loop.create_future()

    def resume_writing(self) -> None:
        """It caught up."""
        drained, self._drained = self._drained, None
        if drained is not None and not drained.done():
            drained.set_result(None)

    def _wake(self) -> None:
        if self._arrived is not None and not self._arrived.done():
            self._arrived.set_result(None)
