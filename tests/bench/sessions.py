"""Sessions by the thousand: tokens sealed with the secret of the measured gateway, as a sign-in would have made them.

Signing in 100,000 times would take half an hour of password hashing. That a sealed token is as good as a real one is not assumed: every
target is checked with the cookies it is measured with.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator

from gateway.sessions.keys import KeyRing
from gateway.sessions.token import TokenCodec

SECRET = "a-test-secret-that-is-long-enough-for-anybody"  # the one in tests/gateway_process.py
COOKIE = "authjs.session-token"
_AGE_S = 24 * 3600


def minted(count: int, *, prefix: str = "ada") -> Iterator[str]:
    """So many sessions of as many people, each as `name=value`; the first one is ADA's own if the prefix is hers."""
    codec = TokenCodec(KeyRing((SECRET,)), COOKIE)
    now = int(time.time())
    for number in range(count):
        name = prefix if number == 0 else f"{prefix}-{number}"
        yield f"{COOKIE}=" + codec.seal(
            {
                "name": "Ada Lovelace", "email": f"{name}@example.com", "picture": None, "sub": name, "roles": ["admin"], "groups": ["staff"],
                "provider": "credentials", "auth_time": now, "iat": now, "exp": now + _AGE_S, "jti": secrets.token_hex(16),
            }
        )  # fmt: skip
