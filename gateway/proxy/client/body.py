"""Where a request body ends: counted for a length, walked strictly for chunks (RFC 9112 6, 7.1)."""

from __future__ import annotations

import re
from typing import Protocol

from gateway.core.reason import Reason
from gateway.proxy.client.head import ClientHead, Refusal

MAX_CHUNK_LINE = 4 * 1024
MAX_TRAILERS = 8 * 1024
MAX_TRAILER_FIELDS = 16

_CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,15})(?:[ \t]*;[\t\x20-\x7e\x80-\xff]*)?\Z")
_TRAILER = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*\Z")


class BodyFraming(Protocol):
    """Finds the end of one body in a stream of bytes.

    Attributes:
        done: The end was reached.
        hidden: How many of the bytes taken last, at their end, are trailers. No lane sees them: parsers read framing into them.
        ending: What a lane gets in their place once the end was reached.
    """

    done: bool
    hidden: int
    ending: bytes

    def feed(self, data: bytes) -> int | Refusal:
        """Take what belongs to the body; returns how many bytes that is, all of them unless `done` turns true."""


class LengthFraming:
    """A body of a known length."""

    def __init__(self, length: int) -> None:
        self._left = length
        self.done = length == 0
        self.hidden = 0
        self.ending = b""

    def feed(self, data: bytes) -> int | Refusal:
        """See `BodyFraming.feed`."""
        taken = min(self._left, len(data))
        self._left -= taken
        self.done = self._left == 0
        return taken


class ChunkedFraming:
    """A chunked body. Lines may come in pieces, so an unfinished one is kept until its end has come."""

    def __init__(self) -> None:
        self.done = False
        self.hidden = 0
        self.ending = b"\r\n"
        self._line = bytearray()
        self._left = 0  # bytes of the current chunk's data and the line end behind it
        self._in_trailers = False
        self._trailer_bytes = 0
        self._trailer_fields = 0

    def feed(self, data: bytes) -> int | Refusal:
        """See `BodyFraming.feed`; refuses bad sizes, bare line feeds, long lines and too many trailers."""
        position = self.hidden = 0
        while position < len(data) and not self.done:
            if self._left > 2:
                taken = min(self._left - 2, len(data) - position)
                self._left -= taken
                position += taken
                continue
            if self._left:
                if data[position] != b"\r\n"[2 - self._left]:
                    return Refusal(Reason.FRAMING_AMBIGUOUS, 400)
                self._left -= 1
                position += 1
                continue
            end = data.find(b"\n", position)
            stop = len(data) if end < 0 else end + 1
            self._line += data[position:stop]
            self.hidden += stop - position if self._in_trailers else 0
            position = stop
            limit = MAX_TRAILERS if self._in_trailers else MAX_CHUNK_LINE
            if len(self._line) > limit + 2:
                return Refusal(Reason.FRAMING_AMBIGUOUS, 400)
            if end >= 0 and (refusal := self._finish_line()) is not None:
                return refusal
        return position

    def _finish_line(self) -> Refusal | None:
        line = bytes(self._line)
        self._line.clear()
        if not line.endswith(b"\r\n"):
            return Refusal(Reason.FRAMING_AMBIGUOUS, 400)
        line = line[:-2]
        if self._in_trailers:
            return self._finish_trailer(line)
        size = _CHUNK_LINE.match(line)
        if size is None:
            return Refusal(Reason.FRAMING_AMBIGUOUS, 400)
        length = int(size[1], 16)
        self._in_trailers = length == 0
        self._left = length + 2 if length else 0
        return None

    def _finish_trailer(self, line: bytes) -> Refusal | None:
        if not line:
            self.done = True
            return None
        self._trailer_bytes += len(line) + 2
        self._trailer_fields += 1
        if self._trailer_bytes > MAX_TRAILERS or self._trailer_fields > MAX_TRAILER_FIELDS or not _TRAILER.match(line):
            return Refusal(Reason.FRAMING_AMBIGUOUS, 400)
        return None


def framing_of(head: ClientHead) -> BodyFraming:
    """The framing that a head announces."""
    return ChunkedFraming() if head.chunked else LengthFraming(head.length or 0)
