"""A chunked response body: unpacked strictly (RFC 9112 7.1), however the bytes are split."""

from __future__ import annotations

import re

from gateway.proxy.client.body import MAX_CHUNK_LINE, MAX_TRAILER_FIELDS, MAX_TRAILERS
from gateway.proxy.fields import RawHeaders
from gateway.proxy.upstream.head import Malformed

_SIZE_LINE = re.compile(rb"([0-9A-Fa-f]{1,15})(?:[ \t]*;[\t\x20-\x7e\x80-\xff]*)?\Z")
_TRAILER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*)\Z")


class ChunkReader:
    """Takes the bytes of a chunked body in any pieces.

    Attributes:
        done: True once the last chunk and its trailers have come.
        trailers: The fields behind the last chunk.
        rest: What came behind the end.
    """

    __slots__ = ("_held", "_left", "_trailer_bytes", "done", "rest", "trailers")

    def __init__(self) -> None:
        self._held = b""  # the beginning of a line whose end has not come
        self._left = 0  # bytes of the current chunk, with the line end behind it; -1 in the trailers
        self._trailer_bytes = 0
        self.done = False
        self.trailers: RawHeaders = []
        self.rest = b""

    def feed(self, data: bytes) -> bytes:
        """Unpack the next bytes.

        Raises:
            Malformed: Bad size, missing line end, control byte, line or trailers too long.
        """
        if self._held:
            data = self._held + data
            self._held = b""
        pieces: list[bytes] = []
        position, end = 0, len(data)
        while position < end:
            if self._left > 2:
                taken = data[position : position + self._left - 2]
                pieces.append(taken)
                self._left -= len(taken)
                position += len(taken)
                continue
            if self._left > 0:
                if data[position] != b"\r\n"[2 - self._left]:
                    raise Malformed("chunk longer than its size")
                self._left -= 1
                position += 1
                continue
            stop = data.find(b"\n", position)
            if (end if stop < 0 else stop) - position > self._line_limit():
                raise Malformed("chunk line or trailers too long")
            if stop < 0:
                self._held = data[position:]
                break
            line = data[position:stop]
            position = stop + 1
            if not line.endswith(b"\r"):
                raise Malformed("bare line feed in the body")
            self._take_line(line[:-1])
            if self.done:
                self.rest = data[position:]
                break
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _line_limit(self) -> int:
        """The longest line that may come, with the carriage return at its end."""
        return (MAX_CHUNK_LINE if self._left == 0 else MAX_TRAILERS - self._trailer_bytes) + 1

    def _take_line(self, line: bytes) -> None:
        if self._left == 0:
            size = _SIZE_LINE.match(line)
            if size is None:
                raise Malformed("bad chunk size")
            length = int(size[1], 16)
            self._left = length + 2 if length else -1
        elif line:
            field = _TRAILER.match(line)
            self._trailer_bytes += len(line) + 2
            if field is None or self._trailer_bytes > MAX_TRAILERS or len(self.trailers) >= MAX_TRAILER_FIELDS:
                raise Malformed("bad trailers")
            self.trailers.append((field[1], field[2].rstrip(b" \t")))
        else:
            self.done = True
