"""The session token: a compact JWE as Auth.js makes it (RFC 7516; `dir` with A256CBC-HS512 in v5, with A256GCM in v4).

What this file decides: which tokens open. A token's header is compared as text with the few headers that a key of ours can have,
before any other part is looked at. So there is no algorithm to choose, and `zip`, `crit`, `p2c`, `jku`, `jwk`, `x5u`, `cty` or any
unknown member have nowhere to be (RFC 8725 3.1, 3.2; CVE-2024-28102). What the claims mean is left to `codec.py`.
"""

from __future__ import annotations

import enum
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic_core import from_json

from gateway.sessions import base64url
from gateway.sessions.ciphers import Opener
from gateway.sessions.errors import SessionUnwritable
from gateway.sessions.flavour import AUTHJS_V5, Flavour
from gateway.sessions.keys import KeyRing

MAX_TOKEN = 4 * 3936  # characters: what four cookies hold
ID_LENGTH = 64  # characters of an id in the place of a token
MAX_DEPTH = 16  # of lists and objects within each other


class Fault(enum.StrEnum):
    """Why a token did not open; for `gateway session decode`, never for a client."""

    SIZE = "it is longer than any token of this gateway"
    FORM = "it is not five base64url parts with an empty second one"
    HEADER = "its header is not one that a secret of this gateway writes"
    SEAL = "it was changed, or made with another secret"
    PAYLOAD = "its content is no plain JSON object"


@dataclass(frozen=True, slots=True)
class Opened:
    """A token that opened; `secret` counts from 0, the newest."""

    claims: dict[str, object]
    secret: int


class TokenCodec:
    """Seals and opens tokens for one cookie name. Keys are derived once, here.

    Args:
        keys: The first secret seals. In v5 a token opens with the secret that its `kid` names, and without one only with the first; v4
            tokens name none, so each secret is tried.
        salt: What the keys are bound to (`Flavour.salt`): in v5 the name of the session cookie, prefix included.
        flavour: Whose tokens.
    """

    __slots__ = ("_header", "_openers", "_sealer")

    def __init__(self, keys: KeyRing, salt: str, *, flavour: Flavour = AUTHJS_V5) -> None:
        info = flavour.info(salt)
        self._openers: dict[str, list[tuple[int, Opener]]] = {}
        for kind in flavour.opens:
            for index, key in enumerate(keys.derive(info=info, salt=salt, length=kind.KEY_BYTES)):
                opener = (index, kind(key))
                if index == 0 or not flavour.named_keys:
                    self._openers.setdefault(_header(kind.ENC), []).append(opener)
                if flavour.named_keys:
                    self._openers.setdefault(_header(kind.ENC, thumbprint(key)), [opener])
        newest = keys.derive(info=info, salt=salt, length=flavour.seals.KEY_BYTES)[0]
        self._header = _header(flavour.seals.ENC, thumbprint(newest) if flavour.named_keys else None)
        self._sealer = flavour.seals(newest)

    def seal(self, claims: Mapping[str, object]) -> str:
        """Make a token.

        Raises:
            SessionUnwritable: The claims are not JSON, or are nested deeper than a reader would take.
        """
        try:
            payload = json.dumps(dict(claims), ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode("utf-8")
        except (TypeError, ValueError, RecursionError):
            # Not `from error`: its text may quote a claim.
            raise SessionUnwritable("a claim is no JSON value, not finite, or holds half a character") from None
        if _deeper(json.loads(payload), MAX_DEPTH):
            raise SessionUnwritable(f"the claims are nested deeper than {MAX_DEPTH} levels")
        parts = self._sealer.seal(payload, aad=self._header.encode("ascii"))
        return ".".join((self._header, "", *(base64url.encode(part) for part in parts)))

    def open(self, token: str) -> dict[str, object] | None:
        """The claims, or None if the token is not one that a secret of ours sealed. Ages are not looked at."""
        opened = self.examine(token)
        return opened.claims if isinstance(opened, Opened) else None

    def examine(self, token: str) -> Opened | Fault:
        """As `open`, but says which secret it was, or what is wrong. Never raises."""
        if len(token) > MAX_TOKEN:
            return Fault.SIZE
        parts = token.split(".")
        if len(parts) != 5 or parts[1]:
            return Fault.FORM
        known = self._openers.get(parts[0])
        if known is None:
            return Fault.HEADER
        iv, ciphertext, tag = base64url.decode(parts[2]), base64url.decode(parts[3]), base64url.decode(parts[4])
        if iv is None or ciphertext is None or tag is None:
            return Fault.FORM
        for secret, opener in known:
            plaintext = opener.open(iv, ciphertext, tag, aad=parts[0].encode("ascii"))
            if plaintext is not None:
                claims = _claims(plaintext)
                return Fault.PAYLOAD if claims is None else Opened(claims, secret)
        return Fault.SEAL


def looks_like_an_id(value: str) -> bool:
    """True for what a cookie holds in the place of a token where sessions live in a store, as far as that can be said without the secrets."""
    return len(value) == ID_LENGTH and base64url.decode(value) is not None


def thumbprint(key: bytes) -> str:
    """The `kid` of a key: base64url of its RFC 7638 thumbprint with SHA-512, as Auth.js v5 takes it."""
    jwk = json.dumps({"k": base64url.encode(key), "kty": "oct"}, separators=(",", ":"))
    return base64url.encode(hashlib.sha512(jwk.encode("ascii")).digest())


def _header(enc: str, kid: str | None = None) -> str:
    header = {"alg": "dir", "enc": enc} | ({"kid": kid} if kid else {})
    return base64url.encode(json.dumps(header, separators=(",", ":")).encode("ascii"))


def _claims(plaintext: bytes) -> dict[str, object] | None:
    try:
        claims = from_json(plaintext, allow_inf_nan=False)  # refuses half a character, which no page and no header could carry
        # With so few brackets in all it can't be deep.
        shallow = plaintext.count(b"{") + plaintext.count(b"[") <= MAX_DEPTH
        if not isinstance(claims, dict) or (not shallow and _deeper(claims, MAX_DEPTH)):
            return None
    except ValueError:
        return None
    return claims


def _deeper(value: object, limit: int) -> bool:
    if isinstance(value, dict):
        return limit == 0 or any(_deeper(item, limit - 1) for item in value.values())
    if isinstance(value, list):
        return limit == 0 or any(_deeper(item, limit - 1) for item in value)
    return False
