from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from gateway.core.identity import User
from gateway.core.lifetime import Lifetime
from gateway.core.reason import Reason
from gateway.sessions.cookies import SessionCookies
from gateway.sessions.keys import KeyRing

KEYS = {"decision", "reason", "status", "location", "route", "upstream", "headers_set", "headers_removed", "sign_in", "steps"}
COOKIES = SessionCookies(KeyRing.of(["a-test-secret-that-is-long-enough-for-anybody"]), secure=False, lifetime=Lifetime())


@pytest.fixture
def explained(run, configured):
    """Ask, and read the JSON; the exit code is checked against it."""

    def ask(*arguments):
        result = run("explain", "--json", *arguments)
        told = json.loads(result.stdout)
        assert set(told) == KEYS
        assert result.exit_code == (0 if told["decision"] == "allow" else 1)
        return told

    return ask


@pytest.mark.parametrize(
    ("arguments", "decision", "reason", "status"),
    [
        pytest.param(["/public/x"], "allow", Reason.ROUTE_PUBLIC, None, id="public"),
        pytest.param(["/reports?x=1"], "redirect", Reason.SESSION_MISSING, 302, id="nobody-is-sent-to-the-sign-in"),
        pytest.param(["/reports", "--method", "POST"], "redirect", Reason.SESSION_MISSING, 303, id="after-a-post-303"),
        pytest.param(["/api/x"], "deny", Reason.SESSION_MISSING, 401, id="an-api-route-answers-401"),
        pytest.param(["/x", "--header", "Accept: application/json"], "deny", Reason.SESSION_MISSING, 401, id="a-script-gets-401"),
        pytest.param(["/reports", "--as", "bob"], "allow", Reason.SESSION_ACCEPTED, None, id="signed-in"),
        pytest.param(["/admin", "--as", "bob"], "deny", Reason.ROLE_MISSING, 403, id="role-missing"),
        pytest.param(["/admin", "--as", "ada"], "allow", Reason.SESSION_ACCEPTED, None, id="the-provider-knows-the-role"),
        pytest.param(["/maths", "--as", "bob"], "deny", Reason.GROUP_MISSING, 403, id="group-missing"),
        pytest.param(["/admin", "--as", "eve", "--role", "admin"], "allow", Reason.SESSION_ACCEPTED, None, id="unknown-user-with-a-role"),
        pytest.param(
            ["/admin", "--as", "bob", "--role", "admin"], "deny", Reason.ROLE_MISSING, 403, id="a-known-user-gets-no-role-from-here"
        ),
        pytest.param(["/closed"], "deny", Reason.ROUTE_DENIED, 403, id="closed"),
        pytest.param(["http://elsewhere.test/"], "deny", Reason.HOST_UNKNOWN, 421, id="another-host"),
        pytest.param(["/a/../admin"], "deny", Reason.PATH_AMBIGUOUS, 400, id="climbing-path"),
        pytest.param(["/%zz"], "deny", Reason.TARGET_MALFORMED, 400, id="bad-percent"),
        pytest.param(["/x", "--method", "TRACE"], "deny", Reason.METHOD_REFUSED, 405, id="trace"),
        pytest.param(["/x", "--method", "a b"], "deny", Reason.REQUEST_MALFORMED, 400, id="no-method-at-all"),
        pytest.param(["/x", "--header", "Host: a", "--header", "Host: b"], "deny", Reason.HOST_INVALID, 400, id="two-hosts"),
        pytest.param(["/api/auth/session"], "allow", Reason.OWN_ENDPOINT, None, id="the-gateway-answers-itself"),
        pytest.param(["/api/auth;x/session"], "deny", Reason.PATH_AMBIGUOUS, 400, id="almost-the-gateways-own"),
        pytest.param(
            [
                "/x",
                "--as",
                "bob",
                "--header",
                "Upgrade: websocket",
                "--header",
                "Connection: Upgrade",
                "--header",
                "Origin: http://evil.test",
            ],
            *("deny", Reason.ORIGIN_FOREIGN, 403),
            id="websocket-of-another-site",
        ),
    ],
)
def test_the_decision_is_the_running_gateways(explained, arguments, decision, reason, status):
    told = explained(*arguments)
    assert (told["decision"], told["reason"], told["status"]) == (decision, reason, status)
    assert told["steps"], "every decision has a step that led to it"


