"""The line between a supervisor and one worker: a socket pair that nobody else can reach, with messages of JSON behind their length."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import pickle
import socket
import struct
from collections.abc import Mapping
from typing import Any

from gateway.sessions.keys import KeyRing
from gateway.settings.model import Settings

Message = Mapping[str, Any]
_LENGTH = struct.Struct("!I")
_LONGEST = 64 * 1024 * 1024
_MOST_WAITING = 8 * 1024 * 1024  # bytes that the other side has not taken: it is stuck


class Channel:
    """One end."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def over(cls, sock: socket.socket) -> Channel:
        """Speak over a connected socket, which is closed with the channel."""
        sock.setblocking(False)
        return cls(*await asyncio.open_unix_connection(sock=sock))

    def send(self, message: Message) -> None:
        """Send without waiting. To a side that is gone, or takes nothing any more, nothing is sent, and `receive` ends."""
        transport = self._writer.transport
        if transport.is_closing():
            return
        if transport.get_write_buffer_size() > _MOST_WAITING:
            transport.abort()
            return
        data = json.dumps(message).encode()
        self._writer.write(_LENGTH.pack(len(data)) + data)

    async def receive(self) -> Message | None:
        """The next message; None when the other side is gone."""
        try:
            (length,) = _LENGTH.unpack(await self._reader.readexactly(_LENGTH.size))
            if length > _LONGEST:
                return None
            message = json.loads(await self._reader.readexactly(length))
        except (asyncio.IncompleteReadError, OSError, ValueError):
            return None
        return message if isinstance(message, dict) else None

    async def close(self) -> None:
        """Send what waits, and close."""
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()


def packed(settings: Settings, keys: KeyRing) -> str:
    """What a supervisor serves, for its workers: the very values that it has checked, whatever the files say by now."""
    return base64.b64encode(pickle.dumps((settings, keys))).decode("ascii")


def unpacked(text: str) -> tuple[Settings, KeyRing]:
    """What `packed` was given. Only for what came from the supervisor, down the channel that it made."""
    settings, keys = pickle.loads(base64.b64decode(text))  # noqa: S301  # over a socketpair that our parent made; nobody else can write to it
    assert isinstance(settings, Settings) and isinstance(keys, KeyRing)
    return settings, keys
