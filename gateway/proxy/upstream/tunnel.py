"""What an upstream connection becomes after 101: a pipe for bytes, both ways, with bounded buffers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

_LINGER_S = 5.0  # how long bytes in flight may take to leave after `close`


class Sink(Protocol):
    """Whom a tunnel is for. It is told by plain calls, without a task or a future."""

    def on_data(self, data: bytes) -> None:
        """Bytes from the upstream."""

    def on_end(self) -> None:
        """The upstream sends nothing more."""

    def on_writable(self) -> None:
        """The upstream takes more again."""


class Tunnel(asyncio.Protocol):
    """The upstream's side of a WebSocket. It doesn't look into the bytes.

    Attributes:
        reset: True if the upstream's end came by an error, not cleanly.
        writable: False while the upstream takes less than it is given; `on_writable` tells when that is over.
    """

    __slots__ = ("_early", "_ended", "_high_water", "_linger", "_loop", "_on_lost", "_paused", "_sink", "_size", "_transport", "reset", "writable")  # fmt: skip

    def __init__(self, transport: asyncio.Transport, early: bytes, *, high_water: int, on_lost: Callable[[Tunnel], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport = transport
        self._early = [early] if early else []  # what came before there was a sink
        self._size = len(early)
        self._high_water = high_water
        self._on_lost = on_lost
        self._sink: Sink | None = None
        self._ended = False
        self._paused = False
        self._linger: asyncio.TimerHandle | None = None
        self.reset = False
        self.writable = True

    def attach(self, sink: Sink) -> None:
        """Send to somebody from now on, first of all what came right behind the 101."""
        self._sink = sink
        early, self._early = self._early, []
        if early:
            sink.on_data(b"".join(early))
        self.resume_reading()
        if self._ended:
            sink.on_end()

    def write(self, data: bytes) -> None:
        """Send. Dropped once the connection is closed."""
        if not self._transport.is_closing():
            self._transport.write(data)

    def pause_reading(self) -> None:
        """The sink has enough for now."""
        if not self._paused and not self._transport.is_closing():
            self._paused = True
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """The sink takes more."""
        if self._paused:
            self._paused = False
            if not self._transport.is_closing():
                self._transport.resume_reading()

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
        """Pass on what came; without a sink, hold it within bounds."""
        if self._sink is not None:
            self._sink.on_data(data)
            return
        self._early.append(data)
        self._size += len(data)
        if self._size >= self._high_water:
            self.pause_reading()

    def eof_received(self) -> bool:
        """The upstream is done sending; it may still listen."""
        self._end()
        return self._transport.can_write_eof()

    def connection_lost(self, exc: Exception | None) -> None:
        """Both ways are over."""
        self.reset = exc is not None
        if self._linger is not None:
            self._linger.cancel()
        self._end()
        self._sink = None
        self._on_lost(self)

    def pause_writing(self) -> None:
        """The upstream reads too slowly."""
        self.writable = False

    def resume_writing(self) -> None:
        """It caught up."""
        self.writable = True
        if self._sink is not None:
            self._sink.on_writable()

    def _end(self) -> None:
        if not self._ended:
            self._ended = True
            if self._sink is not None:
                self._sink.on_end()
