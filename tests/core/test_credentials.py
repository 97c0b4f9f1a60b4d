"""Scopes, what a credential comes to by the engine, and the challenges of a 401: without a socket."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.core.credentials import Means, Scope, Shown
from gateway.core.decision import Allow, Decision, Deny, Redirect
from gateway.core.facts import RequestFacts, Wants
from gateway.core.host import HostPattern, Hosts
from gateway.core.identity_headers import IdentityHeaders
from gateway.core.lifetime import Lifetime
from gateway.core.path_pattern import PathPattern
from gateway.core.policy import Policy, decide, explain
from gateway.core.reason import Reason
from gateway.core.route_search import route_of
from gateway.core.routes import Access, Route, Routes
from gateway.core.target import Target, read_target
from tests.people import ADA, BOB, NOW, session_of

ALL = frozenset(Means)


def route(path: str, access: Access = Access.SIGNED_IN, *accepts: Means, **more: object) -> Route:
    pattern = PathPattern.parse(path)
    return Route(name=path, path=pattern, access=access, upstream="app", accepts=frozenset(accepts or ALL), **more)  # type: ignore[arg-type]


HOOKS, WIRE, FILES = (
    route("/hooks/**"),
    route("/wire/**", Access.SIGNED_IN, Means.BEARER),
    route("/files/**", Access.SIGNED_IN, Means.BASIC),
)
ADMIN, FEED, OLD = (
    route("/admin/**", roles=frozenset({"admin"})),
    route("/feed/**", Access.OPTIONAL),
    route("/old/**", Access.SIGNED_IN, Means.SESSION),
)
POLICY = Policy(
    routes=Routes.of([HOOKS, WIRE, FILES, ADMIN, FEED, OLD]),
    hosts=Hosts("https", (HostPattern("app.example.com"),)),
    identity=IdentityHeaders.of([], {"X-User-Id": "{user.id}"}),
    lifetime=Lifetime(),
)
ADA_HERE, BOB_HERE = session_of(ADA), session_of(BOB)
ADA_IS, BOB_IS = (("X-User-Id", "ada"),), (("X-User-Id", "bob"),)


def ask(target: str, **more: object) -> RequestFacts:
    read = read_target(target)
    assert isinstance(read, Target)
    return replace(RequestFacts(method="GET", scheme="https", host="app.example.com", target=read), **more)  # type: ignore[arg-type]


def bearer(held: object = ADA_HERE, *scopes: str) -> Shown:
    return Shown(means=Means.BEARER, held=held, scopes=tuple(Scope.parse(text, scheme="https") for text in scopes), what="abc")  # type: ignore[arg-type]


def basic(held: object = ADA_HERE, **more: object) -> Shown:
    return Shown(means=Means.BASIC, held=held, **more)  # type: ignore[arg-type]


BEARER, BASIC = (
    ("WWW-Authenticate", 'Bearer realm="app.example.com"'),
    ("WWW-Authenticate", 'Basic realm="app.example.com", charset="UTF-8"'),
)


def because(reason: str, error: str = "invalid_token") -> tuple[str, str]:
    return BEARER[0], f'{BEARER[1]}, error="{error}", error_description="{reason}"'


CASES: list[tuple[RequestFacts, object, Shown | None, Decision]] = [
    (ask("/hooks/x"), None, bearer(), Allow(Reason.TOKEN_ACCEPTED, HOOKS, ADA_IS)),
    (ask("/hooks/x"), None, basic(), Allow(Reason.PASSWORD_ACCEPTED, HOOKS, ADA_IS)),
    (ask("/hooks/x"), BOB_HERE, bearer(), Allow(Reason.TOKEN_ACCEPTED, HOOKS, ADA_IS)),
    (ask("/hooks/x"), BOB_HERE, None, Allow(Reason.SESSION_ACCEPTED, HOOKS, BOB_IS)),
    (ask("/hooks/x"), BOB_HERE, bearer(Reason.TOKEN_REVOKED), Deny(Reason.TOKEN_REVOKED, 401, HOOKS, (because("token-revoked"), BASIC))),
    (ask("/old/x"), BOB_HERE, bearer(), Allow(Reason.SESSION_ACCEPTED, OLD, BOB_IS)),
    (ask("/old/x", wants=Wants.DATA), None, bearer(), Deny(Reason.SESSION_MISSING, 401, OLD)),
    (ask("/wire/x"), ADA_HERE, None, Deny(Reason.AUTHORIZATION_MISSING, 401, WIRE, (BEARER,))),
    (ask("/files/x"), None, bearer(), Deny(Reason.AUTHORIZATION_MISSING, 401, FILES, (BASIC,))),
    (ask("/feed/x"), None, None, Allow(Reason.ROUTE_OPTIONAL, FEED)),
    (ask("/feed/x"), ADA_HERE, bearer(Reason.TOKEN_EXPIRED), Deny(Reason.TOKEN_EXPIRED, 401, FEED, (because("token-expired"), BASIC))),
    (ask("/admin/x"), None, bearer(BOB_HERE), Deny(Reason.ROLE_MISSING, 403, ADMIN)),
    (ask("/hooks/x"), None, bearer(ADA_HERE, "/hooks/**"), Allow(Reason.TOKEN_ACCEPTED, HOOKS, ADA_IS)),
    (ask("/hooks/x"), None, bearer(ADA_HERE, "POST /hooks/**"), Deny(Reason.SCOPE_MISSING, 403, HOOKS, (because("scope-missing", "insufficient_scope"),))),
    (ask("/hooks/x"), None, basic(Reason.SIGN_IN_LIMITED, retry_after_s=7), Deny(Reason.SIGN_IN_LIMITED, 429, HOOKS, (("Retry-After", "7"),))),
    (ask("/hooks/x"), None, basic(Reason.SIGN_IN_BUSY), Deny(Reason.SIGN_IN_BUSY, 503, HOOKS)),
    (ask("/hooks/x"), None, bearer(Reason.SESSION_STORE_UNAVAILABLE), Deny(Reason.SESSION_STORE_UNAVAILABLE, 503, HOOKS)),
    (ask("/hooks/x"), None, bearer(Reason.PROVIDER_UNAVAILABLE), Deny(Reason.PROVIDER_UNAVAILABLE, 503, HOOKS)),
    (ask("/hooks/x"), None, basic(Reason.CREDENTIALS_WRONG), Deny(Reason.CREDENTIALS_WRONG, 401, HOOKS, (BEARER, BASIC))),
    (ask("/hooks/x", wants=Wants.DATA, wants_by="Sec-Fetch-Mode"), None, None, Deny(Reason.SESSION_MISSING, 401, HOOKS, (BEARER,))),
    (ask("/hooks/x", wants=Wants.PAGE), None, None, Redirect(Reason.SESSION_MISSING, "/api/auth/signin?callbackUrl=%2Fhooks%2Fx", 302, HOOKS)),
    (ask("/hooks/x", upgrade=True), None, bearer(), Allow(Reason.TOKEN_ACCEPTED, HOOKS, ADA_IS)),
    (ask("/hooks/x", upgrade=True, origin="https://evil.test"), None, bearer(), Deny(Reason.ORIGIN_FOREIGN, 403, HOOKS)),
    (ask("/hooks/x", upgrade=True), ADA_HERE, None, Deny(Reason.ORIGIN_FOREIGN, 403, HOOKS)),
    (ask("/hooks/x", method="POST", origin="https://evil.test"), None, basic(), Deny(Reason.ORIGIN_FOREIGN, 403, HOOKS)),
    (ask("/hooks/x", method="POST", origin="https://evil.test"), None, bearer(), Allow(Reason.TOKEN_ACCEPTED, HOOKS, ADA_IS)),
    (ask("/hooks/x", method="POST", origin="https://app.example.com"), None, basic(), Allow(Reason.PASSWORD_ACCEPTED, HOOKS, ADA_IS)),
    (ask("/hooks/x", origin="https://evil.test"), None, basic(), Allow(Reason.PASSWORD_ACCEPTED, HOOKS, ADA_IS)),
]  # fmt: skip


@pytest.mark.parametrize(("facts", "session", "shown", "expected"), CASES, ids=range(len(CASES)))
def test_the_engine_judges_a_credential_as_it_judges_a_session(facts, session, shown, expected):
    assert decide(facts, session, POLICY, now=NOW, shown=shown) == expected
    aloud, steps = explain(facts, session, POLICY, now=NOW, shown=shown)
    assert aloud == expected
    assert steps[-1].why


def test_how_long_a_session_may_be_idle_is_not_asked_of_a_token():
    old = replace(ADA_HERE, signed_in_at=NOW - timedelta(days=80), issued_at=NOW - timedelta(days=80), expires_at=NOW + timedelta(days=1))
    assert isinstance(decide(ask("/hooks/x"), None, POLICY, now=NOW, shown=bearer(old)), Allow)


def test_the_route_is_found_before_anybody_is_asked():
    assert route_of(ask("/hooks/x"), POLICY.routes) is HOOKS
    assert route_of(ask("/nowhere"), POLICY.routes) is None
    assert route_of(ask("/hooks/..%2fadmin"), POLICY.routes) is None if isinstance(read_target("/hooks/..%2fadmin"), Target) else True


@pytest.mark.parametrize(
    "text",
    ["", "x", "get /x", "GET", "GET  /x", "GET,/x", "/x /y", "GET a@b/x", "GET host:0/x", "/a**", "/a//b", " /x", "/x\n", "GET,,POST /x"],
)
def test_a_scope_that_is_none_is_refused(text):
    with pytest.raises(ValueError, match=r"scope|segment|\*\*"):
        Scope.parse(text, scheme="https")


@pytest.mark.parametrize(
    ("text", "facts", "covers"),
    [
        ("/a/**", ask("/a"), True),
        ("/a/**", ask("/ab"), False),
        ("GET,HEAD /a", ask("/a", method="HEAD"), True),
        ("GET,HEAD /a", ask("/a", method="POST"), False),
        ("app.example.com/a", ask("/a"), True),
        ("app.example.com:443/a", ask("/a"), True),
        ("*.example.com/a", ask("/a"), True),
        ("PUT other.example.com/a", ask("/a", method="PUT"), False),
        ("/a", ask("/%61"), True),
    ],
)
def test_a_scope_covers_what_it_says(text, facts, covers):
    assert Scope.parse(text, scheme="https").covers(facts) is covers
