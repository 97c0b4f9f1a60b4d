"""Base64url without padding (RFC 7515 2), where every byte string has exactly one spelling."""

from __future__ import annotations

import binascii

_TO_URL = bytes.maketrans(b"+/", b"-_")
_FROM_URL = bytes.maketrans(b"-_+/=", b"+/!!!")  # what the other alphabet spells is foreign here, and so is padding
# By how many characters are over a multiple of four: the padding, and the last characters whose spare bits are zero.
_ENDS = ((b"", None), (b"===", b""), (b"==", b"AQgw"), (b"=", b"AEIMQUYcgkosw048"))


def encode(data: bytes) -> str:
    """Spell bytes."""
    return binascii.b2a_base64(data, newline=False).rstrip(b"=").translate(_TO_URL).decode("ascii")


def decode(text: str) -> bytes | None:
    """Read bytes back; None for padding, foreign characters, and spare bits that are not zero (RFC 4648 3.5)."""
    try:
        spelled = text.encode("ascii").translate(_FROM_URL)
        padding, last = _ENDS[len(spelled) % 4]
        if last is not None and spelled[-1] not in last:
            return None
        return binascii.a2b_base64(spelled + padding, strict_mode=True)
    except ValueError:  # binascii.Error and UnicodeError are two
        return None
