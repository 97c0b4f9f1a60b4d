"""Sign-in, sign-out and who may be refused, from outside: sockets, cookies and nothing else (promises 32 to 37, 41, 45, 49, 50, 52)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from tests.gateway_process import PASSWORDS, GatewayProcess
from tests.recorder import Recorder
from tests.web.raw.conftest import QUICK, Start
from tests.wire import Answer

ADA = {"username": "ada", "password": PASSWORDS["ada"]}
FORM = "Content-Type: application/x-www-form-urlencoded"
ORIGIN = "Origin: http://gateway.test"


def session_lines(answer: Answer) -> list[str]:
    """Set-Cookie lines that give a session."""
    return [line for line in answer.all("set-cookie") if "session-token" in line.partition("=")[0] and "Max-Age=0" not in line]


def post(gateway: GatewayProcess, path: str, *headers: str, body: str = "") -> Answer:
    return gateway.get(path, *headers, method="POST", body=body.encode())


def form(token: str, **fields: str) -> str:
    return "&".join(f"{key}={value}" for key, value in {**fields, "csrfToken": token}.items())


@pytest.mark.parametrize(
    "change",
    [
        "no-token",
        "no-cookie",
        "foreign-token",
        "foreign-cookie",
        "forged-hash",
        "token-in-the-query",
        "two-tokens",
        "empty-token",
        "no-hash",
    ],
)
@pytest.mark.parametrize("path", ["/api/auth/callback/credentials", "/api/auth/signout"])
def test_nothing_happens_without_a_good_token(path: str, change: str, gateway: GatewayProcess, ada: str) -> None:
    """Promise 32."""
    token, cookie = gateway.csrf()
    other_token, other_cookie = gateway.csrf()
    name = cookie.partition("=")[0]
    body, query, lines = form(token, **ADA), "", [f"Cookie: {cookie}; {ada}"]
    match change:
        case "no-token":
            body = form("", **ADA).replace("&csrfToken=", "")
        case "no-cookie":
            lines = [f"Cookie: {ada}"]
        case "foreign-token":
            body = form(other_token, **ADA)
        case "foreign-cookie":
            lines = [f"Cookie: {other_cookie}; {ada}"]
        case "forged-hash":
            lines = [f"Cookie: {name}={token}%7C{'0' * 64}; {ada}"]
        case "token-in-the-query":
            body, query = form("", **ADA).replace("&csrfToken=", ""), f"?csrfToken={token}"
        case "two-tokens":
            body = form(other_token, **ADA) + f"&csrfToken={token}"
        case "empty-token":
            body = form("", **ADA)
        case "no-hash":
            lines = [f"Cookie: {name}={token}; {ada}"]
    gateway.secrets |= {token, other_token}
    answer = post(gateway, path + query, FORM, ORIGIN, *lines, body=body)
    assert answer.status in (302, 303, 400, 403), answer
    assert session_lines(answer) == []
    assert not [line for line in answer.all("set-cookie") if line.startswith("authjs.session-token=;")], "signed out by a forged request"
    if answer.status in (302, 303):
        assert "error=MissingCSRF" in (answer.one("location") or "")


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param(["Origin: http://evil.test"], id="foreign-origin"),
        pytest.param(["Origin: null"], id="opaque-origin"),
        pytest.param(["Origin: https://gateway.test"], id="other-scheme"),
        pytest.param(["Origin: http://gateway.test.evil.test"], id="look-alike"),
        pytest.param(["Sec-Fetch-Site: cross-site"], id="cross-site"),
        pytest.param(["Origin: http://gateway.test", "Sec-Fetch-Site: cross-site"], id="own-origin-but-cross-site"),
        pytest.param(["Sec-Fetch-Site: same-site"], id="sibling-domain"),
    ],
)
@pytest.mark.parametrize("path", ["/api/auth/callback/credentials", "/api/auth/signout"])
def test_another_site_is_refused_even_with_a_good_token(path: str, headers: list[str], gateway: GatewayProcess, ada: str) -> None:
    """Promise 32."""
    token, cookie = gateway.csrf()
    answer = post(gateway, path, FORM, *headers, f"Cookie: {cookie}; {ada}", body=form(token, **ADA))
    assert (answer.status, answer.reason) == (403, "cross-site")
    assert answer.all("set-cookie") == [] or session_lines(answer) == []


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "multipart/form-data; boundary=x",
        "multipart/form-data",
        "application/xml",
        "",
        "text/html",
        "application/x-www-form-urlencoded; charset=utf-7",
    ],
)
def test_only_forms_and_json_are_read(kind: str, gateway: GatewayProcess) -> None:
    """Promise 33."""
    token, cookie = gateway.csrf()
    lines = [f"Content-Type: {kind}"] if kind else []
    answer = post(gateway, "/api/auth/callback/credentials", *lines, ORIGIN, f"Cookie: {cookie}", body=form(token, **ADA))
    assert session_lines(answer) == []
    assert answer.status in (400, 415), answer


@pytest.mark.parametrize(
    "body", ["{", "[]", '"x"', "null", '{"username": {"a": 1}}', "\x00", "{" * 5000, '{"csrfToken": ["x"]}', "%", "=&=&=", "a" * 3000]
)
@pytest.mark.parametrize("kind", ["application/json", "application/x-www-form-urlencoded"])
def test_odd_bodies_are_no_5xx(kind: str, body: str, gateway: GatewayProcess) -> None:
    """Promise 7."""
    answer = post(gateway, "/api/auth/callback/credentials", f"Content-Type: {kind}", ORIGIN, f"Cookie: {gateway.csrf()[1]}", body=body)
    assert 300 <= answer.status < 500, answer
    assert session_lines(answer) == []


def test_a_sign_in_makes_a_new_token_and_a_planted_one_dies(gateway: GatewayProcess, bob: str, upstream: Recorder) -> None:
    """Promise 37."""
    planted = ["Cookie: authjs.session-token=planted; authjs.session-token.0=planted; authjs.session-token.1=planted"]
    first = gateway.post_sign_in(ADA)
    second = gateway.post_sign_in(ADA)
    assert session_lines(first) != session_lines(second)
    token, cookie = gateway.csrf()
    lines = [f"{planted[0]}; {cookie}"]
    answer = post(gateway, "/api/auth/callback/credentials", FORM, ORIGIN, *lines, body=form(token, **ADA))
    assert len(session_lines(answer)) == 1
    gateway.secrets |= {session_lines(answer)[0].partition(";")[0].partition("=")[2]}
    gone = {line.partition("=")[0] for line in answer.all("set-cookie") if "Max-Age=0" in line}
    assert {"authjs.session-token.0", "authjs.session-token.1"} <= gone


def test_wrong_unknown_and_disabled_look_alike(start: Start) -> None:
    """Promise 45: status, body and headers tell nobody apart (times are measured elsewhere)."""
    users = "\n".join(
        f'[users.{name}]\npassword = "$argon2id$v=19$m=8,t=1,p=1$c2l4dGVlbi1iLWFkYXNhbA$4WJhMOwTBL51Z9QKmASHWWRj0JEIkCqPtdN3tNwAs7Q"'
        for name in ("ada", "eve")
    )
    gateway = start(limits={**QUICK, "failed_sign_ins_per_address": 1000}, users=users + "\ndisabled = true\n")
    seen = set()
    for fields in (
        {"username": "ada", "password": "wrong"},
        {"username": "xyz", "password": "wrong"},
        {"username": "eve", "password": PASSWORDS["ada"]},
    ):
        answer = gateway.post_sign_in(fields, "X-Auth-Return-Redirect: 1")
        assert session_lines(answer) == []
        head = re.sub(rb"(?im)^(date|x-request-id): .*$|nonce-[\w-]+", b"", answer.head)
        seen.add((answer.status, head, answer.body))
    assert len(seen) == 1, seen


def test_sign_out_clears_every_session_cookie(gateway: GatewayProcess) -> None:
    token, cookie = gateway.csrf()
    lines = [f"Cookie: {gateway.sign_in('ada')}; authjs.session-token.3=x; {cookie}"]  # of its own: a sign-out ends it for good
    answer = post(gateway, "/api/auth/signout", FORM, ORIGIN, *lines, body=form(token))
    assert answer.status in (302, 303)
    gone = {line.partition("=")[0] for line in answer.all("set-cookie") if "Max-Age=0" in line}
    assert {"authjs.session-token", "authjs.session-token.3"} <= gone
    assert session_lines(answer) == []


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", ["/api/auth/callback/credentials", "/api/auth/signout"])
def test_only_post_changes_anything(method: str, path: str, gateway: GatewayProcess, ada: str) -> None:
    token, cookie = gateway.csrf()
    query = f"?username=ada&password={PASSWORDS['ada']}&csrfToken={token}"
    answer = gateway.get(path + query, f"Cookie: {ada}; {cookie}", method=method)
    assert answer.status < 500
    assert session_lines(answer) == []
    assert not [line for line in answer.all("set-cookie") if line.startswith("authjs.session-token=;")]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param(["Sec-Fetch-Mode: navigate", "Accept: application/json"], 302, id="navigation"),
        pytest.param(["Sec-Fetch-Mode: cors", "Accept: text/html"], 401, id="fetch"),
        pytest.param(["Accept: application/json"], 401, id="json"),
        pytest.param(["Accept: text/html;q=0.9, application/json;q=0.1"], 302, id="rather-html"),
        pytest.param(["X-Requested-With: XMLHttpRequest"], 401, id="xhr"),
        pytest.param([], 302, id="nothing-said"),
    ],
)
def test_people_are_sent_to_the_form_and_scripts_are_told(
    headers: list[str], status: int, gateway: GatewayProcess, upstream: Recorder
) -> None:
    """Promises 50 and 52."""
    answer = gateway.get("/private/x?a=b", *headers)
    assert (answer.status, answer.reason) == (status, "session-missing")
    assert "no-store" in (answer.one("cache-control") or "")
    if status == 401:
        assert json.loads(answer.body)["error"] == "session-missing"
    else:
        assert answer.one("location") == "/api/auth/signin?callbackUrl=%2Fprivate%2Fx%3Fa%3Db"
    assert upstream.requests == []


def test_a_post_is_never_replayed(gateway: GatewayProcess) -> None:
    """Promise 52: no 307 or 308."""
    answer = gateway.get("/private/x", method="POST", body=b"a=b")
    assert (answer.status, answer.one("location")) == (303, "/api/auth/signin")


@pytest.mark.parametrize(
    "path", ["/api/auth/signin", "/api/auth/signout", "/api/auth/error", "/closed/x", "/nowhere", "/api/auth/session", "/api/auth/csrf"]
)
def test_our_pages_are_kept_out_of_frames_caches_and_scripts(path: str, gateway: GatewayProcess) -> None:
    """Promises 34, 49 and 51."""
    answer = gateway.get(path, "Accept: text/html", "Origin: http://evil.test")
    assert answer.one("x-content-type-options") == "nosniff"
    assert "no-store" in (answer.one("cache-control") or "")
    policy = answer.one("content-security-policy") or ""
    for part in ("default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"):
        assert part in policy
    assert "unsafe" not in policy
    for script in re.findall(rb"<script[^>]*>", answer.body):  # the sign-in page has one of its own
        assert path.startswith("/api/auth/signin")
        assert script.removeprefix(b'<script nonce="').removesuffix(b'">').decode() in policy
    assert not any(name.lower().startswith(b"access-control-") for name, _ in answer.lines)
    assert not re.search(rb"aiohttp|python", answer.head, re.IGNORECASE)


def test_a_bad_session_cookie_is_cleared_on_the_sign_in_page(gateway: GatewayProcess) -> None:
    """Promise 41."""
    answer = gateway.get("/api/auth/signin", "Cookie: authjs.session-token=garbage")
    assert answer.status == 200
    assert [line for line in answer.all("set-cookie") if line.startswith("authjs.session-token=;") and "Max-Age=0" in line]


@pytest.fixture(scope="module")
def https(start: Start) -> Iterator[GatewayProcess]:
    """A gateway whose public URL is https, as behind something that ends TLS."""
    yield start(limits=QUICK, public_url="https://gateway.test")


def test_an_https_site_has_secure_cookies_and_says_so_to_the_upstream(https: GatewayProcess, upstream: Recorder) -> None:
    """Promises 36 and 49."""
    answer = https.post_sign_in(ADA)
    lines = session_lines(answer)
    assert len(lines) == 1
    assert lines[0].startswith("__Secure-authjs.session-token=")
    for attribute in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
        assert attribute in [part.strip() for part in lines[0].split(";")]
    assert "domain" not in lines[0].lower()
    assert https.csrf()[1].startswith("__Host-authjs.csrf-token=")
    assert https.get("/api/auth/signin").one("strict-transport-security")
    assert https.get("/private/x", f"Cookie: {lines[0].partition(';')[0]}").status == 200
    assert upstream.only().one("x-forwarded-proto") == "https"
    assert upstream.only().all("cookie") == []


def test_a_session_of_the_http_site_is_none_on_the_https_site(https: GatewayProcess, ada: str, upstream: Recorder) -> None:
    """Promise 36: a cookie without the prefix may have been set over http by anybody on the network."""
    assert https.get("/private/x", f"Cookie: {ada}").status == 302
    renamed = "__Secure-" + ada
    assert https.get("/private/x", f"Cookie: {renamed}").status == 302, "the cookie's name is part of the key"
    assert upstream.requests == []


@pytest.mark.parametrize("length", [2000, 4000, 8000])
def test_the_sign_in_page_can_be_asked_for_however_long_the_address_is_that_leads_there(length: int, gateway: GatewayProcess) -> None:
    """Promise 30 refuses what is too long as a target; it must not be too long as a request (414) before that."""
    asked = gateway.get("/private/x?q=" + "%2F" * (length // 3), "Accept: text/html")
    assert asked.status == 302
    page = gateway.get(asked.one("location"), "Accept: text/html")
    assert (page.status, b"will continue to" in page.body) == (200, length <= 2000)


def test_no_cookie_is_set_that_a_browser_would_not_keep(gateway: GatewayProcess) -> None:
    """Promise 36: of one that is too long browsers say nothing, and the one before would decide where the next sign-in ends."""
    old = "authjs.callback-url=http%3A%2F%2Fgateway.test%2Fold"
    for asked in ("/a" + "%2F" * 2040, "/" + "%C3%A9" * 330):
        page = gateway.get(f"/api/auth/signin?callbackUrl={asked}", "Accept: text/html", f"Cookie: {old}")
        lines = page.all("set-cookie")
        assert page.status == 200
        assert max(len(line.partition(";")[0]) for line in lines) <= 4096
        assert any(line.startswith("authjs.callback-url=") for line in lines)
