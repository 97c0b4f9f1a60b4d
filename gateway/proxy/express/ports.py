"""What the express lane needs of others: a judge, which the web room fills with the policy, and the client's connection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from gateway.core.errors import UpstreamError
    from gateway.proxy.upstream.pool import UpstreamPool


@dataclass(frozen=True, slots=True)
class Pass:
    """A yes.

    Attributes:
        host: The asked host, canonical.
        cookie: The Cookie line with what is left without ours, its line end behind it; b"" for none.
        identity: The identity lines, a line end ahead of each.
        private: The answer was made for one person, so shared caches may not keep it.
        streaming: The upstream may be silent for as long as it likes.
    """

    pool: UpstreamPool
    host: str
    cookie: bytes
    identity: bytes
    private: bool
    streaming: bool


class Judge(Protocol):
    """Says yes, or nothing: whatever is not a plain yes is for the general lane to judge and to answer."""

    def judge(self, target: bytes, host: bytes, cookie: bytes | None) -> Pass | None:
        """Judge a plain GET request."""


class Client(Protocol):
    """The connection that an answer is for."""

    address: str

    @property
    def last_request(self) -> bool:
        """True if the answer must close the connection."""

    def write(self, data: bytes) -> None:
        """Send; dropped if the client is gone."""

    def relayed(self, *, goes_on: bool) -> None:
        """The answer is out."""

    def hand_over(self, raw: bytes, *, fault: UpstreamError) -> None:
        """The general lane answers instead."""

    def abort(self) -> None:
        """Cut the connection, so that the client sees that the answer is not whole."""
