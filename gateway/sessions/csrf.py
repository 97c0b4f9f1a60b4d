"""The double-submit token of Auth.js: the cookie holds `token|hash`, the form repeats the token, and the hash proves who made it."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets

from gateway.sessions.flavour import Flavour
from gateway.sessions.keys import KeyRing

_TOKEN = re.compile(r"[0-9a-f]{64}\Z")


class Csrf:
    """Makes and verifies csrf tokens.

    Args:
        secret: What new cookies vouch with, from `csrf_secrets`. In v5 rotating secrets makes every csrf cookie out of date, as in Auth.js: a
            form that was open then has to be loaded again.
        older: Further ones that are good on reading.
    """

    __slots__ = ("_secrets",)

    def __init__(self, secret: str, *older: str) -> None:
        self._secrets = tuple(text.encode("utf-8") for text in (secret, *older))

    def issue(self) -> tuple[str, str]:
        """A new token, and the value of the cookie that vouches for it."""
        token = secrets.token_hex(32)
        return token, f"{token}|{_hash(token, self._secrets[0])}"

    def token_of(self, cookie_value: str | None) -> str | None:
        """The token of a cookie that we made; None for any other."""
        token, _, hashed = (cookie_value or "").partition("|")
        if not _TOKEN.match(token) or not any(_same(hashed, _hash(token, secret)) for secret in self._secrets):
            return None
        return token

    def verify(self, cookie_value: str | None, posted: str | None) -> bool:
        """True if the cookie is ours and the posted token is the cookie's."""
        token = self.token_of(cookie_value)
        return token is not None and posted is not None and _same(posted, token)


def csrf_secrets(keys: KeyRing, flavour: Flavour) -> tuple[str, ...]:
    """What csrf cookies vouch with, the one for new cookies first; the arguments of `Csrf`."""
    return (",".join(keys.secrets),) if flavour.joined_secrets else keys.secrets


def _hash(token: str, secret: bytes) -> str:
    # Not an HMAC: this is what Auth.js writes. The token's fixed form leaves nothing to shift between it and the secret.
    return hashlib.sha256(token.encode("ascii") + secret).hexdigest()


def _same(one: str, other: str) -> bool:
    # compare_digest takes text only if it is ASCII; what a client sends may be anything.
    return hmac.compare_digest(one.encode("utf-8", "surrogatepass"), other.encode("utf-8", "surrogatepass"))
