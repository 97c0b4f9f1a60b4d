"""How a token is written: a prefix that people and scanners of secrets know, 256 random bits, and a checksum that tells a typo.

Only a hash of it is kept. The bits are random, so a fast hash is as good as a slow one: there is nothing to guess.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import zlib

PREFIX = "gwt_"
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_RANDOM = 43  # digits: 62**43 is a little more than 2**256
_CHECK = 6  # digits: 62**6 is more than 2**32
_FORM = re.compile(rf"{PREFIX}[0-9A-Za-z]{{{_RANDOM + _CHECK}}}\Z")
_ID = 12


def new_token() -> str:
    """A fresh token. No character of it ends a word, so a double click takes all of it."""
    random = "".join(secrets.choice(_DIGITS) for _ in range(_RANDOM))
    return f"{PREFIX}{random}{_checksum(random)}"


def is_token(text: str) -> bool:
    """True if the gateway may have issued it: the form and the checksum fit. Whether it did is asked of the store."""
    return _FORM.match(text) is not None and _checksum(text[len(PREFIX) : -_CHECK]) == text[-_CHECK:]


def digest_of(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def id_of(digest: str) -> str:
    """What people call it: enough of the hash to tell it from every other, too little to find anything by."""
    return digest[:_ID]


def _checksum(text: str) -> str:
    number, digits = zlib.crc32(f"{PREFIX}{text}".encode("ascii")), ""
    for _ in range(_CHECK):
        number, digit = divmod(number, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    return digits
