"""In the place of oauth2-proxy and of Authelia: their addresses and answers, behind a real nginx that is set up as their documentation says."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, unquote

import pytest

from gateway.core.identity import Session, User
from gateway.web.forward_auth.standing_in import wants_more
from tests.gateway_process import HOST, ORIGIN, PASSWORDS, GatewayProcess, configuration
from tests.recorder import Recorder
from tests.web.forward_auth import fronts
from tests.web.forward_auth.conftest import Front
from tests.wire import Answer

ROUTES = """
[[routes]]
path = "/public/**"
access = "public"
[[routes]]
path = "/admin/**"
access = "signed-in"
roles = ["admin"]
[[routes]]
path = "/read/**"
access = "public"
methods = ["GET"]
[[routes]]
path = "/machines/**"
access = "signed-in"
accepts = ["session", "bearer"]
[[routes]]
path = "/**"
access = "signed-in"
"""
PAGE = "Accept: text/html"
#: oauth2-proxy's documentation had two ways to the sign-in page, one after the other.
OLD_WAY = ("error_page 401 = @oauth2_signin;", "error_page 401 =403 /oauth2/sign_in;")


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    config = configuration(
        {}, routes=ROUTES, server='trusted_proxies = ["127.0.0.1"]', extra='[forward_auth]\ndialects = ["oauth2-proxy", "authelia"]'
    )  # fmt: skip
    gateway = GatewayProcess(tmp_path_factory.mktemp("standing"), config)
    yield gateway
    assert gateway.stop() == 0


@pytest.fixture(scope="module")
def ada(standing: GatewayProcess) -> str:
    return standing.sign_in("ada")


@pytest.fixture(scope="module")
def bob(standing: GatewayProcess) -> str:
    return standing.sign_in("bob")


def nginx(name: str, folder: Path, standing: GatewayProcess, app: Recorder, *change: str) -> Iterator[Front]:
    with fronts.front(name, folder, gateway=standing.address[1], app=app.port, change=change) as port:
        yield Front(name, port, standing, app)


@pytest.fixture(scope="module", params=[(), OLD_WAY], ids=["redirect", "page"])
def oauth2(request, tmp_path_factory, standing, behind_proxies) -> Iterator[Front]:
    yield from nginx("instead-of-oauth2-proxy", tmp_path_factory.mktemp("oauth2"), standing, behind_proxies, *request.param)


@pytest.fixture(scope="module")
def authelia(tmp_path_factory, standing, behind_proxies) -> Iterator[Front]:
    yield from nginx("instead-of-authelia", tmp_path_factory.mktemp("authelia"), standing, behind_proxies)


def cookies_of(answer: Answer) -> dict[str, str]:
    return dict(line.partition(";")[0].split("=", 1) for line in answer.all("set-cookie") if "Max-Age=0" not in line)


def sign_in(front: Front, page: Answer, jar: dict[str, str], *, password: str) -> Answer:
    """Fill in the form of a page, and send it where the page says."""
    text = page.body.decode()
    action = re.search(r'<form method="post" action="([^"]+)"', text)[1]
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', text))
    fields = {**hidden, "username": "ada", "password": password}
    body = "&".join(f"{name}={quote(value, safe='')}" for name, value in fields.items())
    lines = [
        f"POST {action} HTTP/1.1", f"Host: {HOST}", f"Origin: {ORIGIN}", "Content-Type: application/x-www-form-urlencoded", PAGE,
        f"Cookie: {'; '.join(f'{name}={value}' for name, value in jar.items())}", f"Content-Length: {len(body)}",
    ]  # fmt: skip
    answer = front.request("\r\n".join([*lines, "", body]).encode())
    front.gateway.secrets |= {value for value in cookies_of(answer).values() if len(value) > 20}
    return answer


def test_a_person_signs_in_through_oauth2_alone_and_comes_back_and_out_again(oauth2: Front) -> None:
    """Nothing but `/oauth2/` is handed on to the gateway, and nothing else is needed."""
    oauth2.app.reset()
    page = oauth2.get("/private/x?q=1", PAGE)
    if page.status == 302:
        assert page.one("location").endswith(f"/oauth2/sign_in?rd=http://{HOST}/private/x?q=1")
        page = oauth2.get("/oauth2/sign_in?rd=" + page.one("location").partition("rd=")[2], PAGE)
        assert page.status == 200
    else:
        assert page.status == 403, "nginx's own doing: `error_page 401 =403`"
    assert b"/api/auth/" not in page.body
    jar = cookies_of(page)
    failed = sign_in(oauth2, page, jar, password="wrong")
    assert failed.status == 302, failed
    assert failed.one("location").startswith("/oauth2/sign_in?error=")
    again = oauth2.get(failed.one("location"), PAGE, f"Cookie: {'; '.join(f'{name}={value}' for name, value in jar.items())}")
    assert (again.status, b"Sign-in failed" in again.body) == (200, True)
    done = sign_in(oauth2, again, jar, password=PASSWORDS["ada"])
    assert done.status == 302, done
    assert done.one("location") in ("/private/x?q=1", f"{ORIGIN}/private/x?q=1")
    assert oauth2.app.requests == []
    cookie = "; ".join(f"{name}={value}" for name, value in cookies_of(done).items() if "session-token" in name)
    assert oauth2.get("/private/x?q=1", f"Cookie: {cookie}").status == 200
    assert (oauth2.app.only().one("x-user"), oauth2.app.only().one("x-email")) == ("ada", "ada@example.com")
    asked = oauth2.get("/oauth2/sign_out?rd=/public/bye", f"Cookie: {cookie}", PAGE, "Sec-Fetch-Site: cross-site")
    assert (asked.status, b'action="/oauth2/sign_out"' in asked.body) == (200, True), "a link on another site signs nobody out"
    out = oauth2.get("/oauth2/sign_out?rd=/public/bye", f"Cookie: {cookie}", PAGE, "Sec-Fetch-Site: same-origin")
    assert (out.status, out.one("location")) == (302, "/public/bye")
    gone = {line.partition("=")[0] for line in out.all("set-cookie") if "Max-Age=0" in line}
    assert {"authjs.sign-in-trail", "authjs.kept-form"} <= gone, "nothing is left for whoever is next at this browser"
    assert oauth2.get("/private/x", f"Cookie: {cookie}").status in (302, 403)


@pytest.mark.parametrize(
    ("lines", "counted"),
    [
        (("X-Real-IP: 203.0.113.9",), "203.0.113.9"),
        (("X-Forwarded-For: 203.0.113.9",), "203.0.113.9"),
        (("X-Real-IP: 203.0.113.9", "X-Forwarded-For: 203.0.113.9"), "203.0.113.9"),
        (("X-Real-IP: 203.0.113.9", "X-Forwarded-For: 198.51.100.7"), "127.0.0.1"),
        (("X-Real-IP: 203.0.113.9", "X-Real-IP: 198.51.100.7"), "127.0.0.1"),
        (("X-Real-IP: x",), "127.0.0.1"),
        ((), "127.0.0.1"),
    ],
    ids=str,
)
def test_an_address_that_the_client_can_have_said_itself_counts_no_failed_sign_in(lines, counted, standing: GatewayProcess) -> None:
    """Promise 46: whoever guesses must not get a new count for each address that he makes up."""
    before = len(standing.log)
    answer = standing.get(
        "/oauth2/callback/credentials", *lines, "Content-Type: application/x-www-form-urlencoded", method="POST", body=b"x=y"
    )
    assert answer.status in (302, 400, 403), answer
    until = time.monotonic() + 10
    while f"client={counted} " not in standing.log[before:].replace("\n", " ") and time.monotonic() < until:
        time.sleep(0.02)  # the log is written by a thread of its own
    assert f"client={counted} " in standing.log[before:].replace("\n", " ")


def test_userinfo_is_oauth2_proxys(oauth2: Front, ada: str) -> None:
    answer = oauth2.get("/oauth2/userinfo", f"Cookie: {ada}")
    assert answer.status == 200
    told = {"user": "ada", "email": "ada@example.com", "groups": ["staff", "maths"], "preferredUsername": "Ada Lovelace"}
    assert json.loads(answer.body) == told
    assert oauth2.get("/oauth2/userinfo").status == 401


@pytest.mark.parametrize(
    "rd",
    ["https://evil.test/", "//evil.test", "/\\evil.test", "javascript:alert(1)", "/oauth2/sign_out", f"{ORIGIN}/oauth2/sign_out", "/api/auth/signout", "/\t/evil.test", "http://gateway.test@evil.test/", "/x/../oauth2/sign_out", f"{ORIGIN}/./oauth2/sign_out", "/%6fauth2/sign_out"],
)  # fmt: skip
@pytest.mark.parametrize("where", ["query", "header"])
def test_rd_never_leads_away(rd: str, where: str, standing: GatewayProcess, ada: str) -> None:
    """Promise 30, at one more entrance."""
    lines = [f"X-Auth-Request-Redirect: {rd}"] if where == "header" else []
    query = f"?rd={quote(rd, safe='')}" if where == "query" else ""
    out = standing.get(f"/oauth2/sign_out{query}", *lines, PAGE, "Sec-Fetch-Site: none")
    assert (out.status, out.one("location")) == (302, "/"), out
    page = standing.get(f"/oauth2/sign_in{query}", *lines, PAGE)
    assert (page.status, b"evil" in page.body) == (200, False)


@pytest.mark.parametrize("asked", ["/oauth2/sign_out", "/x/../oauth2/sign_out?rd=/", "/api/authz/x"])
def test_no_sign_in_ends_in_a_room_of_another_gateway(asked: str, standing: GatewayProcess) -> None:
    """Promise 30: whoever was sent there would be signed out again at once."""
    done = standing.post_sign_in({"username": "ada", "password": PASSWORDS["ada"], "callbackUrl": asked})
    assert (done.status, done.one("location")) == (302, "/")


@pytest.mark.parametrize(
    ("method", "lines", "signs_out"),
    [
        ("GET", ("Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: navigate"), True),
        ("GET", ("Sec-Fetch-Site: none", "Sec-Fetch-Mode: navigate"), True),
        ("GET", ("Sec-Fetch-Site: same-site", f"Referer: {ORIGIN}/private/x"), True),
        ("GET", (f"Referer: {ORIGIN}/private/x",), True),
        ("GET", ("Sec-Fetch-Site: same-site", "Referer: http://sibling.test/"), False),
        ("GET", ("Sec-Fetch-Site: same-site",), False),
        ("GET", ("Sec-Fetch-Site: cross-site", f"Referer: {ORIGIN}/"), False),
        ("GET", ("Sec-Fetch-Site: none", "Sec-Fetch-Site: cross-site"), False),
        ("GET", ("Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: image"), False),
        ("GET", ("Referer: http://evil.test/gateway.test",), False),
        ("GET", ("Referer: http://gateway.test@evil.test/",), False),
        ("GET", (), False),
        ("HEAD", ("Sec-Fetch-Site: same-origin",), False),
    ],
    ids=str,
)
def test_no_page_of_others_signs_anybody_out(method: str, lines: tuple[str, ...], signs_out: bool, standing: GatewayProcess) -> None:
    """Promise 32: a sibling subdomain is another site, and so is a picture on a page of ours."""
    cookie = standing.sign_in("bob")
    standing.raw(
        "\r\n".join(
            [f"{method} /oauth2/sign_out HTTP/1.1", f"Host: {HOST}", "Connection: close", PAGE, f"Cookie: {cookie}", *lines, "", ""]
        ).encode()
    )
    assert (standing.get("/private/x", f"Cookie: {cookie}").one("x-gateway-reason") == "session-revoked") is signs_out


def ask(standing: GatewayProcess, *lines: str, query: str = "", uri: str = "/private/x") -> Answer:
    return standing.get(f"/oauth2/auth{query}", f"X-Forwarded-Uri: {uri}", *lines)


@pytest.mark.parametrize(
    ("uri", "who", "query", "status", "reason"),
    [
        ("/private/x", "ada", "", 202, "session-accepted"),
        ("/private/x", None, "", 401, "session-missing"),
        ("/admin/x", "bob", "", 403, "role-missing"),
        ("/public/x", None, "", 202, "route-public"),
        ("/read/x", "ada", "", 403, "original-incomplete"),
        ("/private/../public/x", "ada", "", 403, "path-ambiguous"),
        ("/oauth2/userinfo", "ada", "", 403, "action-unknown"),
        ("/private/x", "ada", "?allowed_groups=ops,staff", 202, "session-accepted"),
        ("/private/x", "ada", "?allowed_groups=ops", 403, "group-missing"),
        ("/private/x", "bob", "?allowed_groups=staff", 403, "group-missing"),
        ("/private/x", "ada", "?allowed_email_domains=example.com", 202, "session-accepted"),
        ("/private/x", "ada", "?allowed_email_domains=ample.com", 403, "group-missing"),
        ("/private/x", "bob", "?allowed_emails=ada@example.com", 403, "group-missing"),
        ("/private/x", "ada", "?allowed_emails=ADA@example.com,ada@example.com", 202, "session-accepted"),
        ("/public/x", None, "?allowed_groups=staff", 401, "session-missing"),
    ],
    ids=str,
)
def test_auth_answers_as_oauth2_proxy_does_by_our_rules(uri, who, query, status, reason, standing, ada, bob) -> None:
    lines = [f"Cookie: {ada if who == 'ada' else bob}"] if who else []
    answer = ask(standing, *lines, query=query, uri=uri)
    assert (answer.status, answer.reason) == (status, reason), answer
    named = {name: answer.one(f"x-auth-request-{name}") for name in ("user", "email", "groups", "preferred-username")}
    told = {"user": "ada", "email": "ada@example.com", "groups": "staff,maths", "preferred-username": "Ada Lovelace"}
    assert named == (told if (status, who) == (202, "ada") else dict.fromkeys(told))
    assert answer.one("gap-auth") == ("ada@example.com" if (status, who) == (202, "ada") else None)


@pytest.mark.parametrize(("email", "fits"), [("a@example.com", True), ("example.com", False), ("a@b@example.com", False), (None, False)])
def test_a_domain_is_that_of_an_address(email: str | None, fits: bool) -> None:
    now = datetime.now(UTC)
    user = User(id="ada", email=email)
    session = Session(user=user, token_id="t", sign_in_id="s", signed_in_at=now, issued_at=now, expires_at=now)
    assert (wants_more(b"/oauth2/auth?allowed_email_domains=example.com", session) is None) is fits


@pytest.mark.parametrize("claim", ["X-Forwarded-Method: GET", "X-Original-Method: GET", "X-HTTP-Method-Override: GET"])
def test_a_method_that_only_the_client_can_have_said_opens_nothing(claim: str, oauth2: Front, standing: GatewayProcess) -> None:
    """That nginx sets no such field, so a client's own would pass: somebody who sends a POST says that it is a GET."""
    oauth2.app.reset()
    assert oauth2.get("/read/x", claim, method="POST").status in (403, 404)
    assert ask(standing, claim, uri="/read/x").status == 403
    assert oauth2.app.requests == []


