"""What a failed attempt had typed, carried back to the form: which provider, and the user name, never a secret.

It travels in the address, so it is sealed; and it opens only beside the csrf cookie of the browser that typed it, so nobody can send
somebody else a form that is filled in.
"""

from __future__ import annotations

import hmac
import json
from dataclasses import dataclass
from datetime import timedelta

from gateway.web.auth.visit import Visit

PURPOSE = "filled-form"
LIFE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Filled:
    """The form that failed."""

    provider: str
    name: str | None


def seal_filled(visit: Visit, csrf_token: str, filled: Filled) -> str:
    """Seal it for the address of the sign-in page."""
    text = json.dumps([csrf_token, filled.provider, filled.name])
    return visit.gateway.sealer.seal(text, purpose=PURPOSE, expires=visit.now + LIFE)


def read_filled(visit: Visit, csrf_token: str) -> Filled | None:
    """What the address of the sign-in page says, if this browser typed it."""
    sealed = visit.query.get("filled")
    text = visit.gateway.sealer.open(sealed, purpose=PURPOSE, now=visit.now) if sealed else None
    if text is None:
        return None
    try:
        token, provider, name = json.loads(text)
    except ValueError:  # sealed by another version of this gateway
        return None
    return Filled(provider, name) if hmac.compare_digest(token, csrf_token) else None
