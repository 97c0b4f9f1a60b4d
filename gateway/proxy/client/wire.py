"""The socket of one client connection: who has asked it to pause, who waits for it, and how it is closed."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct

from gateway.core.errors import ClientGone
from gateway.proxy.client.writing import Writing

_LINGER_S = 2.0  # how long what a refused client still sends is thrown away, so that it can read the answer (RFC 9112 9.6)


class ClientWire(asyncio.Protocol):
    """What a `ClientConnection` is besides its requests.

    Attributes:
        deadline: Loop time after which `expire` is to be called, or None.
        writing: Whether the client takes what is written.
    """

    __slots__ = ("_loop", "_pausers", "_transport", "deadline", "writing")

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._pausers: frozenset[str] = frozenset()
        self.writing = Writing(self._loop)
        self.deadline: float | None = None

    def write(self, data: bytes) -> None:
        """Send to the client; dropped if it is gone."""
        if self._transport is not None:
            self._transport.write(data)

    async def drain(self) -> None:
        """Wait until the client has taken what was written.

        Raises:
            ClientGone: It closed the connection, or took nothing for longer than the limit.
        """
        await self.writing.drain()
        if self._transport is None or self._transport.is_closing():
            raise ClientGone("the client closed the connection")

    def pause_reading(self, who: str) -> None:
        """Stop reading from the client until everybody who asked for it has resumed."""
        if not self._pausers and self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()
        self._pausers |= {who}

    def resume_reading(self, who: str) -> None:
        """Take one's own pause back."""
        if who not in self._pausers:
            return
        self._pausers -= {who}
        if not self._pausers and self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def _end(self, transport: asyncio.Transport, now: float, limit_s: float) -> None:
        """Time is up for a connection that is being closed: cut it, unless its client still takes what was written."""
        unsent = transport.get_write_buffer_size()
        if unsent and not self.writing.stalled(now, unsent, limit_s):
            self.deadline = now + min(limit_s, _LINGER_S)
        else:
            transport.abort()

    def _shut(self, transport: asyncio.Transport, *, unread: bool) -> None:
        """Close so that the client can still read what was written, also if it is in the middle of sending."""
        if not unread or not transport.can_write_eof():
            transport.close()
            if transport.get_write_buffer_size():
                self._watch_the_end()
            return
        # Closing a socket with unread bytes resets it, and the answer in flight is lost: so send FIN, and throw away what comes.
        transport.write_eof()
        if self._pausers:
            self._pausers = frozenset()
            transport.resume_reading()
        self._watch_the_end()

    def _watch_the_end(self) -> None:
        now = self._loop.time()
        self.writing.watch(now)
        self.deadline = now + _LINGER_S


def reset_at_close(transport: asyncio.Transport) -> None:
    """Let the end of a connection be one that nobody takes for a clean one."""
    sock = transport.get_extra_info("socket")
    with contextlib.suppress(OSError):  # it is closed already
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
