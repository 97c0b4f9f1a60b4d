"""Just enough of RFC 6455 5.2 to know where one frame ends and the next may begin. Payloads pass through unread."""

from __future__ import annotations

#: A server's ping without a payload (RFC 6455 5.5.2).
PING = b"\x89\x00"


class FrameBoundary:
    """Follows the frames that a server sends, so that a frame of ours can be put between two of them."""

    __slots__ = ("_header", "_payload_left")

    def __init__(self) -> None:
        self._header = b""
        self._payload_left = 0

    @property
    def between_frames(self) -> bool:
        """True if a frame of ours may be sent now."""
        return not self._payload_left and not self._header

    def feed(self, data: bytes) -> None:
        """Follow the bytes that were sent."""
        size = len(data)
        if not self._payload_left and not self._header and size > 1 and data[1] < 126 and size == data[1] + 2:
            return  # one short frame, whole: what most messages are
        position = 0
        while position < size:
            if self._payload_left:
                taken = min(self._payload_left, size - position)
                self._payload_left -= taken
                position += taken
                continue
            header = self._header + data[position : position + _LONGEST - len(self._header)]
            found = _shape(header)
            if found is None:
                self._header = header
                return
            position += found[0] - len(self._header)
            self._header = b""
            self._payload_left = found[1]


_LONGEST = 14


def _shape(header: bytes) -> tuple[int, int] | None:
    """How long a frame's header and its payload are, or None while the header is incomplete."""
    if len(header) < 2:
        return None
    masked, short = header[1] & 0x80, header[1] & 0x7F
    extended = {126: 2, 127: 8}.get(short, 0)
    length = 2 + extended + (4 if masked else 0)
    if len(header) < length:
        return None
    return length, int.from_bytes(header[2 : 2 + extended], "big") if extended else short


def close_frame(code: int) -> bytes:
    """A server's close frame with a status code (RFC 6455 7.4): 1001 going away, 1008 policy."""
    return b"\x88\x02" + code.to_bytes(2, "big")
