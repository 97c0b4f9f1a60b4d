"""What an app gets to know (`Session`), and the one way in which it can go wrong (`IdentityRefused`)."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.core.errors import GatewayError
from gateway.core.identity import User


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Somebody who is signed in at the gateway.

    Attributes:
        user: Who. What the gateway's headers do not tell is None or empty; further headers are in `user.claims`.
        provider: The id of the provider that said yes, if a header tells it.
    """

    user: User
    provider: str = ""


class IdentityRefused(GatewayError):
    """A request says who sends it, and not as the gateway says it. The message tells why, and repeats no value."""
