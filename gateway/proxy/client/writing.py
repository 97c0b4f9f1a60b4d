"""The way out to one client: waiting for it to read, and giving up on one that does not."""

from __future__ import annotations

import asyncio

from gateway.core.errors import ClientGone


class Writing:
    """Follows whether the client takes what is written (promise 55).

    Attributes:
        paused: True while the client has not taken what is there for it.
    """

    __slots__ = ("_drained", "_loop", "_lost", "_stalled_at", "_stalled_size", "paused")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._drained: asyncio.Future[None] | None = None
        self._lost = False
        self._stalled_at: float | None = None
        self._stalled_size = 0
        self.paused = False

    def pause(self) -> None:
        """The client reads more slowly than is written."""
        self._drained = self._loop.create_future()
        self._drained.add_done_callback(_retrieve)
        self._stalled_at = self._loop.time()
        self.paused = True

    def resume(self) -> None:
        """It caught up."""
        self._stalled_at = None
        self.paused = False
        drained, self._drained = self._drained, None
        if drained is not None and not drained.done():
            drained.set_result(None)

    def lose(self) -> None:
        """The connection is gone."""
        self._lost = True
        if self._drained is not None and not self._drained.done():
            self._drained.set_exception(ClientGone("the client closed the connection"))

    async def drain(self) -> None:
        """Wait until the client has taken what was written.

        Raises:
            ClientGone: It closed the connection, or was cut because it took nothing for too long.
        """
        if self._drained is not None:
            await asyncio.shield(self._drained)
        if self._lost:
            raise ClientGone("the client closed the connection")

    def watch(self, now: float) -> None:
        """Begin to watch, also where too little is left for a pause."""
        self._stalled_at = now

    def stalled(self, now: float, unsent: int, limit_s: float) -> bool:
        """True if the client has taken nothing of the `unsent` bytes for longer than the limit, since the pause or since `watch`."""
        if self._stalled_at is None:
            self._stalled_at = now
        if unsent < self._stalled_size:
            self._stalled_at = now
        self._stalled_size = unsent
        return now - self._stalled_at > limit_s


def _retrieve(future: asyncio.Future[None]) -> None:
    """Mark the exception as seen: nobody may be waiting when the client leaves."""
    if not future.cancelled():
        future.exception()
