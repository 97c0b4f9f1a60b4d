"""Ends the sessions that a request carries: all of them. A browser sends several if a sibling domain tossed one, or if one lies at another path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.core.identity import Session
from gateway.core.reason import Reason
from gateway.web.auth.visit import Visit


@dataclass(frozen=True, slots=True)
class Ended:
    """What became of them.

    Attributes:
        sessions: Those that are over now; the first is the one that this site knew the person by, if that could be read.
        unknown: One lives in a store that can't be asked, so it is not over.
        lines: The `Set-Cookie` values that clear what lies elsewhere than the gateway puts its cookies.
    """

    sessions: Sequence[Session]
    unknown: bool
    lines: Sequence[str] = ()


async def end_carried(visit: Visit) -> Ended:
    """End every sign-in of ours that the cookies of a request name.

    Not `visit.session`: one that can't be checked now, or has just ended, is to be ended all the same.
    """
    gateway = visit.gateway
    found: dict[str, Session] = {}
    reasons: set[Reason] = set()
    for one in gateway.sessions.carried_in(visit.cookies):
        await gateway.sessions.load(one)
        session = gateway.sessions.read_signed_out(one)
        if isinstance(session, Session):
            found.setdefault(session.sign_in_id, session)
        elif session is not None:
            reasons.add(session)
    for session in found.values():
        await gateway.end(session)
    # What no secret of ours opens may be the session of another app of the parent domain: that one is left where it is.
    lines = [] if Reason.SESSION_UNREADABLE in reasons else gateway.sessions.clear_elsewhere(visit.cookies, visit.facts.host)
    return Ended(tuple(found.values()), Reason.SESSION_STORE_UNAVAILABLE in reasons, lines)
