"""Five real proxies that ask the gateway, each with the configuration of `config/examples` (promises 16 to 24, 35, 53)."""

from __future__ import annotations

import base64
import json
import re
from urllib.parse import unquote

import pytest
from click.testing import CliRunner

from gateway.cli.main import gateway as command
from gateway.core.target import Target, read_target
from tests.gateway_process import ORIGIN, PASSWORDS, GatewayProcess
from tests.recorder import OK, Exchange
from tests.web.forward_auth.conftest import Front
from tests.web.raw.cases import lines_of
from tests.wire import Ended, unescape

PAGE = "Accept: text/html"
HANDSHAKE = (
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)


def test_an_anonymous_person_is_sent_to_the_sign_in_page(proxy: Front) -> None:
    answer = proxy.get("/private/x?q=1", PAGE)
    assert answer.status == 302, answer
    assert answer.one("location") == f"{ORIGIN}/api/auth/signin?callbackUrl=%2Fprivate%2Fx%3Fq%3D1"
    assert answer.reason == "session-missing"
    assert answer.one("cache-control") == "no-store"
    assert proxy.app.requests == []


def test_an_anonymous_script_gets_401(proxy: Front) -> None:
    answer = proxy.get("/private/x", "Accept: application/json")
    assert answer.status == 401, answer
    assert answer.one("location") is None
    assert answer.reason == "session-missing"
    assert proxy.app.requests == []


def test_the_sign_in_page_is_reached_through_the_proxy(proxy: Front) -> None:
    answer = proxy.get("/api/auth/signin", PAGE)
    assert answer.status == 200, answer
    assert b"Password" in answer.body
    assert proxy.app.requests == []


def test_a_cookie_lets_in_and_the_app_is_told_who_it_is_and_not_the_session(proxy: Front, ada: str) -> None:
    answer = proxy.get("/private/x?q=1", f"Cookie: a=b; {ada}; c=d", PAGE)
    assert answer.status == 200, answer
    request = proxy.app.only()
    assert request.target == "/private/x?q=1"
    assert request.one("x-forwarded-user") == "ada"
    assert request.one("x-forwarded-preferred-username") == "Ada Lovelace"
    assert request.one("x-forwarded-email") == "ada@example.com"
    assert request.one("x-forwarded-groups") == "staff,maths"
    assert request.one("cookie") == "a=b; c=d"


def test_a_cookie_line_with_nothing_but_the_session_does_not_arrive(proxy: Front, ada: str) -> None:
    assert proxy.get("/private/x", f"Cookie: {ada}").status == 200
    assert proxy.app.only().one("cookie") in (None, "")


def test_a_renewed_session_reaches_the_browser(proxy: Front, ada: str) -> None:
    proxy.app.script = lambda exchange: exchange.send(OK.replace(b"\r\n\r\n", b"\r\nSet-Cookie: app=1\r\n\r\n", 1))
    answer = proxy.get("/private/x", f"Cookie: {ada}")
    assert answer.status == 200, answer
    renewed = [line for line in answer.all("set-cookie") if line.startswith("authjs.session-token=")]
    assert len(renewed) == 1, answer
    assert "HttpOnly" in renewed[0]
    assert "app=1" in answer.all("set-cookie")
    assert proxy.get("/private/x", f"Cookie: {renewed[0].partition(';')[0]}").status == 200


def test_a_renewed_session_of_several_cookies_reaches_the_browser_whole(proxy: Front, bob: str) -> None:
    assert bob.count("authjs.session-token.") == 2, "BOB's session needs two cookies"
    answer = proxy.get("/private/x", f"Cookie: {bob}")
    assert answer.status == 200, answer
    pairs = [line.partition(";")[0] for line in answer.all("set-cookie")]
    assert [pair.partition("=")[0] for pair in sorted(pairs)] == ["authjs.session-token.0", "authjs.session-token.1"]
    assert proxy.get("/private/x", f"Cookie: {'; '.join(pairs)}").status == 200


def test_a_program_is_let_in_by_its_token_or_password_and_the_app_sees_neither(proxy: Front) -> None:
    folder = proxy.gateway.log_file.parent
    made = CliRunner().invoke(command, ["tokens", "new", "--user", "ada", "-c", str(folder / "gateway.toml"), "--json"])
    token = json.loads(made.stdout)["token"]
    proxy.gateway.secrets.add(token)
    for credential in (f"Bearer {token}", "Basic " + base64.b64encode(f"ada:{PASSWORDS['ada']}".encode()).decode()):
        proxy.app.reset()
        answer = proxy.get("/hooks/x", f"Authorization: {credential}")
        assert answer.status == 200, answer
        assert answer.one("set-cookie") is None
        request = proxy.app.only()
        assert (request.one("x-forwarded-user"), request.all("authorization")) in [("ada", []), ("ada", [""])]
    proxy.app.reset()
    answer = proxy.get("/hooks/x", f"Authorization: Bearer {token[:-1]}")
    assert answer.status == 401, answer
    assert any("invalid_token" in line for line in answer.all("www-authenticate")), answer
    assert proxy.app.requests == []


