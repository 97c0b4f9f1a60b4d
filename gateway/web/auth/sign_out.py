"""`GET signout` asks, `POST signout` does it: the sign-in is over for all its tokens, and where the next one would have gone is forgotten."""

from __future__ import annotations

import logging

from aiohttp import web

from gateway.core.reason import Reason
from gateway.core.return_to import Destination, ReturnTo
from gateway.sessions.codec import claims_of
from gateway.web.auth import return_target
from gateway.web.auth.carried_sessions import end_carried
from gateway.web.auth.kept_form import forget_kept
from gateway.web.auth.posted import Refused, read_post
from gateway.web.auth.reply import custom_page, fail, go_to, refuse
from gateway.web.auth.trail import forget_trail
from gateway.web.auth.visit import Visit
from gateway.web.auth.visitor import visitor_of
from gateway.web.log import event
from gateway.web.pages import page

log = logging.getLogger(__name__)
_CONFIGURED = "redirects.after_sign_out"


async def sign_out_page(request: web.Request, visit: Visit) -> web.StreamResponse:
    """Ask: a link alone never signs anybody out."""
    csrf_token = visit.csrf_token()
    visit.clear_bad_session()
    custom = custom_page(visit, "signout")
    if custom is not None:
        return go_to(request, visit, custom, None)
    judged = return_target.judge(visit, visit.query.get("callbackUrl"))
    return page(
        request,
        "sign_out.html",
        host=visit.facts.host,
        visitor=visitor_of(visit.session),
        csrf_token=csrf_token,
        callback_url=judged.location if judged.refused is None else None,
        home=visit.gateway.settings.redirects.after_sign_in,
        listed=visit.gateway.sign_ins is not None,
    )


async def sign_out(request: web.Request, visit: Visit) -> web.StreamResponse:
    """Do it; without a session the answer is the same. A 503 if the session lives in a store that can't be asked, and was not read before."""
    posted = await read_post(request, visit)
    visit.trace.read(None, posted.reason if isinstance(posted, Refused) else None)
    if isinstance(posted, Refused):
        event(log, "sign-out-refused", reason=posted.reason, client=visit.facts.client, request=visit.request_id)
        return fail(request, visit, posted.reason, posted.status)
    fits = visit.csrf_holds(posted)
    visit.trace.csrf(fits)
    if not fits:
        event(log, "sign-out-refused", reason=Reason.CSRF_MISMATCH, client=visit.facts.client, request=visit.request_id)
        return refuse(request, visit, visit.flavour.missing_csrf["signout"], Reason.CSRF_MISMATCH)
    gateway = visit.gateway
    ended = await end_carried(visit)
    if ended.unknown:
        # Nobody here knows which sign-in it is. That it is over must not be said: a copy of the id would open it when the store is back.
        why = Reason.SESSION_STORE_UNAVAILABLE
        event(log, "sign-out-unavailable", level=logging.ERROR, reason=why, client=visit.facts.client, request=visit.request_id)
        return fail(request, visit, why, 503, headers={"Retry-After": "5"})
    session = next(iter(ended.sessions), None)
    visit.trace.signed_out(session)
    visit.forget_callback_url()
    visit.lines.extend((*gateway.sessions.clear(), *ended.lines))
    forget_trail(visit)
    forget_kept(visit)
    asked = posted.get("callbackUrl") or visit.query.get("callbackUrl")
    chosen = await return_target.redirected(visit, asked) if asked else asked
    judged = return_target.judge(visit, chosen, default=gateway.settings.redirects.after_sign_out)
    visit.trace.destination(
        _destination("callbackUrl in the body" if posted.get("callbackUrl") else "callbackUrl in the query", asked, judged)
    )
    for one in ended.sessions:
        await gateway.callbacks.tell("on_sign_out", token=claims_of(one))
    event(
        log,
        "sign-out",
        reason=Reason.SIGNED_OUT,
        user=session.user.id if session is not None else None,
        further=len(ended.sessions) - 1 if len(ended.sessions) > 1 else None,
        client=visit.facts.client,
        target_refused=judged.refused if asked else None,
        request=visit.request_id,
    )
    return go_to(request, visit, judged.location, Reason.SIGNED_OUT)


def _destination(source: str, asked: str | None, judged: ReturnTo) -> Destination:
    """The same in the words of a sign-in, for whoever wonders why it ended there."""
    if judged.refused is None:
        return Destination(location=judged.location, won=source, behind=(_CONFIGURED,))
    return Destination(location=judged.location, won=_CONFIGURED, lost=((source, judged.refused),) if asked else ())
