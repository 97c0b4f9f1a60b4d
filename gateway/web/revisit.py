"""A request to an app whose session is due for renewal, where there is a `jwt` callback: it is asked first, and its answer is judged anew.

So an app is never told what the callback has just taken away. The express lane takes no session that is due (`web/express.py`).
"""

from __future__ import annotations

from aiohttp import web

from gateway.callbacks.module import CallbackFailed
from gateway.core.decision import Allow, Decision
from gateway.core.identity import Session
from gateway.core.policy import decide
from gateway.core.reason import Reason
from gateway.sessions.cookie_header import CookieHeader
from gateway.web.renewal import renewed
from gateway.web.state import FACTS, GATEWAY, RENEWED


async def revisited(request: web.BaseRequest, allow: Allow, session: Session, carried: CookieHeader) -> tuple[Decision, Session | Reason]:
    """The decision on the session as it is after its renewal, and that session; its cookies wait in the request for the answer."""
    if allow.reason is not Reason.SESSION_ACCEPTED:
        return allow, session
    gateway = request[GATEWAY]
    now = gateway.clock()
    found: Session | Reason
    try:
        outcome = await renewed(gateway, session, now=now, carried=carried)
        found, lines = outcome.session, outcome.lines
    except CallbackFailed:
        found, lines = Reason.CALLBACK_FAILED, ()
    if found is session:
        return allow, session
    request[RENEWED] = lines
    return decide(request[FACTS], found, gateway.policy, now=now), found