def test_a_target_that_the_client_says_opens_nothing(oauth2: Front) -> None:
    oauth2.app.reset()
    for claim in (
        "X-Forwarded-Uri: /public/x",
        f"X-Original-URL: {ORIGIN}/public/x",
        "X-Auth-Request-Redirect: /public/x",
        "X-Original-URI: /public/x",
    ):
        assert oauth2.get("/private/x", claim).status in (302, 403), claim
    assert oauth2.app.requests == []


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        ((f"X-Original-URL: {ORIGIN}/private/x",), 202),
        ((f"X-Original-URL: {ORIGIN}/private/x", "X-Forwarded-Uri: /private/x"), 202),
        ((f"X-Original-URL: {ORIGIN}/private/x", "X-Forwarded-Uri: /public/x"), 403),
        ((f"X-Original-URL: {ORIGIN}/private/x", f"X-Original-URL: {ORIGIN}/private/x"), 403),
        ((f"X-Original-URL: {ORIGIN}/private/x", "X-Forwarded-Uri: /private/x", "X-Forwarded-Uri: /private/x"), 403),
        (("X-Original-URL: http://other.test/private/x",), 403),
        (("X-Original-URL: /private/x",), 403),
    ],
    ids=str,
)
def test_kubernetes_ingress_says_the_url_and_two_that_differ_are_none(lines, status, standing: GatewayProcess, ada: str) -> None:
    answer = standing.get("/oauth2/auth", *lines, "X-Original-Method: GET", "X-Auth-Request-Redirect: /private/x", f"Cookie: {ada}")
    assert answer.status == status, answer


