"""The table of decisions, asked of the engine alone. `tests/cli/test_decisions.py` and `tests/web/raw/test_decisions.py` ask it of others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.core.decision import Allow, Decision, Deny, Redirect
from gateway.core.lifetime import Lifetime
from gateway.core.policy import decide, explain
from gateway.core.reason import Reason
from gateway.core.routes import Access
from gateway.proxy.client.head import ClientHead, HeadLimits, read_head
from gateway.sessions.cookie_header import CookieHeader
from gateway.sessions.cookies import SessionCookies
from gateway.sessions.keys import KeyRing
from gateway.settings.load import load
from gateway.settings.policy import policy_of
from gateway.web.auth.addresses import refusal
from gateway.web.facts import Received, TrustedProxies, facts_of, is_own_endpoint
from tests.decisions import FOLDER, SECRET, Case, cases

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
POLICY = policy_of(load(FOLDER / "gateway.toml").settings)
CASES = cases()
#: Reasons of the rules and of the request that no head alone can bring about, and where they are shown instead.
ELSEWHERE = {
    Reason.REQUEST_TIMED_OUT: "tests/web/raw/test_limits.py",
    Reason.REQUEST_LINE_TOO_LONG: "tests/web/raw/test_limits.py",
    Reason.REQUEST_HEAD_TOO_LARGE: "tests/web/raw/test_limits.py",
    Reason.REQUEST_BODY_TOO_LARGE: "tests/web/raw/test_limits.py",
    Reason.VERSION_REFUSED: "tests/corpus/version.toml",
    Reason.LOOP_DETECTED: "tests/corpus/via_trace.toml",
    Reason.SESSION_UNKNOWN: "tests/sessions/test_kept_cookies.py",
    Reason.SESSION_REVOKED: "tests/web/raw/test_authjs.py",
    Reason.SESSION_STORE_UNAVAILABLE: "tests/sessions/test_revocations.py",
    Reason.SESSION_ENDED: "tests/web/auth/test_callbacks.py",
    Reason.CALLBACK_FAILED: "tests/web/auth/test_callbacks.py",
    Reason.TOO_MANY_CONNECTIONS: "tests/web/raw/test_limits.py",
    Reason.PROXY_UNLISTED: "tests/web/forward_auth/test_decisions.py",
    Reason.ORIGINAL_INCOMPLETE: "tests/web/forward_auth/test_decisions.py",
    Reason.HEADER_FORGED: "tests/web/forward_auth/test_decisions.py",
    **dict.fromkeys(
        (
            Reason.TOKEN_ACCEPTED,
            Reason.PASSWORD_ACCEPTED,
            Reason.AUTHORIZATION_MALFORMED,
            Reason.TOKEN_MALFORMED,
            Reason.TOKEN_UNKNOWN,
            Reason.TOKEN_EXPIRED,
            Reason.TOKEN_REVOKED,
            Reason.TOKEN_USER_MISSING,
            Reason.SCOPE_MISSING,
        ),
        "tests/web/raw/test_machines.py",
    ),
    Reason.ROUTE_NOT_PROXIED: "tests/web/forward_auth/test_decisions.py",
}


def decided(case: Case) -> Decision | None:
    """What the engine says; None where the gateway answers itself."""
    head = read_head(case.head(NOW), HeadLimits())
    if not isinstance(head, ClientHead):
        return Deny(head.reason, head.status)
    received = facts_of(
        method=head.method.decode(), target=head.target.decode("latin-1"), headers=head.headers, peer="203.0.113.9",
        hosts=POLICY.hosts, trusted=TrustedProxies(), upgrade=head.upgrade,
    )  # fmt: skip
    if not isinstance(received, Received):
        return Deny(received.reason, received.status)
    facts = received.facts
    if is_own_endpoint(facts.target):
        if not POLICY.hosts.covers(facts.host):
            return Deny(Reason.HOST_UNKNOWN, 421)
        if facts.target.readings != (facts.target.path,):
            return Deny(Reason.PATH_AMBIGUOUS, 400)
        refused = refusal(facts.target.path, facts.method, takes_reports=False)
        return None if refused is None else Deny(*refused)
    cookies = CookieHeader.parse(value for name, value in head.headers if name.lower() == b"cookie")
    session = SessionCookies(KeyRing.of([SECRET]), secure=False, lifetime=Lifetime()).read(cookies)
    decision = decide(facts, session, POLICY, now=NOW)
    aloud, steps = explain(facts, session, POLICY, now=NOW)
    assert aloud == decision, "who thinks aloud comes to the same answer"
    assert steps
    return decision


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_the_engine_decides_as_the_table_says(case: Case) -> None:
    decision = decided(case)
    if case.reason == Reason.OWN_ENDPOINT:
        assert decision is None
        return
    assert decision is not None
    kind = {Allow: "allow", Redirect: "redirect", Deny: "deny"}[type(decision)]
    status = decision.status if isinstance(decision, (Redirect, Deny)) else None
    assert (kind, decision.reason.value, status) == (case.decision, case.reason, case.status)
    assert (decision.location if isinstance(decision, Redirect) else None) == case.location
    assert (decision.route.name if decision.route else None) == case.route
    if isinstance(decision, Allow):
        assert dict(decision.set_headers).get("X-User-Id", "") == (case.told or "")


def test_the_table_is_long_and_every_case_has_a_name_of_its_own() -> None:
    assert len(CASES) >= 150
    assert len({case.id for case in CASES}) == len(CASES)


def test_the_table_covers_every_reason_that_a_request_alone_can_bring_about() -> None:
    of_requests = list(Reason)[: list(Reason).index(Reason.CREDENTIALS_WRONG)]
    shown = {Reason(case.reason) for case in CASES}
    assert shown | set(ELSEWHERE) >= set(of_requests)
    assert not [place for place in ELSEWHERE.values() if not (Path(__file__).parents[2] / place).exists()]


def test_the_table_covers_every_access_every_route_and_every_status() -> None:
    named = {case.route for case in CASES}
    assert {route.name for route in POLICY.routes.ordered} <= named
    assert {route.access for route in POLICY.routes.ordered if route.name in named} == set(Access)
    assert {case.status for case in CASES} >= {None, 302, 303, 400, 401, 403, 404, 405, 417, 421}


def test_the_lifetimes_of_the_table_are_those_that_its_heading_names() -> None:
    lifetime = POLICY.lifetime
    assert (lifetime.sliding, lifetime.absolute, lifetime.tolerance) == (timedelta(hours=24), timedelta(days=7), timedelta(seconds=15))
