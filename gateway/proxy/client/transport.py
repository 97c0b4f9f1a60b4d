"""What a lane sees of the client's transport: the real one, but closing and pausing go through the `ClientConnection`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gateway.proxy.client.connection import ClientConnection


class ClientTransport(asyncio.Transport):
    """A thin stand-in, so that two readers of one connection don't resume what the other one paused."""

    def __init__(self, transport: asyncio.Transport, connection: ClientConnection) -> None:
        super().__init__()
        self._transport = transport
        self.connection = connection
        self._detached = False
        self.write = transport.write  # type: ignore[method-assign]  # the hot call goes straight to the real transport
        self.writelines = transport.writelines  # type: ignore[method-assign]  # likewise

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """As the real transport's."""
        return self._transport.get_extra_info(name, default)

    def is_closing(self) -> bool:
        """As the real transport's."""
        return self._transport.is_closing()

    def detach(self) -> None:
        """The lane has no part in the connection any more: it can't close what serves somebody else now."""
        self._detached = True

    def close(self) -> None:
        """Close so that what was written still arrives."""
        if not self._detached:
            self.connection.close()

    def abort(self) -> None:
        """Close at once."""
        if not self._detached:
            self.connection.abort()

    def is_reading(self) -> bool:
        """As the real transport's."""
        return self._transport.is_reading()

    def pause_reading(self) -> None:
        """The lane has enough for now."""
        self.connection.pause_reading("lane")

    def resume_reading(self) -> None:
        """The lane wants more."""
        self.connection.resume_reading("lane")

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """As the real transport's."""
        self._transport.write(data)

    def writelines(self, list_of_data: Iterable[Any]) -> None:
        """As the real transport's."""
        self._transport.writelines(list_of_data)

    def can_write_eof(self) -> bool:
        """As the real transport's."""
        return self._transport.can_write_eof()

    def write_eof(self) -> None:
        """As the real transport's."""
        self._transport.write_eof()

    def get_write_buffer_size(self) -> int:
        """As the real transport's."""
        return self._transport.get_write_buffer_size()

    def get_write_buffer_limits(self) -> tuple[int, int]:
        """As the real transport's."""
        return self._transport.get_write_buffer_limits()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """As the real transport's."""
        self._transport.set_write_buffer_limits(high=high, low=low)
