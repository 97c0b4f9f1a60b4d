"""For Python apps behind the gateway: who is signed in, from the headers that only the gateway can set.

What stands here needs nothing but Python itself. `gateway.upstream.asgi`, `.wsgi`, `.django` and `.aiohttp` go with a framework, and only they know it.
"""

from gateway.core.identity import User
from gateway.upstream.assertion import SignedAssertion
from gateway.upstream.lookup import get_session
from gateway.upstream.reader import AssertionVerifier, IdentityReader
from gateway.upstream.session import IdentityRefused, Session

__all__ = ["AssertionVerifier", "IdentityReader", "IdentityRefused", "Session", "SignedAssertion", "User", "get_session"]
