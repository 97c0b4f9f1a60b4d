"""Header fields as bytes: the shape that rooms pass around, and the one-pass checks that both plain readers rest on."""

from __future__ import annotations

import re

#: Field lines in order: name and value as they came, without white space around the value.
RawHeaders = list[tuple[bytes, bytes]]

TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")  # RFC 9110 5.6.2
_PRINTABLE = bytes([*range(0x20, 0x7F), *b"\t\r\n"])


def is_plain_block(data: bytes, lines: int) -> bool:
    """True if a head of so many line ends is printable ASCII in clean lines, with no white space around any value but one space ahead.

    Each check is one pass in C. What fails may still be a good head: it is then read the long way.
    """
    return not (
        data.count(b"\r") != lines
        or data.count(b"\n") != lines
        or data.translate(None, _PRINTABLE)
        or b":  " in data
        or b": \t" in data
        or b" \r\n" in data
        or b"\t\r\n" in data
        or data.endswith((b" ", b"\t"))
    )
