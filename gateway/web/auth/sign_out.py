"""`GET signout` asks, `POST signout` does it: the session cookies are cleared, and so is where the next sign-in would have gone."""

from __future__ import annotations

import logging

from aiohttp import web

from gateway.core.reason import Reason
from gateway.web.auth import return_target
from gateway.web.auth.messages import MISSING_CSRF
from gateway.web.auth.posted import Refused, read_post
from gateway.web.auth.reply import fail, go_to, to_sign_in_page
from gateway.web.auth.visit import Visit
from gateway.web.auth.visitor import visitor_of
from gateway.web.log import event
from gateway.web.pages import page

log = logging.getLogger(__name__)


async def sign_out_page(request: web.Request, visit: Visit) -> web.StreamResponse:
    """Ask: a link alone never signs anybody out."""
    visit.clear_bad_session()
    judged = return_target.judge(visit, visit.query.get("callbackUrl"))
    return page(
        request,
        "sign_out.html",
        host=visit.facts.host,
        visitor=visitor_of(visit.session),
        csrf_token=visit.csrf_token(),
        callback_url=judged.location if judged.refused is None else None,
        home=visit.gateway.settings.redirects.after_sign_in,
    )


async def sign_out(request: web.Request, visit: Visit) -> web.StreamResponse:
    """Do it; without a session the answer is the same."""
    posted = await read_post(request, visit)
    if isinstance(posted, Refused):
        event(log, "sign-out-refused", reason=posted.reason, client=visit.facts.client, request=visit.request_id)
        return fail(request, visit, posted.reason, posted.status)
    if not visit.csrf_holds(posted):
        event(log, "sign-out-refused", reason=Reason.CSRF_MISMATCH, client=visit.facts.client, request=visit.request_id)
        return to_sign_in_page(request, visit, Reason.CSRF_MISMATCH, {"error": MISSING_CSRF})
    session = visit.session
    if session is not None:
        visit.gateway.forget(session)
    visit.forget_callback_url()
    visit.lines.extend(visit.gateway.sessions.clear())
    asked = posted.get("callbackUrl") or visit.query.get("callbackUrl")
    judged = return_target.judge(visit, asked, default=visit.gateway.settings.redirects.after_sign_out)
    event(
        log,
        "sign-out",
        reason=Reason.SIGNED_OUT,
        user=session.user.id if session else None,
        client=visit.facts.client,
        target_refused=judged.refused if asked else None,
        request=visit.request_id,
    )
    return go_to(request, visit, judged.location, Reason.SIGNED_OUT)
