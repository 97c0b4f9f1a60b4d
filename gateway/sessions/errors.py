"""What can go wrong when a session is written. Reading one never raises: a bad cookie is the same as none.

GatewayError
  SessionUnwritable            500: a provider or callback handed out claims that are not JSON
    SessionTooLarge            the sign-in is refused, by name: browsers would drop the cookies
"""

from __future__ import annotations

from gateway.core.errors import GatewayError


class SessionUnwritable(GatewayError):
    """The claims can't be put in a token; the message names what is wrong, never a value."""


class SessionTooLarge(SessionUnwritable):
    """The token needs more cookies than are allowed; `size` and `limit` are in characters of the token."""

    def __init__(self, *, size: int, limit: int) -> None:
        self.size = size
        self.limit = limit
        super().__init__(
            f"the session token has {size} characters, and {limit} fit in its cookies: the user has too many or too long claims"
        )
