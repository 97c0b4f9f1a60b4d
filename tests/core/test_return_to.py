"""Promise 30: where a sign-in may send the browser, and why not elsewhere. The hostile corpus has its own test."""

from __future__ import annotations

import pytest

from gateway.core.reason import Reason
from gateway.core.return_to import RedirectRule, ReturnTo, after_sign_in, safe_return
from tests.people import ADA, BOB

OWN = "https://app.example.com"
LISTED = frozenset({"https://front.example.com:8443"})


@pytest.mark.parametrize(
    ("asked", "location"),
    [
        pytest.param("/reports?x=1&y=2#top", "/reports?x=1&y=2#top", id="path-query-fragment"),
        pytest.param("https://app.example.com/a", "https://app.example.com/a", id="own-origin"),
        pytest.param("HTTPS://APP.example.com:443/a", "https://app.example.com/a", id="own-origin-in-another-spelling"),
        pytest.param("https://app.example.com", "https://app.example.com/", id="own-origin-without-path"),
        pytest.param("https://app.example.com?x", "https://app.example.com/?x", id="own-origin-with-query-only"),
        pytest.param("https://front.example.com:8443/x", "https://front.example.com:8443/x", id="listed-origin"),
        pytest.param(
            "https://front.example.com:8443/api/auth/signin", "https://front.example.com:8443/api/auth/signin", id="their-endpoint"
        ),
        pytest.param("/caf\u00e9", "/caf%C3%A9", id="non-ascii-is-encoded"),
        pytest.param("/api/authors", "/api/authors", id="not-our-endpoint"),
    ],
)
def test_targets_that_are_taken(asked: str, location: str) -> None:
    assert safe_return(asked, own_origin=OWN, origins=LISTED) == ReturnTo(location)


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        pytest.param(None, Reason.RETURN_NOTHING_ASKED, id="nothing"),
        pytest.param("", Reason.RETURN_NOTHING_ASKED, id="empty"),
        pytest.param("/" + "a" * 2048, Reason.RETURN_TOO_LONG, id="too-long"),
        pytest.param("//evil.example", Reason.RETURN_FOREIGN_ORIGIN, id="scheme-relative"),
        pytest.param("/\\evil.example", Reason.RETURN_UNSAFE_CHARACTER, id="backslash"),
        pytest.param("/\t/evil.example", Reason.RETURN_UNSAFE_CHARACTER, id="tab-that-browsers-drop"),
        pytest.param(" /a", Reason.RETURN_UNSAFE_CHARACTER, id="leading-space"),
        pytest.param("https://evil.example/", Reason.RETURN_FOREIGN_ORIGIN, id="foreign"),
        pytest.param("http://app.example.com/", Reason.RETURN_FOREIGN_ORIGIN, id="other-scheme"),
        pytest.param("https://app.example.com:444/", Reason.RETURN_FOREIGN_ORIGIN, id="other-port"),
        pytest.param("https://app.example.com@evil.example/", Reason.RETURN_FOREIGN_ORIGIN, id="userinfo"),
        pytest.param("https:app.example.com", Reason.RETURN_FOREIGN_ORIGIN, id="no-slashes"),
        pytest.param("javascript:alert(1)", Reason.RETURN_FOREIGN_ORIGIN, id="script"),
        pytest.param("dashboard", Reason.RETURN_NOT_A_URL, id="relative"),
        pytest.param("/api/auth/signout", Reason.RETURN_OWN_ENDPOINT, id="own-endpoint"),
        pytest.param("https://app.example.com/api/auth?x", Reason.RETURN_OWN_ENDPOINT, id="own-endpoint-absolute"),
        pytest.param("/\ud800", Reason.RETURN_UNSAFE_CHARACTER, id="half-a-character"),
    ],
)
def test_targets_that_are_refused_by_name(asked: str | None, reason: Reason) -> None:
    assert safe_return(asked, own_origin=OWN, origins=LISTED, default="/home") == ReturnTo("/home", reason)


RULES = (
    RedirectRule(to="/admin", role="admin"),
    RedirectRule(to="/staff", group="staff", provider="ldap"),
    RedirectRule(to="/b", provider="b"),
)


def test_the_first_candidate_that_may_be_taken_wins() -> None:
    candidates = [("callbackUrl", "https://evil.example"), ("page", "/reports")]
    end = after_sign_in(candidates, ADA, "credentials", rules=RULES, own_origin=OWN)
    assert (end.location, end.won) == ("/reports", "page")
    assert end.lost == (("callbackUrl", Reason.RETURN_FOREIGN_ORIGIN),)


@pytest.mark.parametrize(
    ("user", "provider", "location", "won"),
    [
        pytest.param(ADA, "credentials", "/admin", "redirects.rules[1]", id="role"),
        pytest.param(BOB, "b", "/b", "redirects.rules[3]", id="provider"),
        pytest.param(BOB, "ldap", "/home", "redirects.after_sign_in", id="group-and-provider-must-both-fit"),
    ],
)
def test_rules_then_the_default(user, provider: str, location: str, won: str) -> None:  # type: ignore[no-untyped-def]
    end = after_sign_in([("callbackUrl", None)], user, provider, rules=RULES, default="/home", own_origin=OWN)
    assert (end.location, end.won) == (location, won)