def test_without_the_target_there_is_no_yes(standing: GatewayProcess, ada: str) -> None:
    answer = standing.get("/oauth2/auth", f"Cookie: {ada}")
    assert (answer.status, answer.reason) == (403, "original-incomplete")


@pytest.mark.parametrize(
    "line", ["X-Auth-Request-User: root", "X_Auth_Request_User: root", "Remote-User: root", "Authorization: Bearer gwt_x"]
)
def test_what_nobody_would_take_away_is_no_yes(line: str, standing: GatewayProcess, ada: str) -> None:
    assert ask(standing, f"Cookie: {ada}", line).reason == "header-forged"


@pytest.mark.parametrize("path", ["/oauth2", "/oauth2/", "/oauth2/x", "/oauth2/%61uth", "/oauth2/callback", "/api/authz/x", "/api/authz"])
def test_nothing_else_in_the_rooms_of_others_is_anything(path: str, standing: GatewayProcess, ada: str) -> None:
    answer = standing.get(path, f"Cookie: {ada}")
    assert (answer.status, answer.reason) in ((404, "action-unknown"), (400, "path-ambiguous")), answer


def test_without_the_setting_the_addresses_are_an_apps(tmp_path: Path, behind_proxies: Recorder) -> None:
    gateway = GatewayProcess(tmp_path, configuration({"app": behind_proxies.port, "other": behind_proxies.port}))
    try:
        cookie = gateway.sign_in("ada")
        for path in ("/oauth2/auth", "/api/authz/forward-auth"):
            assert gateway.get(path, f"Cookie: {cookie}").reason == ("route-missing" if path.startswith("/oauth2") else None)
    finally:
        assert gateway.stop() == 0


