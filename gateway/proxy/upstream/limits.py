"""How long, how much and how many: the bounds of everything an upstream can make the gateway wait for or hold."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.proxy.buffering import BUFFER, high_water

#: A response may be announced by so many interim ones (100, 102, 103); one more is an error.
MAX_INFORMATIONAL = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamLimits:
    """The bounds of one upstream pool; times in seconds, sizes in bytes.

    Attributes:
        connect_s: From the name look-up to the end of the TLS handshake.
        response_head_s: From the end of the request (or the last byte of it that was taken) to the end of the response head.
        body_idle_s: Between two pieces of a response body.
        wait_s: For a connection, where all are in use.
        idle_s: How long an unused connection is kept; below the upstream's own limit, or requests meet a closed door.
        max_connections: In use, being made and idle together; tunnels don't count.
        max_head: A response head, with the empty line at its end.
        max_field: One response header line, without its line end.
        buffer: What one exchange holds in each direction.
    """

    connect_s: float = 5.0
    response_head_s: float = 60.0
    body_idle_s: float = 60.0
    wait_s: float = 1.0
    idle_s: float = 10.0
    max_connections: int = 256
    max_head: int = 64 * 1024
    max_field: int = 32 * 1024
    buffer: int = BUFFER

    @property
    def high_water(self) -> int:
        """Bytes on hold at which a side is paused."""
        return high_water(self.buffer)

    @property
    def sweep_s(self) -> float:
        """How often deadlines are looked at: one timer for a whole pool is cheaper than one for each request."""
        return min(1.0, max(0.005, min(self.response_head_s, self.body_idle_s, self.idle_s) / 4))
