"""What a client connection needs of whoever made it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from gateway.proxy.client.head import Refusal
from gateway.proxy.client.limits import ClientLimits

if TYPE_CHECKING:
    from gateway.proxy.client.connection import ClientConnection
    from gateway.proxy.client.plain import Plain
    from gateway.proxy.express.lane import ExpressLane


MakeLane = Callable[[], asyncio.Protocol]


class TunnelEnd(Protocol):
    """What gets the bytes of a connection that has become a tunnel."""

    def from_client(self, data: bytes) -> None:
        """Bytes from the client; b"" is their end."""

    def client_full(self) -> None:
        """The client takes less than it is given."""

    def client_caught_up(self) -> None:
        """It takes more again."""


class Keeper(Protocol):
    """What a connection needs of the listener that made it."""

    @property
    def limits(self) -> ClientLimits:
        """The bounds."""

    @property
    def draining(self) -> bool:
        """True once the gateway stops: each connection's next answer is its last."""

    @property
    def express(self) -> ExpressLane | None:
        """The express lane, if it is on."""

    @property
    def read_plain(self) -> Callable[[bytes], Plain | None] | None:
        """Reads a whole head, if it is plain; None where the express lane has done so before."""

    @property
    def make_lane(self) -> MakeLane:
        """Gives a protocol that serves the requests of one connection."""

    @property
    def make_proxied(self) -> MakeLane:
        """The same for requests that can only be for an upstream; it is told no more of a head than its framing."""

    def may_be_ours(self, target: bytes) -> bool:
        """True if a request may be for the gateway itself."""

    def admit(self, connection: ClientConnection) -> bool:
        """Count a new connection; False if that is one too many."""

    @property
    def may_linger(self) -> bool:
        """True if there is room to wait until one more that was not admitted has read why."""

    def forget(self, connection: ClientConnection) -> None:
        """The connection is gone."""

    def refusal_answer(self, refusal: Refusal) -> bytes:
        """The whole answer to a request that no lane has seen."""

    def count_refusal(self, refusal: Refusal, address: str) -> None:
        """Note a refusal."""
