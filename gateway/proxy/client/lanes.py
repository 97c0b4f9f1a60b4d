"""The lanes that serve one client connection: each made when it is needed, all told what becomes of the connection."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from gateway.proxy.client.ports import MakeLane
from gateway.proxy.client.transport import ClientTransport

if TYPE_CHECKING:
    from gateway.proxy.client.connection import ClientConnection


Made = Mapping[MakeLane, tuple[asyncio.Protocol, ClientTransport]]
_NONE: Made = MappingProxyType({})  # most connections never need one, and a dict for each takes room


class Lanes:
    """See the module's docstring. A lane is any `asyncio.Protocol` that speaks HTTP/1.1."""

    __slots__ = ("_made",)

    def __init__(self) -> None:
        self._made = _NONE

    def of(self, make: MakeLane, connection: ClientConnection, transport: asyncio.Transport) -> asyncio.Protocol:
        """The lane of that kind."""
        made = self._made.get(make)
        if made is None:
            made = make(), ClientTransport(transport, connection)
            self._made = {**self._made, make: made}
            made[0].connection_made(made[1])
        return made[0]

    def pause_writing(self) -> None:
        """The client reads more slowly than the lane writes."""
        for lane, _ in self._made.values():
            lane.pause_writing()

    def resume_writing(self) -> None:
        """It caught up."""
        for lane, _ in self._made.values():
            lane.resume_writing()

    def drop(self, exc: Exception | None) -> None:
        """No lane has anything to do here any more."""
        made, self._made = self._made, _NONE
        for lane, transport in made.values():
            transport.detach()
            lane.connection_lost(exc)
