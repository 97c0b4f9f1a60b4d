"""The signed assertion, verified in the app: only the gateway can have made it, for this app and no other (RFC 7519, RFC 8725).

It needs the package `cryptography`, which is imported where the first key is read.
"""

from __future__ import annotations

import binascii
import http.client
import json
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from gateway.core.identity import User
from gateway.upstream.session import IdentityRefused, Session

_MAX = 8192  # bytes of an assertion: what a common server takes for a whole header
_MAX_KEYS = 256 * 1024
_FETCH_S = 5.0
_KEEP_S = 300.0
_NOT_AGAIN_S = 10.0  # an unknown `kid` makes nobody fetch more often
_TOKEN_CLAIMS = frozenset({"iss", "aud", "sub", "iat", "nbf", "exp", "jti"})
_TEXTS = {"name": "name", "email": "email", "picture": "image", "image": "image"}
#: Nothing came, or something else than keys.
_NO_KEYS = (OSError, http.client.HTTPException, ValueError, KeyError, TypeError, AttributeError, RecursionError)
Holds = Callable[[bytes, bytes], bool]


class SignedAssertion:
    """Verifies assertions; hand it to `IdentityReader(assertion=...)`. Made once, when the app starts; safe to share between threads.

    Keys are fetched when the first one is needed, and again for a `kid` that is not there or when they are five minutes old. Fetching
    waits for the network: an asynchronous app calls `fetch` at its start.

    Args:
        issuer: `server.public_url` of the gateway.
        audience: What the gateway calls this app: `upstreams.audience`, which is by default the upstream's name.
        keys_url: Where the gateway's keys are. Default: `/.well-known/jwks.json` at the issuer.
        header: As `headers.assertion.name`.
        algorithm: As `headers.assertion.algorithm`; no other is believed.
        leeway_s: Seconds by which clocks may differ.
        clock: Unix time.
        get: Fetches an address, for tests and for apps with ways of their own; it raises OSError where it can't.
    """

    def __init__(
        self,
        issuer: str,
        audience: str,
        *,
        keys_url: str | None = None,
        header: str = "X-Gateway-Assertion",
        algorithm: str = "EdDSA",
        leeway_s: float = 15.0,
        clock: Callable[[], float] = time.time,
        get: Callable[[str], bytes] | None = None,
    ) -> None:
        if algorithm not in _ALGORITHMS:
            raise ValueError(f"there is no algorithm {algorithm!r}; there are {', '.join(_ALGORITHMS)}")
        self.header = header
        self._issuer = issuer
        self._audience = audience
        self._url = keys_url or issuer.rstrip("/") + "/.well-known/jwks.json"
        self._algorithm = algorithm
        self._leeway_s = leeway_s
        self._clock = clock
        self._get = get or _get
        self._keys: Mapping[str, Holds] = {}
        self._fetched_at = float("-inf")
        self._lock = threading.Lock()

    def fetch(self) -> None:
        """Get the keys anew.

        Raises:
            IdentityRefused: The gateway did not give any.
        """
        self._fetched_at = time.monotonic()
        try:
            self._keys = {
                key["kid"]: _ALGORITHMS[self._algorithm](key) for key in json.loads(self._get(self._url))["keys"] if self._fits(key)
            }
        except _NO_KEYS as error:
            raise IdentityRefused(f"the gateway's keys can't be had from {self._url}: {type(error).__name__}") from None

    def verify(self, assertion: str) -> Session:
        """Who it is about.

        Raises:
            IdentityRefused: It is not the gateway's, not for this app, or not of now.
        """
        parts = assertion.split(".")
        if len(assertion) > _MAX or len(parts) != 3 or not assertion.isascii():
            raise IdentityRefused("the assertion is no signed token")
        head, claims, signature = _json(parts[0]), _json(parts[1]), _bytes(parts[2])
        if head.get("alg") != self._algorithm or "crit" in head or not isinstance(head.get("kid"), str):
            raise IdentityRefused(f"the assertion is not signed with {self._algorithm} by a key that it names")
        if not self._key(head["kid"])(signature, f"{parts[0]}.{parts[1]}".encode("ascii")):
            raise IdentityRefused("the assertion's signature does not hold")
        self._judge(claims)
        return _session(claims)

    def _fits(self, key: Mapping[str, object]) -> bool:
        return key.get("alg") == self._algorithm and key.get("use", "sig") == "sig" and isinstance(key.get("kid"), str)

    def _key(self, kid: str) -> Holds:
        with self._lock:
            age = time.monotonic() - self._fetched_at
            if age > _KEEP_S or (kid not in self._keys and age > _NOT_AGAIN_S):
                known = self._keys
                try:
                    self.fetch()
                except IdentityRefused:
                    if kid not in known:
                        raise
                    self._keys = known  # the gateway is away; what it published still holds
            found = self._keys.get(kid)
        if found is None:
            raise IdentityRefused("the assertion is signed with a key that the gateway does not publish")
        return found

    def _judge(self, claims: Mapping[str, Any]) -> None:
        now = self._clock()
        if claims.get("iss") != self._issuer:
            raise IdentityRefused("the assertion is of another gateway: is `issuer` its server.public_url?")
        if claims.get("aud") != self._audience:
            raise IdentityRefused("the assertion is for another app: is `audience` what the gateway calls this one?")
        issued, begins, ends = (_time(claims, name) for name in ("iat", "nbf", "exp"))
        if now >= ends + self._leeway_s or now < max(issued, begins) - self._leeway_s:
            raise IdentityRefused("the assertion is too old, or from the future: are the clocks right?")