# Authelia


def test_behind_authelias_nginx_a_person_signs_in_and_the_app_is_told(authelia: Front, ada: str) -> None:
    authelia.app.reset()
    answer = authelia.get("/private/x?q=1", PAGE)
    assert answer.status == 302, answer
    assert unquote(answer.one("location")) == f"{ORIGIN}/api/auth/signin?callbackUrl=/private/x?q=1"
    assert authelia.get("/api/auth/signin", PAGE).status == 200
    assert authelia.app.requests == []
    assert authelia.get("/private/x?q=1", f"Cookie: {ada}").status == 200
    request = authelia.app.only()
    told = [request.one(f"remote-{name}") for name in ("user", "groups", "name", "email")]
    assert told == ["ada", "staff,maths", "Ada Lovelace", "ada@example.com"]
    assert authelia.get("/admin/x", f"Cookie: {authelia.gateway.sign_in('bob')}").status == 403
    assert authelia.get("/private/x", f"Cookie: {ada}", "Remote-User: root").status == 403


FORWARDED = ("X-Forwarded-Method: {method}", f"X-Forwarded-Host: {HOST}", "X-Forwarded-Proto: http", "X-Forwarded-Uri: {uri}")
ORIGINAL = ("X-Original-Method: {method}", f"X-Original-URL: {ORIGIN}{{uri}}")


