"""`GET session`, and `POST session` with which a client updates it: what it may see of who is signed in (contract section 8).

Whatever goes wrong, the answer is JSON that a client understands: it takes everything else for "signed out" and says so on the page. A
callback that fails shows nobody, and leaves the cookie alone: a fault of the moment signs nobody out for good. So does an answer to the
cookie of a sign-in that is over: it may be late, and the browser may have signed in anew since; a dead cookie harms nobody.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

from aiohttp import web

from gateway.callbacks.module import CallbackFailed
from gateway.core.identity import Session
from gateway.core.reason import Reason
from gateway.sessions.codec import claims_of
from gateway.web.auth.posted import Refused, read_update
from gateway.web.auth.visit import Visit
from gateway.web.log import event
from gateway.web.pages import data
from gateway.web.renewal import Renewed, renewed

log = logging.getLogger(__name__)


async def session(request: web.Request, visit: Visit) -> web.StreamResponse:
    """`GET session`: what the client may see of the session; `null`, or `{}` in v4, without one."""
    return await _answer(request, visit)


async def update(request: web.Request, visit: Visit) -> web.StreamResponse:
    """`POST session`: the same, once the `jwt` callback has heard what the client wants of it."""
    posted = await read_update(request, visit)
    if isinstance(posted, Refused):
        event(log, "session-update-refused", reason=posted.reason, client=visit.facts.client, request=visit.request_id)
        return _nobody(request, visit, posted.reason, status=posted.status)
    if not visit.csrf_holds({"csrfToken": posted.csrf_token} if posted.csrf_token else {}):
        event(log, "session-update-refused", reason=Reason.CSRF_MISMATCH, client=visit.facts.client, request=visit.request_id)
        return _nobody(request, visit, Reason.CSRF_MISMATCH, status=400)
    return await _answer(request, visit, update=True, wanted=posted.data)


async def _answer(request: web.Request, visit: Visit, *, update: bool = False, wanted: object = None) -> web.StreamResponse:
    held = visit.session
    if held is None:
        if visit.held not in (Reason.SESSION_REVOKED, Reason.SESSION_UNKNOWN):
            visit.clear_bad_session()
        return _nobody(request, visit, visit.held if isinstance(visit.held, Reason) else None)
    gateway = visit.gateway
    try:
        found = await renewed(gateway, held, now=visit.now, carried=visit.cookies, update=update, data=wanted)
        if isinstance(found.session, Reason):
            visit.lines.extend(found.lines)
            return _nobody(request, visit, found.session)
        shown = await _shown(visit, found.session)
    except CallbackFailed:
        return _nobody(request, visit, Reason.CALLBACK_FAILED)
    return await _tell(request, visit, found, found.session, shown)


async def _tell(request: web.Request, visit: Visit, found: Renewed, seen: Session, shown: object) -> web.StreamResponse:
    gateway = visit.gateway
    await gateway.callbacks.tell("on_session", session=shown, token=claims_of(seen))
    over = gateway.sessions.refusal(seen)
    if over is not None:  # signed out meanwhile
        return _nobody(request, visit, over)
    visit.lines.extend(found.lines)
    return data(request, shown if shown is not None else _none(visit))


async def _shown(visit: Visit, held: Session) -> dict[str, object] | None:
    """What the client may see; None: nothing.

    Raises:
        CallbackFailed: The `session` callback did not say.
    """
    claims, lifetime = claims_of(held), visit.gateway.policy.lifetime
    user: dict[str, object] = {"name": held.user.name, "email": held.user.email, "image": held.user.image}
    user |= {key: claims.get(claim) for key, claim in visit.gateway.settings.session.expose.items()}
    known = {key: value for key, value in user.items() if value is not None}
    default: dict[str, object] = {"user": known, "expires": javascript_time(lifetime.ends_at(held))}
    callbacks = visit.gateway.callbacks
    if "session" not in callbacks:
        return default
    given = await callbacks.ask("session", session=default, token=claims)
    if given is None:
        return None
    if not isinstance(given, dict) or not _is_json(given):
        raise callbacks.refuse("session", "what it gave is no JSON object: return the session, or None")
    return given


def _is_json(value: dict[str, object]) -> bool:
    try:
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode("utf-8")
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def _nobody(request: web.Request, visit: Visit, reason: Reason | None, *, status: int = 200) -> web.StreamResponse:
    headers = {"X-Gateway-Reason": reason.value} if reason else {}
    return data(request, _none(visit), status=status, headers=headers)


def _none(visit: Visit) -> object:
    nobody = visit.flavour.nobody
    return None if nobody is None else {}


def javascript_time(moment: datetime) -> str:
    """As `Date.prototype.toISOString()` writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