def _time(claims: Mapping[str, Any], name: str) -> int:
    at = claims.get(name)
    if type(at) is not int:  # JSON's true is an int to isinstance
        raise IdentityRefused("the assertion does not say from when until when it holds")
    return at


def _session(claims: Mapping[str, Any]) -> Session:
    if not isinstance(claims.get("sub"), str) or not claims["sub"]:
        raise IdentityRefused("the assertion is about nobody")
    known: dict[str, Any] = {}
    for name, field in _TEXTS.items():
        if isinstance(claims.get(name), str):
            known[field] = claims[name]
    for name in ("roles", "groups"):
        values = claims.get(name, [])
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise IdentityRefused(f"the assertion's {name} are no list of texts")
        known[name] = tuple(values)
    further = {name: value for name, value in claims.items() if name not in _TOKEN_CLAIMS and name not in known and name not in _TEXTS}
    return Session(user=User(id=claims["sub"], claims=MappingProxyType(further), **known))


def _bytes(text: str) -> bytes:
    spelled = text.encode("ascii").translate(bytes.maketrans(b"-_+/", b"+/!!"))
    spelled += b"=" * (-len(spelled) % 4)
    try:
        data = binascii.a2b_base64(spelled)
    except binascii.Error:
        data = b""
    if binascii.b2a_base64(data, newline=False) != spelled or text.endswith("="):
        raise IdentityRefused("the assertion is no base64url")
    return data


def _json(text: str) -> dict[str, Any]:
    try:
        value = json.loads(_bytes(text))
    except (ValueError, RecursionError):
        raise IdentityRefused("the assertion is no JSON") from None
    if not isinstance(value, dict):
        raise IdentityRefused("the assertion is no JSON object")
    return value


def _get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=_FETCH_S) as answer:  # noqa: S310  # an address of the app's own configuration
        data: bytes = answer.read(_MAX_KEYS)
    return data


def _ed25519(key: Mapping[str, str]) -> Holds:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    public = Ed25519PublicKey.from_public_bytes(_bytes(key["x"]))

    def holds(signature: bytes, data: bytes) -> bool:
        try:
            public.verify(signature, data)
        except InvalidSignature:
            return False
        return True

    return holds


def _p256(key: Mapping[str, str]) -> Holds:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import ec, utils
    from cryptography.hazmat.primitives.hashes import SHA256

    x, y = (int.from_bytes(_bytes(key[name]), "big") for name in ("x", "y"))
    public = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()

    def holds(signature: bytes, data: bytes) -> bool:
        if len(signature) != 64:  # RFC 7518 3.4: both numbers, 32 bytes each
            return False
        r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
        try:
            public.verify(utils.encode_dss_signature(r, s), data, ec.ECDSA(SHA256()))
        except InvalidSignature:
            return False
        return True

    return holds


_ALGORITHMS: Mapping[str, Callable[[Mapping[str, str]], Holds]] = {"EdDSA": _ed25519, "ES256": _p256}
