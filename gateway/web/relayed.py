"""An answer that aiohttp need not write."""

from __future__ import annotations

import functools

from aiohttp import web


class Relayed(web.StreamResponse):
    """An answer whose bytes were written to the connection already; aiohttp only learns whether the connection goes on."""

    def __init__(self, status: int, *, keep_alive: bool) -> None:
        super().__init__(status=status)
        self._goes_on = keep_alive

    @property
    def keep_alive(self) -> bool | None:
        """True if another request may follow on the connection."""
        return self._goes_on

    async def prepare(self, request: web.BaseRequest) -> None:
        """Nothing: the head is out."""

    async def write_eof(self, data: bytes = b"") -> None:
        """Nothing: the body is out."""


@functools.cache  # a status has three digits
def relayed(status: int, *, keep_alive: bool) -> Relayed:
    """The answer of this status: nobody writes anything down in one, so there is no need for another each time."""
    return Relayed(status, keep_alive=keep_alive)
