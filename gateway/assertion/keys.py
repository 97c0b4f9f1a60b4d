"""The keys that assertions are signed with: made of the lines of a file, newest first. The first signs; all are published.

A line is a secret as `gateway keys new` makes it, and each algorithm derives its own key of it (HKDF, RFC 5869), so the tools for the file
of session secrets serve for this one, too.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.core.errors import ConfigError
from gateway.sessions import base64url, key_file
from gateway.sessions.keys import new_secret, problems_of

Algorithm = Literal["EdDSA", "ES256"]
SETTING = "headers.assertion.keys_file"
_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # SP 800-186 3.2.1.3


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One key.

    Attributes:
        kid: Its thumbprint (RFC 7638).
        jwk: The public half, as it is published (RFC 7517).
        sign: Signs bytes.
    """

    kid: str
    algorithm: Algorithm
    jwk: Mapping[str, str]
    sign: Callable[[bytes], bytes] = field(repr=False)

    @classmethod
    def of(cls, secret: str, algorithm: Algorithm) -> SigningKey:
        """The key that a line of the file stands for."""
        public, sign = _MAKERS[algorithm](secret)
        kid = base64url.encode(hashlib.sha256(json.dumps(public, sort_keys=True, separators=(",", ":")).encode()).digest())
        return cls(kid, algorithm, {**public, "kid": kid, "alg": algorithm, "use": "sig"}, sign)


def load_or_make(file: Path, algorithm: Algorithm) -> tuple[SigningKey, ...]:
    """The keys of a file, which is made, readable by its owner only, if it is missing.

    Raises:
        ConfigError: It can't be read or made, or a line is no secret.
    """
    try:
        key_file.make(file, new_secret())
    except ConfigError as error:
        raise _renamed(error) from error
    return load(file, algorithm)


def load(file: Path, algorithm: Algorithm) -> tuple[SigningKey, ...]:
    """The keys of a file that is there.

    Raises:
        ConfigError: It is not, or can't be read, or a line is no secret.
    """
    try:
        lines = key_file.read(file).secrets
    except ConfigError as error:
        raise _renamed(error) from error
    if problems := problems_of(lines, file=str(file)):
        raise _renamed(ConfigError(problems))
    return tuple(SigningKey.of(line, algorithm) for line in lines)


def _renamed(error: ConfigError) -> ConfigError:
    return ConfigError([replace(problem, key=SETTING) for problem in error.problems])


def jwks(keys: Iterable[SigningKey]) -> bytes:
    """What `/.well-known/jwks.json` says."""
    return json.dumps({"keys": [dict(key.jwk) for key in keys]}, separators=(",", ":")).encode()


def _derived(secret: str, purpose: str, length: int) -> bytes:
    return HKDF(hashes.SHA256(), length, salt=None, info=f"auth-gateway assertion {purpose}".encode()).derive(secret.encode())


def _ed25519(secret: str) -> tuple[dict[str, str], Callable[[bytes], bytes]]:
    key = Ed25519PrivateKey.from_private_bytes(_derived(secret, "EdDSA", 32))
    raw = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return {"kty": "OKP", "crv": "Ed25519", "x": base64url.encode(raw)}, key.sign


def _p256(secret: str) -> tuple[dict[str, str], Callable[[bytes], bytes]]:
    # More bits than the order has, so that no number is likelier than another (FIPS 186-5 A.2.1).
    number = int.from_bytes(_derived(secret, "ES256", 48), "big") % (_P256_ORDER - 1) + 1
    key = ec.derive_private_key(number, ec.SECP256R1())
    point = key.public_key().public_numbers()

    def sign(data: bytes) -> bytes:
        first, second = decode_dss_signature(key.sign(data, ec.ECDSA(hashes.SHA256())))
        return first.to_bytes(32, "big") + second.to_bytes(32, "big")  # RFC 7518 3.4

    spelt = {name: base64url.encode(value.to_bytes(32, "big")) for name, value in (("x", point.x), ("y", point.y))}
    return {"kty": "EC", "crv": "P-256", **spelt}, sign


_MAKERS: Mapping[Algorithm, Callable[[str], tuple[dict[str, str], Callable[[bytes], bytes]]]] = {"EdDSA": _ed25519, "ES256": _p256}
