"""Who may pass by the express lane: the port that the web room fills, with the same engine that serves the general lane."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from gateway.proxy.pool import UpstreamPool


@dataclass(frozen=True, slots=True)
class Pass:
    """A yes.

    Attributes:
        head: The lines that the gateway adds behind the client's, ready to be sent: cookies that are not ours, then who it is.
        host: The asked host, canonical.
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