def test_a_redirect_says_where_to(explained):
    assert explained("/reports?x=1&y=2")["location"] == "/api/auth/signin?callbackUrl=%2Freports%3Fx%3D1%26y%3D2"


def test_an_address_may_be_whole_and_is_sent_as_a_browser_would(explained):
    told = explained("http://localhost:8080/caf\u00e9 au lait?q=\u00fc#top")
    assert told["location"] == "/api/auth/signin?callbackUrl=%2Fcaf%25C3%25A9%2520au%2520lait%3Fq%3D%25C3%25BC"


def test_bytes_of_an_address_that_are_no_utf8_are_asked_about_as_they_are(explained):
    assert explained("/caf\udcc3\udca9")["location"] == "/api/auth/signin?callbackUrl=%2Fcaf%25C3%25A9"
    assert explained("/caf\udce9")["reason"] == "path-ambiguous"


def test_an_allowed_request_says_which_headers_come_and_go(explained):
    told = explained(
        "/admin", "--as", "ada", "--header", "X_Forwarded-User: root", "--header", "Remote-User: root", "--header", "X-Fine: 1"
    )
    assert told["headers_set"] == {
        "X-Forwarded-User": "ada",
        "X-Forwarded-Preferred-Username": "Ada Lovelace",
        "X-Forwarded-Email": "ada@example.com",
        "X-Forwarded-Groups": "staff,maths",
        "X-User-Roles": "admin",
    }
    assert {"X_Forwarded-User", "Remote-User", "X-Forwarded-User", "X-User-Roles"} <= set(told["headers_removed"])
    assert "X-Fine" not in told["headers_removed"]
    assert (told["route"], told["upstream"]) == ("routes[2] /admin/**", "app")


def test_the_steps_say_rule_check_and_why(explained):
    steps = explained("/admin", "--as", "bob")["steps"]
    assert all(set(step) == {"rule", "check", "hit", "why"} for step in steps)
    assert steps[-1] == {"rule": "routes[2] /admin/**", "check": "roles", "hit": False, "why": "needs one of admin; has none"}


@pytest.mark.parametrize("shape", ["header", "value"])
def test_a_cookie_is_read_as_the_gateway_reads_it(explained, shape):
    now = datetime.now(UTC)
    line = COOKIES.write(COOKIES.new(User(id="ada", roles=("admin",)), "credentials", now=now), now=now)[-1].partition(";")[0]
    cookie = f"theme=dark; {line}" if shape == "header" else line.partition("=")[2]
    assert explained("/admin", "--cookie", cookie)["headers_set"]["X-Forwarded-User"] == "ada"


def test_an_expired_cookie_says_so(explained):
    now = datetime.now(UTC) - timedelta(days=2)
    line = COOKIES.write(COOKIES.new(User(id="ada"), "credentials", now=now), now=now)[-1].partition(";")[0]
    assert explained("/x", "--cookie", line)["reason"] == Reason.SESSION_EXPIRED


def test_a_forged_cookie_says_so(explained):
    assert explained("/x", "--cookie", "authjs.session-token=a.b.c.d.e")["reason"] == Reason.SESSION_UNREADABLE


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["reports"], id="no-address"),
        pytest.param(["/x", "--role", "admin"], id="a-role-of-nobody"),
        pytest.param(["/x", "--as", "ada", "--cookie", "x"], id="two-answers-to-who"),
        pytest.param(["/x", "--as", ""], id="a-user-without-a-name"),
        pytest.param(["/x", "--header", "nonsense"], id="no-header"),
    ],
)
def test_what_describes_no_request_is_a_usage_error(run, configured, arguments):
    assert run("explain", *arguments).exit_code == 2


def test_people_read_every_step_and_the_decision(run, configured):
    result = run("explain", "/admin", "--as", "bob")
    assert result.exit_code == 1
    for words in ("GET http://localhost:8080/admin", "signed in as bob", "needs one of admin; has none", "DENY  403 role-missing"):
        assert words in result.stdout


def test_a_value_can_not_write_on_the_terminal(run, configured):
    result = run("explain", "/x", "--as", "bob\x1b[2J\u202e")
    assert "\x1b" not in result.stdout
    assert "\\u001b" in result.stdout
    assert "\\u202e" in result.stdout


