"""The decision engine: one train of thought for the proxy, for `gateway explain`, and for whatever asks later.

`consider` is a generator that yields each look it takes and returns the answer. `decide` wants the answer; `explain` listens.
"""

from __future__ import annotations

from collections.abc import Collection, Generator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from urllib.parse import quote

from gateway.core.authorization import Basic, Bearer
from gateway.core.challenge import challenges
from gateway.core.credentials import Means, Shown
from gateway.core.decision import Allow, Decision, Deny, Header, Redirect, Step
from gateway.core.facts import RequestFacts
from gateway.core.headers import ValueRefused
from gateway.core.host import Hosts
from gateway.core.identity import Session
from gateway.core.identity_headers import IdentityHeaders
from gateway.core.lifetime import Lifetime
from gateway.core.origins import Origins
from gateway.core.reason import Reason
from gateway.core.return_to import MAX_LENGTH
from gateway.core.route_search import find_route
from gateway.core.routes import Access, Route, Routes
from gateway.core.sign_in_answer import sign_in_answer

Thought = Generator[Step, None, Decision]
SIGN_IN_PATH = "/api/auth/signin"
#: Whether somebody is signed in can't be said now: not a no, so nobody is sent to sign in again, and never a yes.
UNKNOWN = frozenset({Reason.SESSION_STORE_UNAVAILABLE, Reason.CALLBACK_FAILED, Reason.PROVIDER_UNAVAILABLE, Reason.SIGN_IN_BUSY})
#: Under which reason each means lets somebody in.
ACCEPTED = {Means.SESSION: Reason.SESSION_ACCEPTED, Means.BEARER: Reason.TOKEN_ACCEPTED, Means.BASIC: Reason.PASSWORD_ACCEPTED}
#: What no site can make a browser send to another without asking first (WHATWG Fetch 2.2.1).
_HARMLESS = frozenset({"GET", "HEAD", "OPTIONS"})


class Assertion(Protocol):
    """Says who somebody is in a way that the upstream can verify; the keys and the dice are another room's."""

    def header(self, session: Session, route: Route, *, origin: str, now: datetime) -> Header:
        """One header line for an upstream; `origin` is that of the asked host.

        Raises:
            ValueRefused: It can't be said.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Everything that decisions rest on, compiled from the settings."""

    routes: Routes
    hosts: Hosts
    identity: IdentityHeaders
    lifetime: Lifetime
    allowed_origins: Collection[str] = Origins()
    assertion: Assertion | None = None


def decide(facts: RequestFacts, session: Session | Reason | None, policy: Policy, *, now: datetime, shown: Shown | None = None) -> Decision:
    """The answer alone.

    Args:
        session: What the cookie held: a session, none, or the reason it could not be read.
        shown: What came of an `Authorization` that was for the gateway.
    """
    return _concluded(consider(facts, session, policy, now=now, shown=shown, aloud=False))


def decide_on(route: Route, facts: RequestFacts, session: Session | Reason | None, policy: Policy, *, now: datetime) -> Decision:
    """The answer on a route that `Routes.find` gave, for a host of ours."""
    return _concluded(_on_route(route, facts, session, policy, now=now, aloud=False))


def _concluded(thought: Thought) -> Decision:
    try:
        next(thought)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]  # StopIteration.value is untyped; a Thought returns a Decision
    raise AssertionError("who thinks in silence yields nothing")


def explain(
    facts: RequestFacts, session: Session | Reason | None, policy: Policy, *, now: datetime, shown: Shown | None = None
) -> tuple[Decision, tuple[Step, ...]]:
    """The same answer, with every step that led there."""
    steps: list[Step] = []
    thought = consider(facts, session, policy, now=now, shown=shown, aloud=True)
    try:
        while True:
            steps.append(next(thought))
    except StopIteration as end:
        return end.value, tuple(steps)


def consider(
    facts: RequestFacts, session: Session | Reason | None, policy: Policy, *, now: datetime, shown: Shown | None = None, aloud: bool
) -> Thought:
    """Think: is the host ours, which route is it, does the session live, may this user pass.

    An `Authorization` that is for the gateway decides alone: who shows one means it, while cookies come along by themselves.

    Args:
        aloud: Somebody listens, so each step is told; its words cost more than the thought.
    """
    known = policy.hosts.covers(facts.host)
    if aloud:
        yield Step("host", "host", known, f"{facts.host} is {'' if known else 'not '}a host of this gateway")
    if not known:
        return Deny(Reason.HOST_UNKNOWN, 421)

    route = yield from find_route(facts, policy.routes, aloud=aloud)
    if isinstance(route, Deny):
        return route
    return (yield from _on_route(route, facts, session, policy, now=now, shown=shown, aloud=aloud))


