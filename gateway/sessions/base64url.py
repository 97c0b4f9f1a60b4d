"""Base64url without padding (RFC 7515 2), where every byte string has exactly one spelling."""

from __future__ import annotations

import base64
import binascii


def encode(data: bytes) -> str:
    """Spell bytes."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def decode(text: str) -> bytes | None:
    """Read bytes back; None for padding, foreign characters, and spare bits that are not zero (RFC 4648 3.5)."""
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return None
    # Python's decoder skips what it does not know, so the proof is that the same text comes out again.
    return data if encode(data) == text else None