@pytest.mark.parametrize(
    ("uri", "who", "lines", "method", "statuses"),
    [
        ("/private/x", "ada", (), "GET", (200, 200, 200)),
        ("/private/x", None, (PAGE,), "GET", (302, 401, 302)),
        ("/private/x", None, (PAGE,), "POST", (303, 401, 303)),
        ("/private/x", None, (PAGE, "X-Requested-With: XMLHttpRequest"), "GET", (401, 401, 401)),
        ("/private/x", None, ("Accept: application/json",), "GET", (401, 401, 401)),
        ("/admin/x", "bob", (PAGE,), "GET", (403, 403, 403)),
        ("/read/x", None, (), "GET", (200, 200, 200)),
        ("/read/x", None, ("Accept: application/json",), "DELETE", (401, 401, 401)),
        ("/private/%2e%2e/public", "ada", (), "GET", (400, 403, 400)),
    ],
    ids=str,
)
def test_authelias_three_endpoints_answer_by_our_rules(uri, who, lines, method, statuses, standing, ada, bob) -> None:
    cookie = [f"Cookie: {ada if who == 'ada' else bob}"] if who else []
    forward = standing.get("/api/authz/forward-auth", *(line.format(method=method, uri=uri) for line in FORWARDED), *lines, *cookie)
    request = standing.get("/api/authz/auth-request", *(line.format(method=method, uri=uri) for line in ORIGINAL), *lines, *cookie)
    ext = standing.get(f"/api/authz/ext-authz/{uri}", "X-Forwarded-Proto: http", *lines, *cookie, method=method)
    answers = (forward, request, ext)
    assert tuple(answer.status for answer in answers) == statuses, answers
    for answer in answers:
        assert answer.one("remote-user") == (who if answer.status == 200 else None)
        if answer.status in (302, 303) or (PAGE in lines and answer is request and statuses[0] in (302, 303)):
            assert answer.one("location").startswith(f"{ORIGIN}/api/auth/signin")