def test_no_secret_is_made_to_answer_a_question(run, configured):
    text = (configured / "gateway.toml").read_text().replace('secrets = ["a-test-secret-that-is-long-enough-for-anybody"]', "")
    (configured / "gateway.toml").write_text(text)
    assert run("explain", "/x", "--cookie", "authjs.session-token=a.b.c.d.e").exit_code == 78
    assert run("explain", "/x", "--as", "ada").exit_code == 0
    assert not (configured / "secret").exists()


def test_the_demos_rules_can_be_asked_from_anywhere(run, folder):
    assert run("explain", "--demo", "/admin", "--as", "bob").exit_code == 1
    assert run("explain", "--demo", "/admin", "--as", "ada").exit_code == 0


def test_what_is_signed_is_named_and_what_is_secret_is_not_shown(explained, configured):
    with (configured / "gateway.toml").open("a") as config:
        config.write('\n[headers.assertion]\nname = "X-Signed"\n')
    text = (configured / "gateway.toml").read_text()
    (configured / "gateway.toml").write_text(
        text.replace("[[upstreams]]\n", '[[upstreams]]\nauthorization = "basic"\nbasic_password = "of-the-app"\n', 1)
    )
    told = explained("/reports", "--as", "bob")["headers_set"]
    assert told["Authorization"] == "Basic (hidden)"
    assert told["X-Signed"].startswith("(signed, for ")
    assert not (configured / "assertion-keys").exists()


SIGN_IN = "/api/auth/signin"
RULES = """
[redirects]
after_sign_in = "/home"
[[redirects.rules]]
when = { group = "nobody" }
to = "/never"
[[redirects.rules]]
when = { role = "admin" }
to = "/admin"
"""


@pytest.fixture
def ruled(configured):
    (configured / "gateway.toml").write_text((configured / "gateway.toml").read_text() + RULES)
    return configured


@pytest.mark.parametrize(
    ("arguments", "whose", "ends_at", "won"),
    [
        pytest.param(["/reports"], None, "/reports", "the page that was asked for", id="nobody"),
        pytest.param(["/reports", "--as", "ada"], "ada", "/reports", "the page that was asked for", id="somebody"),
        pytest.param(["/", "--as", "ada"], "ada", "/admin", "redirects.rules[2]", id="the-front-door-by-a-rule"),
        pytest.param(["/", "--as", "bob"], "bob", "/home", "redirects.after_sign_in", id="the-front-door-by-the-default"),
        pytest.param(["/"], None, "/home", "redirects.after_sign_in", id="the-front-door-of-nobody"),
        pytest.param(["/reports", "--method", "POST", "--as", "ada"], "ada", "/admin", "redirects.rules[2]", id="after-a-form"),
        pytest.param([SIGN_IN, "--as", "ada"], "ada", "/admin", "redirects.rules[2]", id="the-sign-in-page-itself"),
        pytest.param(
            [f"{SIGN_IN}?callbackUrl=%2Freports%3Fx%3D1", "--as", "ada"],
            "ada",
            "/reports?x=1",
            "callbackUrl in the query",
            id="as-an-app-asks",
        ),
        pytest.param([f"{SIGN_IN}/credentials?callbackUrl=/a"], None, "/a", "callbackUrl in the query", id="the-page-of-one-provider"),
        pytest.param(
            ["/", "--cookie", "authjs.callback-url=http%3A%2F%2Flocalhost%3A8080%2Fold"],
            *(None, "http://localhost:8080/old", "the callback-url cookie"),
            id="what-an-earlier-visit-left-behind",
        ),
    ],
)
def test_it_says_where_a_sign_in_from_there_would_end(explained, ruled, arguments, whose, ends_at, won):
    sign_in = explained(*arguments)["sign_in"]
    assert (sign_in["as"], sign_in["ends_at"], sign_in["won"]) == (whose, ends_at, won)
    assert {entry["candidate"] for entry in sign_in["lost"]} | {won} >= {
        "redirects.rules[1]",
        "redirects.rules[2]",
        "redirects.after_sign_in",
    }


def test_each_candidate_that_lost_says_why(explained, ruled):
    lost = explained("/", "--as", "ada")["sign_in"]["lost"]
    assert lost == [
        {"candidate": "redirects.rules[1]", "why": "not-for-this-user"},
        {"candidate": "redirects.after_sign_in", "why": "another-won"},
    ]
    foreign = explained(f"{SIGN_IN}?callbackUrl=https://evil.example/", "--as", "ada")["sign_in"]
    assert (foreign["ends_at"], foreign["lost"][0]) == ("/admin", {"candidate": "callbackUrl in the query", "why": "return-foreign-origin"})
    long = explained(f"/{'x' * 3000}")["sign_in"]
    assert long["lost"][0] == {"candidate": "the page that was asked for", "why": "return-too-long"}


