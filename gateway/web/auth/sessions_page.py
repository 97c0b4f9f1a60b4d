"""`GET sessions`: where somebody is signed in, and `POST sessions`: end one of these, or all but this one."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from aiohttp import web

from gateway.core.browser_name import browser_name
from gateway.core.identity import Session
from gateway.core.policy import UNKNOWN
from gateway.core.reason import Reason
from gateway.sessions.register import SignIn
from gateway.sessions.sign_ins import SignIns
from gateway.store.errors import StoreAway
from gateway.web.auth.posted import Refused, read_post
from gateway.web.auth.reply import fail, go_to, refuse
from gateway.web.auth.visit import Visit
from gateway.web.auth.visitor import visitor_of
from gateway.web.log import event
from gateway.web.pages import error_page, page

log = logging.getLogger(__name__)
PATH = "/api/auth/sessions"
OTHERS = "others"
_JUST_NOW = timedelta(minutes=1)
_UNITS = ((timedelta(days=1), "day"), (timedelta(hours=1), "hour"), (timedelta(minutes=1), "minute"))


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the page."""

    id: str
    this: bool
    browser: str
    address: str
    signed_in: str
    seen: str


async def sessions_page(request: web.Request, visit: Visit) -> web.StreamResponse:
    """Show them, the one that asks first."""
    session = visit.session
    if session is None:
        return _sign_in_first(request, visit)
    csrf_token, sign_ins = visit.csrf_token(), visit.gateway.sign_ins
    try:
        found = [] if sign_ins is None else list(await sign_ins.of(session.user.id))
    except StoreAway:
        return _away(request, visit)
    entries = [_entry(sign_in, session, visit.now) for sign_in in found]
    if not any(entry.this for entry in entries):  # it began before there was a store, or the store has not taken it yet
        entries.append(Entry(session.sign_in_id, True, _browser(request), "", _ago(visit.now - session.signed_in_at), _ago(timedelta(0))))
    ended = visit.query.get("ended", "")
    return page(
        request,
        "sessions.html",
        host=visit.facts.host,
        visitor=visitor_of(session),
        csrf_token=csrf_token,
        entries=sorted(entries, key=lambda entry: not entry.this),
        kept=sign_ins is not None,
        ended=int(ended) if ended.isascii() and ended.isdigit() and len(ended) < 5 else None,
        home=visit.gateway.settings.redirects.after_sign_in,
    )


async def end_sessions(request: web.Request, visit: Visit) -> web.StreamResponse:
    """End what was asked for, if it is the asker's own; then show the rest."""
    posted = await read_post(request, visit)
    if isinstance(posted, Refused):
        return fail(request, visit, posted.reason, posted.status)
    if not visit.csrf_holds(posted):
        return refuse(request, visit, visit.flavour.missing_csrf["signout"], Reason.CSRF_MISMATCH)
    session, sign_ins = visit.session, visit.gateway.sign_ins
    if session is None:
        return _sign_in_first(request, visit)
    asked = posted.get("end", "")
    try:
        ended = [] if sign_ins is None else await _end(visit, session, sign_ins, asked)
    except StoreAway:
        return _away(request, visit)
    event(log, "sessions-ended", reason=Reason.SIGNED_OUT, user=session.user.id, count=len(ended), client=visit.facts.client,
          request=visit.request_id)  # fmt: skip
    if session.sign_in_id in ended:
        visit.lines.extend(visit.gateway.sessions.clear())
        return go_to(request, visit, visit.gateway.settings.redirects.after_sign_out, Reason.SIGNED_OUT)
    return go_to(request, visit, f"{PATH}?ended={len(ended)}", Reason.SIGNED_OUT)


async def _end(visit: Visit, session: Session, sign_ins: SignIns, asked: str) -> list[str]:
    """The ids of those that were ended: nobody ends what belongs to somebody else, or has ended already."""
    own = await sign_ins.of(session.user.id)
    chosen = [one for one in own if (one.id != session.sign_in_id if asked == OTHERS else one.id == asked)]
    await visit.gateway.end_listed(chosen)
    return [one.id for one in chosen]


def _sign_in_first(request: web.Request, visit: Visit) -> web.Response:
    reason = visit.held if isinstance(visit.held, Reason) else Reason.SESSION_MISSING
    visit.clear_bad_session()
    return error_page(request, reason, 503 if reason in UNKNOWN else 401)


def _away(request: web.Request, visit: Visit) -> web.Response:
    event(log, "sessions-unavailable", level=logging.ERROR, reason=Reason.SESSION_STORE_UNAVAILABLE, request=visit.request_id)
    return error_page(request, Reason.SESSION_STORE_UNAVAILABLE, 503, headers={"Retry-After": "5"})


def _entry(sign_in: SignIn, session: Session, now: datetime) -> Entry:
    this = sign_in.id == session.sign_in_id
    seen = timedelta(0) if this else now - sign_in.seen_at
    return Entry(sign_in.id, this, browser_name(sign_in.browser), sign_in.address, _ago(now - sign_in.signed_in_at), _ago(seen))


def _browser(request: web.Request) -> str:
    return browser_name(request.headers.get("User-Agent", ""))


def _ago(age: timedelta) -> str:
    if age < _JUST_NOW:
        return "just now"
    number, unit = next((age // size, unit) for size, unit in _UNITS if age >= size)
    return f"{number} {unit}{'' if number == 1 else 's'} ago"
