"""Renewing a session: when it is due, what the `jwt` callback says to it, and the cookies that carry the new token.

Asked by `GET session`, by its update, and by the guard for requests to an app, so a session is the same whichever way it was renewed. A
session that is not due is taken as it is: no callback is asked, no cookie written.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gateway.callbacks.module import Callbacks
from gateway.core.headers import ValueRefused
from gateway.core.identity import Session
from gateway.core.reason import Reason
from gateway.sessions.codec import claims_of, session_of, unclear_in
from gateway.sessions.cookie_header import CookieHeader
from gateway.sessions.errors import SessionUnwritable
from gateway.store.errors import StoreAway
from gateway.web.side_cookie import TRAIL
from gateway.web.state import Gateway


@dataclass(frozen=True, slots=True)
class Renewed:
    """What became of a session.

    Attributes:
        session: It, or why it is over.
        lines: The Set-Cookie values for the answer.
    """

    session: Session | Reason
    lines: tuple[str, ...] = ()


async def renewed(
    gateway: Gateway, session: Session, *, now: datetime, carried: CookieHeader, update: bool = False, data: object = None
) -> Renewed:
    """Renew a session if it is due, or if its client updates it.

    Args:
        session: A living one.
        carried: The cookies that it came with.
        update: True: now, with `data` for the callback.

    Raises:
        CallbackFailed: The callback did not say what is to become of it.
    """
    sessions = gateway.sessions
    if not update and not sessions.lifetime.renewal_due(session, now=now):
        return Renewed(session)
    latest = await sessions.latest(carried, session)
    if not isinstance(latest, Session):
        return Renewed(latest or Reason.SESSION_UNKNOWN)
    session = latest
    if not update and not sessions.lifetime.renewal_due(session, now=now):
        return Renewed(session)  # another process was faster
    asked = "jwt" in gateway.callbacks
    found: Session | Reason = session
    if asked:
        found = await _asked(gateway, session, trigger="update" if update else None, data=data)
    if isinstance(found, Session):  # while the callback was asked, somebody may have signed out
        found = sessions.refusal(session) or found
    if isinstance(found, Reason):
        # One that was signed out meanwhile has an answer that clears the cookie; this one may be late, and hit the next sign-in's.
        return Renewed(found, (*sessions.clear(carried), *TRAIL.forget(gateway)) if found is Reason.SESSION_ENDED else ())
    new = sessions.renewed(found, now=now)
    try:
        lines = tuple(sessions.write(new, now=now, carried=carried))
        await sessions.save(new)
        return Renewed(new, lines)
    except StoreAway:
        # What the callback took away is gone for this answer; the store has what was, and it is due again at once.
        return Renewed(session if update else found)
    except SessionUnwritable as error:
        if asked:
            raise gateway.callbacks.refuse("jwt", str(error)) from error
        return Renewed(session)  # a token of another maker, just under the limit: it stays as good as it is


async def with_claims(callbacks: Callbacks, held: Session, /, **arguments: object) -> Session | None:
    """A session as the `jwt` callback has it; None if it ends it.

    Raises:
        CallbackFailed: It gave no answer that can be used.
    """
    given = await callbacks.ask("jwt", token=claims_of(held), **arguments)
    if given is None:
        return None
    if not isinstance(given, dict):
        raise callbacks.refuse("jwt", f"it gave a {type(given).__name__}: return the token, or None")
    ours = claims_of(held)
    claims = {**given, **{name: ours[name] for name in ("sid", "auth_time", "provider", "iat", "exp", "jti")}}
    made = session_of(claims)
    if made is None:
        raise callbacks.refuse("jwt", f"what it gave describes no session: {unclear_in(claims)} is missing, or has the wrong type")
    return made


async def _asked(gateway: Gateway, session: Session, *, trigger: str | None, data: object) -> Session | Reason:
    given = await with_claims(gateway.callbacks, session, user=None, account=None, trigger=trigger, session=data)
    if given is None:
        await gateway.end(session)
        return Reason.SESSION_ENDED
    try:
        gateway.policy.identity.render(given)
    except ValueRefused as error:
        raise gateway.callbacks.refuse("jwt", str(error)) from error
    return given
