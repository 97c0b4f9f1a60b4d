"""How much of what one side sends may wait for the other (promise 55)."""

from __future__ import annotations

BUFFER = 256 * 1024  # bytes for one connection, each way; `limits.buffer`


def high_water(buffer: int) -> int:
    """Bytes on hold at which whoever sends is paused: a quarter, because one read of the event loop adds up to 256 KiB."""
    return max(1, buffer // 4)
