"""From a decision that ends here to an answer, and the last words for whatever goes wrong on the way."""

from __future__ import annotations

import logging
import traceback
from typing import assert_never

from aiohttp import web

from gateway.core.decision import Deny, Redirect
from gateway.core.reason import Reason
from gateway.web.flows.notes import note_end
from gateway.web.log import event
from gateway.web.pages import error_page
from gateway.web.state import FACTS, REQUEST_ID

log = logging.getLogger(__name__)


def answer(request: web.BaseRequest, decision: Redirect | Deny) -> web.StreamResponse:
    """Make a redirect to the sign-in page, or an error page, of the decision; one line in the log says why."""
    facts = request[FACTS]
    event(
        log,
        "denied" if isinstance(decision, Deny) else "sign-in-asked",
        reason=decision.reason,
        status=decision.status,
        route=decision.route.name if decision.route else None,
        method=facts.method,
        host=facts.host,
        path=facts.target.path,
        client=facts.client,
        request=request[REQUEST_ID],
    )
    match decision:
        case Redirect():
            response = web.Response(
                status=decision.status,
                headers={"Location": decision.location, "Cache-Control": "no-store", "X-Gateway-Reason": decision.reason},
            )
            note_end(request, response, decision.reason, location=decision.location)
            return response
        case Deny():
            headers = {"Retry-After": "1"} if decision.status == 503 else {}
            response = error_page(request, decision.reason, decision.status, headers=headers)
            for name, value in decision.headers:
                response.headers.add(name, value)
            return response
        case _:
            assert_never(decision)


def unexpected(request: web.BaseRequest, error: Exception) -> web.StreamResponse:
    """A fault of ours: 500, with where it happened in the log, and without the exception's text, which may hold request data."""
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    where = " < ".join(f"{frame.filename.rpartition('/')[2]}:{frame.lineno}:{frame.name}" for frame in reversed(frames))
    event(log, "internal-error", level=logging.ERROR, error=type(error).__name__, where=where, request=request.get(REQUEST_ID))
    return error_page(request, Reason.INTERNAL_ERROR, 500)
