"""The decision engine: each branch of the train of thought, and `explain` as the same thought aloud."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.core.decision import Allow, Decision, Deny, Redirect
from gateway.core.facts import RequestFacts, Wants
from gateway.core.host import HostPattern, Hosts
from gateway.core.identity import Session
from gateway.core.identity_headers import IdentityHeaders
from gateway.core.lifetime import Lifetime
from gateway.core.path_pattern import PathPattern
from gateway.core.policy import Policy, decide, explain
from gateway.core.reason import Reason
from gateway.core.routes import Access, Route, Routes
from gateway.core.target import Target, read_target
from tests.people import ADA, BOB, NOW, session_of

HOST = "app.example.com"


def route(path: str, access: Access, **more: object) -> Route:
    return Route(name=path, path=PathPattern.parse(path), access=access, upstream="app", **more)  # type: ignore[arg-type]


PUBLIC = route("/public/**", Access.PUBLIC)
OPTIONAL = route("/news/**", Access.OPTIONAL)
CLOSED = route("/closed", Access.DENY)
ADMIN = route("/admin/**", Access.SIGNED_IN, roles=frozenset({"admin"}))
STAFF = route("/staff/**", Access.SIGNED_IN, groups=frozenset({"staff"}))
API = route("/api/**", Access.SIGNED_IN, api=True)
FILES = route("/files/**", Access.SIGNED_IN, encoded_slash=True)
READ = route("/notes/**", Access.SIGNED_IN, methods=frozenset({"GET"}))
OTHER_HOST = route("/only-there", Access.PUBLIC, hosts=(HostPattern("other.example.com"),))
HOME = route("/home/**", Access.SIGNED_IN)
DOOR = route("/", Access.SIGNED_IN)
POLICY = Policy(
    routes=Routes.of([PUBLIC, OPTIONAL, CLOSED, ADMIN, STAFF, API, FILES, READ, OTHER_HOST, HOME, DOOR]),
    hosts=Hosts("https", (HostPattern(HOST), HostPattern("*.apps.example.com"))),
    identity=IdentityHeaders.of([], {"X-User-Id": "{user.id}"}),
    lifetime=Lifetime(),
    allowed_origins=frozenset({"https://front.example.com"}),
)
ADA_HERE, BOB_HERE = session_of(ADA), session_of(BOB)
ADA_IS = (("X-User-Id", "ada"),)


def ask(target: str, **more: object) -> RequestFacts:
    read = read_target(target)
    assert isinstance(read, Target)
    facts = RequestFacts(method="GET", scheme="https", host=HOST, target=read, wants=Wants.PAGE)
    return replace(facts, **more)  # type: ignore[arg-type]


SIGN_IN_HOME = "/api/auth/signin?callbackUrl=%2Fhome%3Fx%3D1%26y%3D2"
CASES = [
    pytest.param(ask("/public/a"), None, Allow(Reason.ROUTE_PUBLIC, PUBLIC), id="public"),
    pytest.param(ask("/public/a"), ADA_HERE, Allow(Reason.ROUTE_PUBLIC, PUBLIC), id="public-tells-nothing-of-the-signed-in"),
    pytest.param(ask("/news"), None, Allow(Reason.ROUTE_OPTIONAL, OPTIONAL), id="optional-anonymous"),
    pytest.param(ask("/news"), ADA_HERE, Allow(Reason.SESSION_ACCEPTED, OPTIONAL, ADA_IS), id="optional-signed-in"),
    pytest.param(ask("/news"), Reason.SESSION_UNREADABLE, Allow(Reason.ROUTE_OPTIONAL, OPTIONAL), id="bad-cookie-is-none"),
    pytest.param(ask("/closed"), ADA_HERE, Deny(Reason.ROUTE_DENIED, 403, CLOSED), id="deny-is-for-everybody"),
    pytest.param(ask("/home?x=1&y=2"), None, Redirect(Reason.SESSION_MISSING, SIGN_IN_HOME, 302, HOME), id="page-is-sent-to-sign-in"),
    pytest.param(ask("/"), None, Redirect(Reason.SESSION_MISSING, "/api/auth/signin", 302, DOOR), id="the-front-door-asks-for-no-page"),
    pytest.param(ask("/home", wants=Wants.DATA), None, Deny(Reason.SESSION_MISSING, 401, HOME), id="script-gets-401"),
    pytest.param(
        ask("/home", wants=Wants.UNSAID), None, Redirect(Reason.SESSION_MISSING, "/api/auth/signin?callbackUrl=%2Fhome", 302, HOME),
        id="unsaid-is-a-page",
    ),
    pytest.param(ask("/api/x", wants=Wants.UNSAID), None, Deny(Reason.SESSION_MISSING, 401, API), id="unsaid-on-an-api-is-data"),
    pytest.param(
        ask("/api/x"), None, Redirect(Reason.SESSION_MISSING, "/api/auth/signin?callbackUrl=%2Fapi%2Fx", 302, API), id="page-on-an-api"
    ),
    pytest.param(
        ask("/home", method="POST"), None, Redirect(Reason.SESSION_MISSING, "/api/auth/signin", 303, HOME), id="post-is-never-replayed"
    ),
    pytest.param(ask("/home", upgrade=True), None, Deny(Reason.SESSION_MISSING, 401, HOME), id="websocket-is-never-redirected"),
    pytest.param(ask("/home"), Reason.SESSION_UNREADABLE, None, id="unreadable-cookie-asks-to-sign-in"),
    pytest.param(ask("/home"), session_of(ADA, age=timedelta(days=2)), None, id="expired-session-asks-to-sign-in"),
    pytest.param(ask("/home"), ADA_HERE, Allow(Reason.SESSION_ACCEPTED, HOME, ADA_IS), id="signed-in"),
    pytest.param(ask("/admin"), ADA_HERE, Allow(Reason.SESSION_ACCEPTED, ADMIN, ADA_IS), id="role-fits"),
    pytest.param(ask("/admin"), BOB_HERE, Deny(Reason.ROLE_MISSING, 403, ADMIN), id="role-missing"),
    pytest.param(ask("/staff"), ADA_HERE, Allow(Reason.SESSION_ACCEPTED, STAFF, ADA_IS), id="group-fits"),
    pytest.param(ask("/staff"), BOB_HERE, Deny(Reason.GROUP_MISSING, 403, STAFF), id="group-missing"),
    pytest.param(ask("/nowhere"), ADA_HERE, Deny(Reason.ROUTE_MISSING, 404), id="unlisted-is-closed"),
    pytest.param(ask("/home", host="evil.example"), ADA_HERE, Deny(Reason.HOST_UNKNOWN, 421), id="unknown-host"),
    pytest.param(ask("/home", host="a.apps.example.com"), ADA_HERE, Allow(Reason.SESSION_ACCEPTED, HOME, ADA_IS), id="wildcard-host"),
    pytest.param(ask("/only-there"), None, Deny(Reason.ROUTE_MISSING, 404), id="route-of-another-host"),
    pytest.param(ask("/notes", method="POST"), ADA_HERE, Deny(Reason.ROUTE_MISSING, 404), id="method-not-covered"),
    pytest.param(ask("/notes"), ADA_HERE, Allow(Reason.SESSION_ACCEPTED, READ, ADA_IS), id="method-covered"),
    pytest.param(ask("/public//admin"), None, Allow(Reason.ROUTE_PUBLIC, PUBLIC), id="readings-that-agree"),
    pytest.param(ask("//admin/x"), ADA_HERE, Deny(Reason.PATH_AMBIGUOUS, 400), id="readings-that-disagree"),
    pytest.param(ask("/home/a%2Fb"), ADA_HERE, Deny(Reason.PATH_AMBIGUOUS, 400, HOME), id="encoded-slash-not-allowed"),
    pytest.param(ask("/files/a%2Fb"), ADA_HERE, Allow(Reason.SESSION_ACCEPTED, FILES, ADA_IS), id="encoded-slash-allowed"),
    pytest.param(ask("/files%2Fa"), ADA_HERE, Deny(Reason.PATH_AMBIGUOUS, 400), id="encoded-slash-that-changes-the-route"),
    pytest.param(ask("/notes//x"), ADA_HERE, Allow(Reason.SESSION_ACCEPTED, READ, ADA_IS), id="readings-agree-on-a-route-with-methods"),
    pytest.param(ask("/only-there;x"), None, Deny(Reason.ROUTE_MISSING, 404), id="readings-agree-that-another-host-is-meant"),
    pytest.param(ask("/home", upgrade=True, origin=f"https://{HOST}"), ADA_HERE, Allow(Reason.SESSION_ACCEPTED, HOME, ADA_IS), id="own-origin"),
    pytest.param(
        ask("/home", upgrade=True, origin="https://front.example.com"), ADA_HERE, Allow(Reason.SESSION_ACCEPTED, HOME, ADA_IS),
        id="listed-origin",
    ),
    pytest.param(ask("/home", upgrade=True, origin="null"), ADA_HERE, Deny(Reason.ORIGIN_FOREIGN, 403, HOME), id="origin-null"),
    pytest.param(ask("/home", upgrade=True), ADA_HERE, Deny(Reason.ORIGIN_FOREIGN, 403, HOME), id="websocket-without-origin"),
    pytest.param(
        ask("/home", upgrade=True, origin=f"https://{HOST}.evil.example"), ADA_HERE, Deny(Reason.ORIGIN_FOREIGN, 403, HOME), id="look-alike"
    ),
    pytest.param(
        ask("/home"), session_of(replace(ADA, id="\ud800")), Deny(Reason.IDENTITY_UNENCODABLE, 403, HOME), id="identity-without-encoding"
    ),
]  # fmt: skip


@pytest.mark.parametrize(("facts", "session", "expected"), CASES)
def test_decide(facts: RequestFacts, session: Session | Reason | None, expected: Decision | None) -> None:
    decision = decide(facts, session, POLICY, now=NOW)
    if expected is None:
        assert isinstance(decision, Redirect)
        assert decision.reason in (Reason.SESSION_UNREADABLE, Reason.SESSION_EXPIRED)
    else:
        assert decision == expected


@pytest.mark.parametrize(("facts", "session", "expected"), CASES)
def test_explain_is_the_same_thought_aloud(facts: RequestFacts, session: Session | Reason | None, expected: Decision | None) -> None:
    decision, steps = explain(facts, session, POLICY, now=NOW)
    assert decision == decide(facts, session, POLICY, now=NOW)
    assert steps[0].check == "host"
    assert all(step.why for step in steps)


def test_explain_names_the_values_it_compared() -> None:
    _, steps = explain(ask("/admin"), BOB_HERE, POLICY, now=NOW)
    assert steps[-1].why == "needs one of admin; has none"
    assert (steps[-1].rule, steps[-1].check, steps[-1].hit) == ("/admin/**", "roles", False)