@pytest.mark.parametrize(
    "url", ["", "/private/x", "http://", f"{ORIGIN}@evil.test/", "ftp://gateway.test/x", f"{ORIGIN}?x", f"{ORIGIN} /x"]
)
def test_an_original_url_that_is_none_is_no_yes(url: str, standing: GatewayProcess, ada: str) -> None:
    answer = standing.get("/api/authz/auth-request", "X-Original-Method: GET", f"X-Original-URL: {url}", f"Cookie: {ada}")
    assert answer.status in (400, 403), answer


@pytest.mark.parametrize("path", ["/oauth2/auth", "/api/authz/forward-auth", "/api/authz/auth-request", "/api/authz/ext-authz//private/x"])
def test_whoever_is_not_listed_may_not_ask(path: str, tmp_path_factory, ada: str) -> None:
    gateway = _unlisted(tmp_path_factory)
    lines = [*(line.format(method="GET", uri="/private/x") for line in (*FORWARDED, *ORIGINAL))]
    answer = gateway.get(path, *lines, f"Cookie: {gateway.sign_in('ada')}")
    assert (answer.status, answer.reason) == (403, "proxy-unlisted"), answer


_RUNNING: list[GatewayProcess] = []


def _unlisted(tmp_path_factory: pytest.TempPathFactory) -> GatewayProcess:
    if not _RUNNING:
        extra = '[forward_auth]\ndialects = ["oauth2-proxy", "authelia"]'
        config = configuration({}, routes=ROUTES, server='trusted_proxies = ["192.0.2.1"]', extra=extra)
        _RUNNING.append(GatewayProcess(tmp_path_factory.mktemp("unlisted"), config))
    return _RUNNING[0]


@pytest.fixture(scope="module", autouse=True)
def _stopped() -> Iterator[None]:
    yield
    while _RUNNING:
        assert _RUNNING.pop().stop() == 0
