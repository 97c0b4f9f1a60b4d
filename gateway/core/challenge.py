"""`WWW-Authenticate`: how a client that got a 401 may say who it is (RFC 9110 11.6.1). One line for each scheme that the route takes."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from gateway.core.credentials import Means
from gateway.core.decision import Header
from gateway.core.facts import RequestFacts
from gateway.core.reason import Reason
from gateway.core.routes import Route
from gateway.core.wants import FETCH_MODE

_NAME = "WWW-Authenticate"
#: What RFC 6750 3.1 calls them. Where nothing was shown, it wants no error code.
_ERRORS: Mapping[Reason, str] = MappingProxyType(
    {
        **dict.fromkeys(
            (
                Reason.AUTHORIZATION_MALFORMED,
                Reason.TOKEN_MALFORMED,
                Reason.TOKEN_UNKNOWN,
                Reason.TOKEN_EXPIRED,
                Reason.TOKEN_REVOKED,
                Reason.TOKEN_USER_MISSING,
            ),
            "invalid_token",
        ),
        Reason.SCOPE_MISSING: "insufficient_scope",
    }
)


def challenges(facts: RequestFacts, route: Route, reason: Reason) -> tuple[Header, ...]:
    """The lines for a 401, and for the 403 of a token that does not reach so far.

    A browser answers a challenge of `Basic` with a dialog of its own, also for the `fetch()` of a page; so such a request gets none
    where a session would do.
    """
    lines: list[Header] = []
    realm = f'realm="{facts.host}"'  # one of our hosts, or there would be no route
    if Means.BEARER in route.accepts:
        error = f', error="{_ERRORS[reason]}", error_description="{reason}"' if reason in _ERRORS else ""
        lines.append((_NAME, f"Bearer {realm}{error}"))
    by_script = facts.wants_by == FETCH_MODE and Means.SESSION in route.accepts
    if Means.BASIC in route.accepts and not by_script and reason is not Reason.SCOPE_MISSING:
        lines.append((_NAME, f'Basic {realm}, charset="UTF-8"'))
    return tuple(lines)
