"""Promise 30: where a sign-in may send the browser, and why not elsewhere. The hostile corpus has its own test."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.core.host import HostPattern, Hosts
from gateway.core.origins import Origins
from gateway.core.reason import Reason
from gateway.core.return_to import Lost, RedirectRule, ReturnTo, after_sign_in, safe_return
from tests.people import ADA, BOB

OWN = "https://app.example.com"
LISTED = Origins(
    ("https://front.example.com:8443", "https://*.preview.example.com", "https://other.example.com", "http://plain.example.com")
)
HOSTS = Hosts("https", (HostPattern("app.example.com"), HostPattern("other.example.com")))


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
        pytest.param("https://a.preview.example.com/x", "https://a.preview.example.com/x", id="listed-by-a-pattern"),
        pytest.param("https://other.example.com/x", "https://other.example.com/x", id="another-host-of-ours"),
        pytest.param("/a/../b", "/a/../b", id="a-dot-segment-that-leads-nowhere-bad"),
        pytest.param("/caf\u00e9", "/caf%C3%A9", id="non-ascii-is-encoded"),
        pytest.param("/api/authors", "/api/authors", id="not-our-endpoint"),
    ],
)
def test_targets_that_are_taken(asked: str, location: str) -> None:
    assert safe_return(asked, own_origin=OWN, origins=LISTED, hosts=HOSTS) == ReturnTo(location)


def test_http_to_http_is_no_step_down() -> None:
    listed = Origins(("http://plain.example.com",))
    assert safe_return("http://plain.example.com/", own_origin="http://app.example.com", origins=listed).refused is None


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        pytest.param(None, Reason.RETURN_NOTHING_ASKED, id="nothing"),
        pytest.param("", Reason.RETURN_NOTHING_ASKED, id="empty"),
        pytest.param("/" + "a" * 2048, Reason.RETURN_TOO_LONG, id="too-long"),
        pytest.param("/" + "\u00e9" * 400, Reason.RETURN_TOO_LONG, id="too-long-once-it-is-encoded"),
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
        pytest.param("/.gateway/auth/nginx", Reason.RETURN_OWN_ENDPOINT, id="where-proxies-ask"),
        pytest.param("/%61pi/auth/signin", Reason.RETURN_OWN_ENDPOINT, id="own-endpoint-percent-encoded"),
        pytest.param("/api%2Fauth/signin", Reason.RETURN_OWN_ENDPOINT, id="own-endpoint-with-an-encoded-slash"),
        pytest.param("/api/auth;x=1/signin", Reason.RETURN_OWN_ENDPOINT, id="own-endpoint-with-a-parameter"),
        pytest.param("/x/..//api/auth/signin", Reason.RETURN_OWN_ENDPOINT, id="own-endpoint-behind-two-slashes"),
        pytest.param("https://app.example.com/api/auth?x", Reason.RETURN_OWN_ENDPOINT, id="own-endpoint-absolute"),
        pytest.param("/x/../api/auth/signin", Reason.RETURN_OWN_ENDPOINT, id="own-endpoint-by-a-dot-segment"),
        pytest.param("/x/%2E%2e/./api/auth/signout?y", Reason.RETURN_OWN_ENDPOINT, id="own-endpoint-by-an-encoded-dot-segment"),
        pytest.param("https://other.example.com/api/auth/signout", Reason.RETURN_OWN_ENDPOINT, id="own-endpoint-on-another-host-of-ours"),
        pytest.param("http://plain.example.com/", Reason.RETURN_TO_HTTP, id="from-https-to-http"),
        pytest.param("/\ud800", Reason.RETURN_UNSAFE_CHARACTER, id="half-a-character"),
    ],
)
def test_targets_that_are_refused_by_name(asked: str | None, reason: Reason) -> None:
    assert safe_return(asked, own_origin=OWN, origins=LISTED, hosts=HOSTS, default="/home") == ReturnTo("/home", reason)


@pytest.mark.parametrize(
    "asked",
    [
        "/oauth2/sign_out",
        "/oauth2",
        "/oauth2?x",
        "/x/../oauth2/sign_out?rd=/",
        "/%6fauth2/sign_out",
        "/oauth2%2Fsign_out",
        "https://app.example.com/x/%2e%2e/oauth2/start",
        "https://other.example.com/oauth2/sign_out",
    ],
)
def test_a_room_of_the_gateways_own_is_no_target_while_it_is_one(asked: str) -> None:
    """Promise 30: a sign-in that ended at a sign-out would never end."""
    rooms = replace(HOSTS, rooms=("/oauth2",))
    assert safe_return(asked, own_origin=OWN, origins=LISTED, hosts=rooms).refused is Reason.RETURN_OWN_ENDPOINT
    assert safe_return(asked, own_origin=OWN, origins=LISTED, hosts=HOSTS).refused is None
    assert safe_return("/oauth2x", own_origin=OWN, hosts=rooms).refused is None


RULES = (
    RedirectRule(to="/admin", role="admin"),
    RedirectRule(to="/staff", group="staff", provider="ldap"),
    RedirectRule(to="/b", provider="b"),
)


def test_the_first_candidate_that_may_be_taken_wins() -> None:
    candidates = [("callbackUrl", "https://evil.example"), ("page", "/reports")]
    end = after_sign_in(candidates, ADA, "credentials", rules=RULES, own_origin=OWN)
    assert (end.location, end.won) == ("/reports", "page")
    assert end.lost == end.refused == (("callbackUrl", Reason.RETURN_FOREIGN_ORIGIN),)
    assert end.behind == ("redirects.rules[1]", "redirects.rules[2]", "redirects.rules[3]", "redirects.after_sign_in")


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


ON_HOME = RedirectRule(to="/admin/home", role="admin", route="home")


def route_of(location: str) -> str | None:
    return "home" if location.startswith("/home") else None


@pytest.mark.parametrize(
    ("asked", "user", "location", "won"),
    [
        pytest.param("/home/x", ADA, "/admin/home", "redirects.rules[2]", id="a-rule-about-this-page-wins-over-it"),
        pytest.param("/home/x", BOB, "/home/x", "page", id="not-for-somebody-else"),
        pytest.param("/reports", ADA, "/reports", "page", id="not-for-another-page"),
        pytest.param(None, ADA, "/start", "redirects.rules[3]", id="not-where-no-page-was-asked-for"),
        pytest.param("https://evil.example/home", ADA, "/start", "redirects.rules[3]", id="not-for-a-page-that-is-refused"),
    ],
)
def test_rules_about_a_page(asked: str | None, user, location: str, won: str) -> None:  # type: ignore[no-untyped-def]
    rules = (RedirectRule(to="/b", provider="b"), ON_HOME, RedirectRule(to="/start", role="admin"))
    end = after_sign_in([("page", asked)], user, "credentials", rules=rules, own_origin=OWN, route_of=route_of)
    assert (end.location, end.won) == (location, won)


def test_who_lost_and_why_and_who_was_not_needed() -> None:
    rules = (ON_HOME, RedirectRule(to="/b", provider="b"), RedirectRule(to="/start", role="admin"))
    end = after_sign_in([("query", "/home"), ("cookie", "/x")], ADA, "p", rules=rules, own_origin=OWN, route_of=route_of)
    assert (end.won, end.lost, end.refused) == ("redirects.rules[1]", (("query", Lost.OTHER_WON),), ())
    assert end.behind == ("cookie", "redirects.rules[2]", "redirects.rules[3]", "redirects.after_sign_in")
    end = after_sign_in([], ADA, "p", rules=rules, own_origin=OWN)
    assert (end.won, end.behind) == ("redirects.rules[3]", ("redirects.after_sign_in",))
    assert end.lost == (("redirects.rules[1]", Lost.NOT_FOR_THEM), ("redirects.rules[2]", Lost.NOT_FOR_THEM))


FIRST, BACK = RedirectRule(to="/welcome", first_sign_in=True), RedirectRule(to="/again", first_sign_in=False)


@pytest.mark.parametrize(
    ("first", "location"), [(True, "/welcome"), (False, "/again"), (None, "/")], ids=["first", "not-the-first", "nobody-can-say"]
)
def test_a_rule_about_the_first_sign_in_fits_only_where_it_is_known(first, location):
    assert after_sign_in((), ADA, "credentials", rules=(FIRST, BACK), first=first, own_origin=OWN).location == location


def test_a_first_sign_in_wins_over_the_page_only_where_the_rule_names_its_route():
    for rule, location in ((FIRST, "/reports"), (replace(FIRST, route="reports"), "/welcome")):
        found = after_sign_in(
            (("the page", "/reports"),), ADA, "c", rules=(rule,), first=True, own_origin=OWN, route_of=lambda _: "reports"
        )
        assert found.location == location