def _on_route(
    route: Route,
    facts: RequestFacts,
    session: Session | Reason | None,
    policy: Policy,
    *,
    now: datetime,
    shown: Shown | None = None,
    aloud: bool,
) -> Thought:
    """Who may use the route, who asks, and is that one of them?"""
    if route.access is Access.DENY:
        if aloud:
            yield Step(route.name, "access", False, "the route is closed to everybody")
        return Deny(Reason.ROUTE_DENIED, 403, route)
    if route.access is Access.PUBLIC:
        if aloud:
            yield Step(route.name, "access", True, "the route is open to everybody and told nothing about who asks")
        return Allow(Reason.ROUTE_PUBLIC, route)

    if shown is not None and shown.means in route.accepts:
        return (yield from _by_authorization(facts, route, shown, policy, now=now, aloud=aloud))
    living = yield from _alive(route, session, policy.lifetime, now=now, aloud=aloud)
    if isinstance(living, Reason):
        if living in UNKNOWN:
            return Deny(living, 503, route)
        if route.access is Access.OPTIONAL:
            if aloud:
                yield Step(route.name, "access", True, "the route is open to everybody; nobody is signed in")
            return Allow(Reason.ROUTE_OPTIONAL, route)
        return (yield from _ask_to_sign_in(facts, route, living, aloud=aloud))
    return (yield from _admit(facts, route, living, policy, now=now, aloud=aloud))


def _alive(
    route: Route, session: Session | Reason | None, lifetime: Lifetime, *, now: datetime, aloud: bool
) -> Generator[Step, None, Session | Reason]:
    if Means.SESSION not in route.accepts:
        if aloud:
            takes = " or ".join(f"Authorization: {means.capitalize()}" for means in sorted(route.accepts))
            yield Step(route.name, "authorization", False, f"the route takes {takes}, and no session cookie; none came")
        return Reason.AUTHORIZATION_MISSING
    if session is None:
        if aloud:
            yield Step(route.name, "session", False, "the browser sent no session cookie")
        return Reason.SESSION_MISSING
    if isinstance(session, Reason):
        if aloud:
            yield Step(route.name, "session", False, "a session cookie came, and can't be used")
        return session
    over = lifetime.end_of(session, now=now)
    if over is not None:
        if aloud:
            yield Step(
                route.name,
                "session",
                False,
                f"signed in {session.signed_in_at:%Y-%m-%d %H:%M:%S}, ended {session.expires_at:%Y-%m-%d %H:%M:%S} UTC",
            )
        return over
    if aloud:
        yield Step(route.name, "session", True, f"{session.user.id}, until {session.expires_at:%Y-%m-%d %H:%M:%S} UTC")
    return session


def _by_authorization(facts: RequestFacts, route: Route, shown: Shown, policy: Policy, *, now: datetime, aloud: bool) -> Thought:
    """A token, or name and password: whose, how far does it reach, and may that user pass? A bad one is not as good as none."""
    held = shown.held
    if isinstance(held, Reason):
        if aloud:
            yield Step(route.name, "authorization", False, f"Authorization: {shown.means.capitalize()} came, and can't be used: {held}")
        if held in UNKNOWN:
            return Deny(held, 503, route)
        if held is Reason.SIGN_IN_LIMITED:
            return Deny(held, 429, route, (("Retry-After", str(shown.retry_after_s or 1)),))
        return Deny(held, 401, route, challenges(facts, route, held))
    if aloud:
        until = f"until {held.expires_at:%Y-%m-%d %H:%M:%S} UTC"
        whose = f"token {shown.what} of {held.user.id}, {until}" if shown.what else f"the password of {held.user.id}"
        yield Step(route.name, "authorization", True, f"{whose}; cookies are not looked at")
    if shown.scopes:
        fits = any(scope.covers(facts) for scope in shown.scopes)
        if aloud:
            yield Step(route.name, "scope", fits, f"the token is for {', '.join(scope.text for scope in shown.scopes)}")
        if not fits:
            return Deny(Reason.SCOPE_MISSING, 403, route, challenges(facts, route, Reason.SCOPE_MISSING))
    return (yield from _admit(facts, route, held, policy, now=now, means=shown.means, aloud=aloud))