def test_an_authorization_of_the_apps_own_goes_on(proxy: Front, ada: str) -> None:
    for target in ("/private/x", "/hooks/x"):
        proxy.app.reset()
        assert proxy.get(target, f"Cookie: {ada}", "Authorization: Bearer of-the-app").status == 200
        assert proxy.app.only().all("authorization") == ["Bearer of-the-app"]


def test_a_role_that_is_missing_is_a_403(proxy: Front, bob: str) -> None:
    answer = proxy.get("/admin/x", f"Cookie: {bob}", PAGE)
    assert answer.status == 403, answer
    assert answer.reason == "role-missing"
    assert proxy.app.requests == []


def test_what_bob_has_not_is_not_told_from_another_request(proxy: Front, bob: str) -> None:
    """BOB has neither groups nor an address: no header is made of that, and nobody else's is left."""
    assert proxy.get("/private/x", f"Cookie: {bob}").status == 200
    request = proxy.app.only()
    assert request.one("x-forwarded-user") == "bob"
    assert request.all("x-forwarded-groups") in ([], [""])
    assert request.all("x-forwarded-email") in ([], [""])


def test_an_open_route_is_told_nothing(proxy: Front, ada: str) -> None:
    assert proxy.get("/public/x", f"Cookie: {ada}").status == 200
    assert b"ada" not in proxy.app.only().head.lower()


@pytest.mark.parametrize("where", ["public", "private"])
@pytest.mark.parametrize("name", lines_of("identity_names.txt"))
def test_a_forged_identity_header_never_arrives(name: str, where: str, proxy: Front, ada: str) -> None:
    """Promises 16 and 17: taken away where the proxy can be told to; where it can't, the request is refused."""
    answer = proxy.get(f"/{where}/x", f"Cookie: {ada}", f"{name}: mallory", f"{name.upper()}: mallory")
    assert answer.status in (200, 400, 403), answer
    if answer.status != 200:
        assert proxy.app.requests == []
        return
    request = proxy.app.only()
    assert b"mallory" not in request.head
    assert request.all("x-forwarded-user") in ([], [""]) if where == "public" else request.one("x-forwarded-user") == "ada"


@pytest.mark.parametrize("where", ["public", "private"])
def test_what_a_client_claims_of_its_way_here_never_arrives(where: str, proxy: Front, ada: str) -> None:
    """Promise 20: which address, scheme, host and port it was, the proxy says."""
    names = ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port", "X-Real-IP", "Forwarded")
    for name in names if where == "public" else (" ".join(names),):
        proxy.app.reset()
        answer = proxy.get(f"/{where}/x", f"Cookie: {ada}", *(f"{claim}: mallory" for claim in name.split()))
        if answer.status != 200:
            assert (answer.status in (400, 403), proxy.app.requests) == (True, []), answer
        else:
            assert b"mallory" not in proxy.app.only().head, name


@pytest.mark.parametrize("name", ["X-HTTP-Method-Override", "X-Original-URL", "X-Rewrite-URL", "X_Rewrite_URL"])
def test_an_override_never_arrives(name: str, proxy: Front) -> None:
    """Promise 21."""
    answer = proxy.get("/public/x", f"{name}: /admin/x")
    assert answer.status in (200, 400, 403), answer
    assert all(b"/admin" not in request.head for request in proxy.app.requests)


@pytest.mark.parametrize(
    "field", ["X-Original-URI", "X-Original-Method", "X-Original-Host", "X-Forwarded-Uri", "X-Forwarded-Method", "X-Forwarded-Host"]
)
def test_a_client_does_not_choose_what_is_asked_about(field: str, proxy: Front, bob: str) -> None:
    """Promise 53: CVE-2021-32637 and its family."""
    answer = proxy.get("/admin/x", f"Cookie: {bob}", f"{field}: /public/x", f"{field}: GET")
    assert answer.status in (400, 403), answer
    assert proxy.app.requests == []


@pytest.mark.parametrize("target", lines_of("paths_refused.txt"))
def test_a_target_that_can_be_read_two_ways_does_not_arrive(target: str, proxy: Front, bob: str) -> None:
    """Promises 23 and 24: the gateway refuses it; or the proxy has repaired it before it asked, and sends on what was judged."""
    sent = unescape(re.sub(r"\\(?!x[0-9a-f]{2})", r"\\\\", target))
    try:
        answer = proxy.request(b"GET " + sent + b" HTTP/1.1\r\nHost: gateway.test\r\nCookie: " + bob.encode() + b"\r\n\r\n")
    except Ended as ended:  # a proxy that refuses at once may close before it has read the cookies
        assert b"400 Bad Request" in ended.got
        assert proxy.app.requests == []
        return
    assert 300 <= answer.status < 500 or proxy.app.requests, answer
    for request in proxy.app.requests:
        read = read_target(request.target)
        assert isinstance(read, Target), request.target
        assert all(reading.lower().startswith(("/public", "/private")) for reading in read.readings), read.readings