@pytest.mark.parametrize(
    "arguments",
    [
        ["/public/x"],
        ["/closed"],
        ["/api/x"],
        ["/api/auth/session"],
        [f"{SIGN_IN}/", "--as", "ada"],
        ["/x", "--header", "Accept: application/json"],
        ["/%zz"],
    ],
)
def test_where_nobody_is_sent_to_the_sign_in_none_is_told_of(explained, ruled, arguments):
    assert explained(*arguments)["sign_in"] is None


def test_people_are_told_of_it(run, ruled):
    shown = run("explain", "/", "--as", "ada").stdout
    for words in (
        "SIGN-IN  from here, ada would end at /admin",
        "won   redirects.rules[2] (role admin → /admin)",
        "lost  redirects.rules[1] (group nobody → /never): not-for-this-user",
        "lost  redirects.after_sign_in (→ /home): another-won",
    ):
        assert words in shown
    assert "--as USER" not in shown
    assert "--as USER asks for one person" in run("explain", "/").stdout


def test_of_many_routes_that_do_not_fit_people_see_some_and_programs_all(run, explained, configured):
    text = (configured / "gateway.toml").read_text()
    many = "".join(f'[[routes]]\npath = "/r{number}/**"\naccess = "public"\nupstream = "app"\n' for number in range(100))
    (configured / "gateway.toml").write_text(text.replace('[[routes]]\npath = "/**"', f'{many}[[routes]]\npath = "/**"'))
    steps = explained("/reports")["steps"]
    assert len([step for step in steps if step["check"] == "path" and not step["hit"]]) == 105
    shown = run("explain", "/reports").stdout
    assert "99 more routes that the path does not fit" in shown
    assert "/r99/**" in shown
    assert "/r50/**" not in shown
    assert "/r50/**" in run("explain", "/reports", "--all").stdout


def test_colours_are_for_people(run, configured):
    assert "\x1b[" in run("explain", "/reports", color=True).stdout
    assert "\x1b[" not in run("explain", "--json", "/reports", color=True).stdout


OWN = """
[forward_auth]
dialects = ["nginx"]
[headers.assertion]
"""


@pytest.mark.parametrize(
    ("arguments", "reason", "status"),
    [
        pytest.param(["/.gateway/auth/nginx"], Reason.PROXY_UNLISTED, 403, id="where-proxies-ask"),
        pytest.param(["/.gateway/auth/caddy"], Reason.ACTION_UNKNOWN, 404, id="where-no-proxy-asks"),
        pytest.param(["/.well-known/jwks.json"], Reason.OWN_ENDPOINT, None, id="the-keys"),
        pytest.param(["/.well-known/jwks.json", "--method", "POST"], Reason.METHOD_REFUSED, 405, id="the-keys-are-read-only"),
        pytest.param(["/.well-known/other"], Reason.SESSION_MISSING, 302, id="beside-the-keys"),
    ],
)
def test_the_gateways_other_addresses_are_known(explained, configured, arguments, reason, status):
    text = (configured / "gateway.toml").read_text().replace("[[upstreams]]", OWN + "[[upstreams]]", 1)
    (configured / "gateway.toml").write_text(text.replace("[session]", 'trusted_proxies = ["127.0.0.1"]\n[session]', 1))
    told = explained(*arguments)
    assert (told["reason"], told["status"]) == (reason, status)


def test_a_form_that_meets_the_sign_in_is_said_to_be_kept(run, configured):
    said = "is kept, and offered once more after the sign-in"
    assert said in run("explain", "/reports", "--method", "POST", "--header", "Accept: text/html").stdout
    assert said not in run("explain", "/reports").stdout
    assert said not in run("explain", "/api/x", "--method", "POST", "--header", "Accept: text/html").stdout


def test_who_is_meant_is_said_without_promising_a_sign_in(run, configured):
    assert "no provider knows such a user" in run("explain", "/", "--as", "adaa").output
    assert "disabled" not in run("explain", "/", "--as", "bob").output
    assert run("users", "disable", "bob").exit_code == 0
    assert "as provider credentials says; disabled, so this is what an older session may do" in run("explain", "/", "--as", "bob").output
