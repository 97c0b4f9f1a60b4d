"""From right credentials to a session: what the callbacks make of them, in NextAuth's order, and off to where the sign-in was asked to end."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from aiohttp import web

from gateway.callbacks.module import CallbackFailed
from gateway.callbacks.protocol import Account, Claims
from gateway.core.headers import ValueRefused
from gateway.core.identity import Session, User
from gateway.core.reason import Reason
from gateway.core.return_to import Destination
from gateway.providers.base import Accepted
from gateway.sessions.errors import SessionTooLarge, SessionUnwritable
from gateway.store.errors import StoreAway
from gateway.web.auth import return_target
from gateway.web.auth.carried_sessions import end_carried
from gateway.web.auth.kept_form import forget_kept, offer_of
from gateway.web.auth.loop_breaker import note_sign_in
from gateway.web.auth.reply import fail, go_to, refuse
from gateway.web.auth.return_target import Candidates
from gateway.web.auth.trail import forget_trail
from gateway.web.auth.visit import Visit
from gateway.web.log import event
from gateway.web.renewal import with_claims

log = logging.getLogger(__name__)


async def welcome(request: web.Request, visit: Visit, accepted: Accepted, posted: Mapping[str, str], asked: Candidates) -> web.Response:
    """A new session in place of whatever was there (promise 37), unless a callback says no."""
    user = accepted.user
    account = Account(provider=accepted.provider, type="credentials", providerAccountId=user.id)
    denied = await _denied(request, visit, user, account, posted)
    if denied is not None:
        return denied
    try:
        session = await _session(visit, user, account)
        visit.trace.claims(session, asked="jwt" in visit.gateway.callbacks)
        lines = [] if session is None else await _lines(request, visit, session)
    except StoreAway:
        visit.trace.unfit(Reason.SESSION_STORE_UNAVAILABLE)
        event(log, "sign-in-unavailable", level=logging.ERROR, reason=Reason.SESSION_STORE_UNAVAILABLE, request=visit.request_id)
        return fail(request, visit, Reason.SESSION_STORE_UNAVAILABLE, 503, headers={"Retry-After": "5"})
    except CallbackFailed as error:
        visit.trace.failed(error)
        return refuse(request, visit, visit.flavour.misconfigured, Reason.CALLBACK_FAILED)
    except (ValueRefused, SessionUnwritable) as error:
        reason = _REASONS.get(type(error), Reason.CALLBACK_FAILED)
        visit.trace.unfit(reason)
        event(log, "sign-in-refused", reason=reason, user=user.id, provider=accepted.provider, why=error, request=visit.request_id)
        return fail(request, visit, reason, 403)
    # Whoever signs in anew has left the sessions that this browser had; and one that lies elsewhere would come before the new one.
    visit.lines.extend((await end_carried(visit)).lines)
    visit.forget_callback_url()
    if session is None:
        visit.lines.extend(visit.gateway.sessions.clear(visit.cookies))
        forget_trail(visit)
        event(log, "sign-in-refused", reason=Reason.SESSION_ENDED, user=user.id, provider=accepted.provider, request=visit.request_id)
        return go_to(request, visit, return_target.destination(visit, user, accepted.provider, asked).location, Reason.SESSION_ENDED)
    visit.trace.sealed(session, lines)
    visit.lines.extend(lines)
    note_sign_in(visit, lines)
    offered = _offered(visit, posted, lines)
    await visit.gateway.callbacks.tell("on_sign_in", user=claims_of_user(user), account=account)
    known = visit.gateway.first_sign_ins
    first = await known.note(accepted.provider, user.id) if known is not None else None
    destination = return_target.destination(visit, session.user, session.provider, asked, first=first)
    visit.trace.destination(destination, kept_form=offered is not None)
    return _off(request, visit, session, destination, offered)


def _offered(visit: Visit, posted: Mapping[str, str], lines: Sequence[str]) -> str | None:
    """Where the form of this tab is offered that waited for the sign-in; None if there is none."""
    if sum("Max-Age=0" not in line for line in lines) > 1:  # beside a session in several cookies it would make too long a head
        forget_kept(visit)
        return None
    return offer_of(visit, return_target.tab_of(visit, posted).kept)


def _off(request: web.Request, visit: Visit, session: Session, destination: Destination, offered: str | None) -> web.Response:
    event(
        log,
        "sign-in",
        reason=Reason.SIGNED_IN,
        user=session.user.id,
        provider=session.provider,
        client=visit.facts.client,
        target="the form that was sent" if offered else destination.won,
        target_refused=",".join(f"{source}:{reason}" for source, reason in destination.refused) or None,
        request=visit.request_id,
    )
    return go_to(request, visit, offered or destination.location, Reason.SIGNED_IN)


_REASONS: Mapping[type[Exception], Reason] = {
    ValueRefused: Reason.IDENTITY_UNENCODABLE,
    SessionTooLarge: Reason.SESSION_TOO_LARGE,
}


def claims_of_user(user: User) -> Claims:
    """A user as callbacks see one."""
    own: Claims = {"id": user.id, "name": user.name, "email": user.email, "image": user.image}
    return {**user.claims, **own, "roles": list(user.roles), "groups": list(user.groups)}


async def _denied(request: web.Request, visit: Visit, user: User, account: Account, posted: Mapping[str, str]) -> web.Response | None:
    """The answer if the `sign_in` callback does not let the user in; only True does."""
    callbacks = visit.gateway.callbacks
    if "sign_in" not in callbacks:
        return None
    verdict: object = False
    try:
        verdict = await callbacks.ask("sign_in", user=claims_of_user(user), account=account, credentials=dict(posted))
        if not isinstance(verdict, (bool, str, type(None))):
            raise callbacks.refuse("sign_in", f"it gave a {type(verdict).__name__}: return True, False, or a path")
    except CallbackFailed as error:
        verdict = False
        visit.trace.failed(error)
    visit.trace.verdict(user, verdict is True)
    if verdict is True:
        return None
    event(log, "sign-in-refused", level=logging.WARNING, reason=Reason.SIGN_IN_DENIED, user=user.id, provider=account["provider"],
          client=visit.facts.client, request=visit.request_id)  # fmt: skip
    if isinstance(verdict, str) and verdict:
        judged = return_target.judge(visit, await return_target.redirected(visit, verdict))
        return go_to(request, visit, judged.location, Reason.SIGN_IN_DENIED)
    return refuse(request, visit, visit.flavour.access_denied, Reason.SIGN_IN_DENIED)


async def _session(visit: Visit, user: User, account: Account) -> Session | None:
    gateway = visit.gateway
    session = gateway.sessions.new(user, account["provider"], now=visit.now)
    if "jwt" not in gateway.callbacks:
        return session
    return await with_claims(gateway.callbacks, session, user=claims_of_user(user), account=account, trigger="signIn", session=None)


async def _lines(request: web.Request, visit: Visit, session: Session) -> list[str]:
    sessions = visit.gateway.sessions
    visit.gateway.policy.identity.render(session)
    try:
        lines = sessions.write(session, now=visit.now)
    except SessionUnwritable as error:
        if isinstance(error, SessionTooLarge) or "jwt" not in visit.gateway.callbacks:
            raise
        raise visit.gateway.callbacks.refuse("jwt", str(error)) from error
    await sessions.save(session, address=visit.facts.client, browser=request.headers.get("User-Agent", ""), new=True)
    return lines