@pytest.mark.parametrize("target", lines_of("paths_passed.txt"))
def test_a_target_with_one_reading_arrives(target: str, proxy: Front) -> None:
    answer = proxy.request(b"GET " + target.encode() + b" HTTP/1.1\r\nHost: gateway.test\r\n\r\n")
    if answer.status == 400 and answer.reason is None:
        assert proxy.app.requests == []  # the proxy itself refuses it
        return
    assert answer.status == 200, answer
    assert merged(proxy.app.only().target) == merged(target)


def merged(target: str) -> str:
    """The path, decoded and without empty segments: some proxies write it anew before they ask."""
    return re.sub("//+", "/", unquote(target.partition("?")[0]))


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_the_method_is_the_one_that_was_sent(method: str, proxy: Front) -> None:
    """`/get-only` is a route for GET alone; for the others there is none."""
    with proxy.connect() as connection:
        connection.send(f"{method} /get-only/x HTTP/1.1\r\nHost: gateway.test\r\nContent-Length: 0\r\n\r\n".encode())
        answer = connection.answer(method)
    assert answer.status == (200 if method == "GET" else 403 if proxy.name == "nginx" else 404), answer
    assert len(proxy.app.requests) == (method == "GET")


def echo(exchange: Exchange) -> None:
    """Accept a WebSocket and send back what comes."""
    exchange.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                  b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")  # fmt: skip
    exchange.send(exchange.reader.exactly(11))
    exchange.close()


def test_a_websocket_passes_with_our_origin(proxy: Front, ada: str) -> None:
    proxy.app.script = echo
    with proxy.connect() as connection:
        lines = ("GET /private/socket HTTP/1.1", "Host: gateway.test", *HANDSHAKE, f"Cookie: {ada}", f"Origin: {ORIGIN}", "", "")
        connection.send("\r\n".join(lines).encode())
        answer = connection.head()
        assert answer.status == 101, answer
        connection.send(b"\x81\x85\x00\x00\x00\x00hello")
        assert connection.reader.exactly(11) == b"\x81\x85\x00\x00\x00\x00hello"
    assert proxy.app.only().one("x-forwarded-user") == "ada"


@pytest.mark.parametrize("origin", ["https://evil.test", "null", "http://gateway.test.evil.test", None])
def test_a_websocket_from_elsewhere_is_refused(origin: str | None, proxy: Front, ada: str) -> None:
    """Promise 35."""
    answer = proxy.get("/private/socket", *HANDSHAKE, f"Cookie: {ada}", *([f"Origin: {origin}"] if origin else []))
    assert answer.status == 403, answer
    assert proxy.app.requests == []


def test_an_anonymous_websocket_gets_401(proxy: Front) -> None:
    answer = proxy.get("/private/socket", *HANDSHAKE, f"Origin: {ORIGIN}", PAGE)
    assert answer.status == 401, answer
    assert proxy.app.requests == []


def test_a_foreign_host_is_refused(proxy: Front, ada: str) -> None:
    """Promise 29."""
    answer = proxy.request(f"GET /public/x HTTP/1.1\r\nHost: evil.test\r\nCookie: {ada}\r\n\r\n".encode())
    assert answer.status in (403, 421), answer
    assert proxy.app.requests == []


def test_a_body_goes_to_the_app_and_only_there(proxy: Front, ada: str) -> None:
    head = f"POST /private/x HTTP/1.1\r\nHost: gateway.test\r\nCookie: {ada}\r\nContent-Length: 5\r\n\r\nhello"
    proxy.app.script = lambda exchange: (exchange.read_body(), exchange.send(OK))[1]
    assert proxy.request(head.encode()).status == 200
    assert proxy.app.only().body == b"hello"


def test_a_gateway_that_is_gone_lets_nobody_in(
    proxy: Front, tmp_path_factory: pytest.TempPathFactory, asked: GatewayProcess, ada: str
) -> None:
    from tests.servers import free_port
    from tests.web.forward_auth.fronts import front

    with front(proxy.name, tmp_path_factory.mktemp("alone"), gateway=free_port(), app=proxy.app.port) as port:
        alone = Front(proxy.name, port, asked, proxy.app)
        answer = alone.get("/public/x", f"Cookie: {ada}")
    assert answer.status in (403, 500, 502, 503), answer
    assert proxy.app.requests == []