def _admit(
    facts: RequestFacts, route: Route, session: Session, policy: Policy, *, now: datetime, means: Means = Means.SESSION, aloud: bool
) -> Thought:
    """The session lives: do roles, groups and origin fit, and can the upstream be told who it is?"""
    for check, asked, has, reason in (
        ("roles", route.roles, session.user.roles, Reason.ROLE_MISSING),
        ("groups", route.groups, session.user.groups, Reason.GROUP_MISSING),
    ):
        if asked:
            fits = not asked.isdisjoint(has)
            if aloud:
                yield Step(route.name, check, fits, f"needs one of {', '.join(sorted(asked))}; has {', '.join(has) or 'none'}")
            if not fits:
                return Deny(reason, 403, route)
    if facts.upgrade or (means is Means.BASIC and facts.method not in _HARMLESS):
        # A browser sends cookies with a WebSocket handshake from any site, and a password that it has once been told with any request
        # at all: only Origin tells (promise 35). Programs send none, and no browser adds an Authorization to a handshake by itself.
        ours = facts.origin == policy.hosts.origin(facts.host) or facts.origin in policy.allowed_origins
        ours = means is not Means.SESSION if facts.origin is None else ours
        if aloud:
            what = "WebSocket" if facts.upgrade else "request"
            yield Step(route.name, "origin", ours, f"the {what} comes from {facts.origin or 'no origin'}")
        if not ours:
            return Deny(Reason.ORIGIN_FOREIGN, 403, route)
    try:
        headers = _told(facts, route, session, policy, now=now)
    except ValueRefused as error:
        if aloud:
            yield Step(route.name, "identity", False, str(error))
        return Deny(Reason.IDENTITY_UNENCODABLE, 403, route)
    if aloud:
        yield Step(route.name, "identity", True, f"told to the upstream: {', '.join(name for name, _ in headers) or 'nothing'}")
    return Allow(ACCEPTED[means], route, headers)


def _told(facts: RequestFacts, route: Route, session: Session, policy: Policy, *, now: datetime) -> tuple[Header, ...]:
    """What the upstream learns of a session: identity headers, the assertion, and the Authorization that it asks for."""
    headers = policy.identity.render(session)
    assertion = None
    if policy.assertion is not None:
        assertion = policy.assertion.header(session, route, origin=policy.hosts.origin(facts.host), now=now)
        headers += (assertion,)
    if isinstance(route.authorization, Basic):
        headers += (("Authorization", route.authorization.value(session.user)),)
    elif isinstance(route.authorization, Bearer):
        if assertion is None:
            raise ValueRefused("the upstream asks for a signed assertion, and nothing is signed")
        headers += (("Authorization", f"Bearer {assertion[1]}"),)
    return headers


def _ask_to_sign_in(facts: RequestFacts, route: Route, reason: Reason, *, aloud: bool) -> Thought:
    """By the table of `core/sign_in_answer.py`; where no session would help, 401."""
    if Means.SESSION not in route.accepts:
        return Deny(reason, 401, route, challenges(facts, route, reason))
    row = sign_in_answer(facts, api=route.api or len(route.accepts) > 1)
    if aloud:
        says = f"{facts.wants_by} says that it wants {facts.wants.value}" if facts.wants_by else "the request does not say what it wants"
        yield Step(route.name, "answer", False, f"{says}; {row.status}: {row.why}")
    if row.status == 401:
        return Deny(reason, row.status, route, challenges(facts, route, reason))
    # What the route names is where its sign-ins end, also after a form that can't be sent again.
    asked = route.sign_in_redirect or (facts.target.raw if row.comes_back else None)
    # Cut where it is too long to be gone to anyway (`safe_return`): whole, it might not be read as a request any more.
    back = f"?callbackUrl={quote(asked[: MAX_LENGTH + 1], safe='')}" if asked else ""
    return Redirect(reason, f"{SIGN_IN_PATH}{back}", row.status, route)
