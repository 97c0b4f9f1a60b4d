"""Header fields as bytes: the shape that rooms pass around, and the one-pass checks that both plain readers rest on."""

from __future__ import annotations

import re

#: Field lines in order: name and value as they came, without white space around the value.
RawHeaders = list[tuple[bytes, bytes]]

TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")  # RFC 9110 5.6.2
_VISIBLE = bytes([*range(0x20, 0x7F), *b"\t"])


def is_plain_block(data: bytes, lines: int) -> bool:
    """True if a head of so many line ends holds nothing else but printable ASCII, spaces and tabs: one pass in C.

    What fails may still be a good head: it is then read the long way.
    """
    return data.translate(None, _VISIBLE) == b"\r\n" * lines
