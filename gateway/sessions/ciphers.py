"""The two content encryptions of Auth.js tokens, by hand over `cryptography`: A256CBC-HS512 (v5) and A256GCM (v4; v5 reads it).

Nonces and IVs are random. A tag is compared in constant time, and nothing is decrypted before it held (RFC 7518 5.2.2.2).
"""

from __future__ import annotations

import hmac
import os
from typing import ClassVar, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import ciphers, hashes
from cryptography.hazmat.primitives.ciphers import algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hmac import HMAC

_BLOCK = 16


class Opener(Protocol):
    """What can decrypt the content of a token; a repr never shows the key, as none is defined."""

    ENC: ClassVar[str]
    KEY_BYTES: ClassVar[int]

    def __init__(self, key: bytes) -> None: ...

    def open(self, iv: bytes, ciphertext: bytes, tag: bytes, *, aad: bytes) -> bytes | None:
        """The plaintext, or None if anything was changed."""


class Cipher(Opener, Protocol):
    """What can encrypt it as well."""

    def seal(self, plaintext: bytes, *, aad: bytes) -> tuple[bytes, bytes, bytes]:
        """Encrypt; gives IV, ciphertext and tag."""


class CbcHmac512:
    """A256CBC-HS512 (RFC 7518 5.2.5): AES-256-CBC with PKCS #7 padding, then HMAC-SHA-512 cut to 32 bytes."""

    ENC: ClassVar[str] = "A256CBC-HS512"
    KEY_BYTES: ClassVar[int] = 64

    __slots__ = ("_aes", "_mac")

    def __init__(self, key: bytes) -> None:
        self._mac = HMAC(key[:32], hashes.SHA512())
        self._aes = algorithms.AES256(key[32:64])

    def seal(self, plaintext: bytes, *, aad: bytes) -> tuple[bytes, bytes, bytes]:
        """Encrypt; gives IV, ciphertext and tag."""
        iv = os.urandom(_BLOCK)
        padding = _BLOCK - len(plaintext) % _BLOCK
        encryptor = ciphers.Cipher(self._aes, modes.CBC(iv)).encryptor()
        ciphertext = encryptor.update(plaintext + bytes((padding,)) * padding) + encryptor.finalize()
        return iv, ciphertext, self._tag(iv, ciphertext, aad)

    def open(self, iv: bytes, ciphertext: bytes, tag: bytes, *, aad: bytes) -> bytes | None:
        """The plaintext, or None if anything was changed."""
        if len(iv) != _BLOCK or len(tag) != 32 or not ciphertext or len(ciphertext) % _BLOCK:
            return None
        if not hmac.compare_digest(tag, self._tag(iv, ciphertext, aad)):
            return None
        decryptor = ciphers.Cipher(self._aes, modes.CBC(iv)).decryptor()
        padded = decryptor.update(ciphertext) + decryptor.finalize()
        # Only who holds the key gets this far, so bad padding is a writer's mistake and no oracle.
        padding = padded[-1]
        if not 1 <= padding <= _BLOCK or not padded.endswith(bytes((padding,)) * padding):
            return None
        return padded[:-padding]

    def _tag(self, iv: bytes, ciphertext: bytes, aad: bytes) -> bytes:
        length = (len(aad) * 8).to_bytes(8, "big")
        mac = self._mac.copy()  # its key is worked in already
        mac.update(aad + iv + ciphertext + length)
        return mac.finalize()[:32]


class Gcm256:
    """A256GCM (RFC 7518 5.3), with its 96-bit IV and 128-bit tag and no other length."""

    ENC: ClassVar[str] = "A256GCM"
    KEY_BYTES: ClassVar[int] = 32

    __slots__ = ("_aead",)

    def __init__(self, key: bytes) -> None:
        self._aead = AESGCM(key)

    def seal(self, plaintext: bytes, *, aad: bytes) -> tuple[bytes, bytes, bytes]:
        """Encrypt; gives IV, ciphertext and tag. Random IVs are good for 2^32 tokens of one secret (NIST SP 800-38D 8.3)."""
        iv = os.urandom(12)
        sealed = self._aead.encrypt(iv, plaintext, aad)
        return iv, sealed[:-_BLOCK], sealed[-_BLOCK:]

    def open(self, iv: bytes, ciphertext: bytes, tag: bytes, *, aad: bytes) -> bytes | None:
        """The plaintext, or None if anything was changed."""
        if len(iv) != 12 or len(tag) != 16:
            return None
        try:
            return self._aead.decrypt(iv, ciphertext + tag, aad)
        except InvalidTag:
            return None
