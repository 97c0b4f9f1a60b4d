"""Base64url without padding (RFC 7515 2), where every byte string has exactly one spelling."""

from __future__ import annotations

import binascii

_TO_URL = bytes.maketrans(b"+/", b"-_")
_FROM_URL = bytes.maketrans(b"-_+/", b"+/!!")  # what the other alphabet spells is foreign here
_PADDING = (b"", b"===", b"==", b"=")


def encode(data: bytes) -> str:
    """Spell bytes."""
    return binascii.b2a_base64(data, newline=False).rstrip(b"=").translate(_TO_URL).decode("ascii")


def decode(text: str) -> bytes | None:
    """Read bytes back; None for padding, foreign characters, and spare bits that are not zero (RFC 4648 3.5)."""
    try:
        spelled = text.encode("ascii").translate(_FROM_URL)
        spelled += _PADDING[len(spelled) % 4]
        data = binascii.a2b_base64(spelled)
    except ValueError:  # binascii.Error and UnicodeError are two
        return None
    # Python's decoder skips what it does not know, so the proof is that the same text comes out again.
    return data if binascii.b2a_base64(data, newline=False) == spelled and not text.endswith("=") else None
