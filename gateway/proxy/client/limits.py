"""The bounds of what clients may ask for, send and hold."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.proxy.buffering import BUFFER, high_water
from gateway.proxy.client.head import HeadLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientLimits:
    """Bounds on clients; times in seconds, `buffer` in bytes."""

    head: HeadLimits = field(default_factory=HeadLimits)
    head_timeout_s: float = 10.0
    body_idle_s: float = 30.0
    keep_alive_s: float = 75.0
    write_idle_s: float = 60.0
    requests: int = 10_000
    connections: int = 10_000
    per_address: int = 256
    buffer: int = BUFFER

    @property
    def high_water(self) -> int:
        """Bytes on hold for a client at which whoever writes is paused."""
        return high_water(self.buffer)
