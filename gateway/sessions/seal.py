"""Sealed text: something the gateway hands to a browser and wants back unread, unchanged, for one purpose and for a while."""

from __future__ import annotations

import os
from datetime import UTC, datetime

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.sessions import base64url
from gateway.sessions.keys import KeyRing

_INFO = "auth-gateway sealed text"  # its own keys: sealed text never opens as a session, nor a session as sealed text
_NONCE = 12
MAX_SEALED = 16 * 1024  # characters


class Sealer:
    """Seals with the newest secret and opens with any: AES-256-GCM, the purpose bound as associated data (RFC 5116 2.1)."""

    __slots__ = ("_keys",)

    def __init__(self, keys: KeyRing) -> None:
        self._keys = tuple(AESGCM(key) for key in keys.derive(info=_INFO, salt="", length=32))

    def seal(self, text: str, *, purpose: str, expires: datetime) -> str:
        """Seal text until `expires` (whole seconds).

        Raises:
            ValueError: The text holds half a character.
        """
        plaintext = int(expires.timestamp()).to_bytes(8, "big") + text.encode("utf-8")
        nonce = os.urandom(_NONCE)
        return base64url.encode(nonce + self._keys[0].encrypt(nonce, plaintext, purpose.encode("utf-8")))

    def open(self, sealed: str, *, purpose: str, now: datetime) -> str | None:
        """The text; None if it was changed, sealed for another purpose or by another gateway, or is out of date. Never raises."""
        data = base64url.decode(sealed) if len(sealed) <= MAX_SEALED else None
        if data is None:
            return None
        for key in self._keys:
            try:
                plaintext = key.decrypt(data[:_NONCE], data[_NONCE:], purpose.encode("utf-8"))
            except (InvalidTag, ValueError):  # ValueError: too short for a nonce
                continue
            expires = datetime.fromtimestamp(int.from_bytes(plaintext[:8], "big"), UTC)
            return plaintext[8:].decode("utf-8") if now < expires else None
        return None
