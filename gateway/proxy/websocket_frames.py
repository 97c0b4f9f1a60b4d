"""Just enough of RFC 6455 5.2 to know where one frame ends and the next may begin. Payloads pass through unread."""

from __future__ import annotations


class FrameBoundary:
    """Follows the frames that a server sends, so that a close frame of ours can be put between two of them."""

    __slots__ = ("_header", "_payload_left")

    def __init__(self) -> None:
        self._header = bytearray()
        self._payload_left = 0

    @property
    def between_frames(self) -> bool:
        """True if a frame of ours may be sent now."""
        return not self._payload_left and not self._header

    def feed(self, data: bytes) -> None:
        """Follow the bytes that were sent."""
        position = 0
        while position < len(data):
            if self._payload_left:
                taken = min(self._payload_left, len(data) - position)
                self._payload_left -= taken
                position += taken
                continue
            self._header.append(data[position])
            position += 1
            length = _payload_length(self._header)
            if length is not None:
                self._payload_left = length
                self._header.clear()


def _payload_length(header: bytearray) -> int | None:
    """The length of the payload behind a frame header, or None while the header is incomplete."""
    if len(header) < 2:
        return None
    masked, short = header[1] & 0x80, header[1] & 0x7F
    extended = {126: 2, 127: 8}.get(short, 0)
    if len(header) < 2 + extended + (4 if masked else 0):
        return None
    return int.from_bytes(header[2 : 2 + extended], "big") if extended else short


def close_frame(code: int) -> bytes:
    """A server's close frame with a status code (RFC 6455 7.4): 1001 going away, 1008 policy."""
    return b"\x88\x02" + code.to_bytes(2, "big")
