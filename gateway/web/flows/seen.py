"""The proof in a link that its holder may see one flow: that of a circle in which no cookie came back, so that none can say whose it is.

It opens the flow of that one request, if it ended at the page of a circle: what is told there names no person, and the cookies that are
missing by their names alone. So whoever is handed the link learns what the one who handed it over saw, and nothing more.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING

from gateway.core.reason import Reason
from gateway.web.flows.steps import Flow

if TYPE_CHECKING:
    from gateway.web.auth.visit import Visit

_PURPOSE = "circle"
_LIFE = timedelta(minutes=15)


def seen_of(visit: Visit) -> str:
    """The proof for the request of a visit."""
    return visit.gateway.sealer.seal(visit.request_id, purpose=_PURPOSE, expires=visit.now + _LIFE)


def shown_by(visit: Visit, flows: Iterable[Flow]) -> Flow | None:
    """The flow that the link of a visit proves; None without a proof, or if the flow is not here any more."""
    code = visit.gateway.sealer.open(visit.query.get("seen", ""), purpose=_PURPOSE, now=visit.now)
    if code is None:
        return None
    return next((flow for flow in flows if flow.code == code and flow.reason is Reason.SIGN_IN_LOOP and flow.user is None), None)
