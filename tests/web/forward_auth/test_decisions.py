"""The endpoints themselves, asked as a proxy asks: the answers of proxy mode in each dialect, and no yes to anything doubtful (promise 53)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import pytest

from tests.gateway_process import HOST, ORIGIN, GatewayProcess, configuration
from tests.recorder import Recorder
from tests.web.forward_auth.conftest import DIALECTS
from tests.web.raw.cases import lines_of
from tests.wire import Answer, unescape

#: Where each dialect says method, target and host.
CARRIERS: Mapping[str, tuple[str, str, str]] = {
    "nginx": ("X-Original-Method", "X-Original-URI", "X-Original-Host"),
    **dict.fromkeys(("caddy", "traefik", "haproxy"), ("X-Forwarded-Method", "X-Forwarded-Uri", "X-Forwarded-Host")),
}
SPOKEN = tuple(CARRIERS)


def question(dialect: str, *headers: str, method: str = "GET", target: bytes = b"/private/x", host: str = HOST) -> bytes:
    """What the proxy of a dialect sends."""
    if dialect == "envoy":
        lines = [f"{method} ".encode() + b"/.gateway/auth/envoy" + target + b" HTTP/1.1", f"Host: {host}".encode()]
    else:
        fields = CARRIERS[dialect]
        lines = [f"GET /.gateway/auth/{dialect} HTTP/1.1".encode(), b"Host: 127.0.0.1"]
        lines += [f"{fields[0]}: {method}".encode(), fields[1].encode() + b": " + target, f"{fields[2]}: {host}".encode()]
    return b"\r\n".join([*lines, *(header.encode("latin-1") for header in headers), b"", b""])


def ask(gateway: GatewayProcess, dialect: str, *headers: str, **original: object) -> Answer:
    """One question; HEAD gets no body."""
    with gateway.connect() as connection:
        connection.send(question(dialect, *headers, **original))  # type: ignore[arg-type]
        return connection.answer("HEAD" if dialect == "envoy" and original.get("method") == "HEAD" else "GET")


def taken(dialect: str, status: int) -> int:
    """What a status of proxy mode is where the proxy knows 401 and 403 alone."""
    if dialect != "nginx" or status in (200, 401):
        return status
    return 401 if status in (302, 303) else 403


PAGE, DATA = "Accept: text/html", "Accept: application/json"
#: target, method, host, further header lines, whose cookie, and the status and reason of proxy mode.
TABLE = [
    ("/public/x", "GET", HOST, (), None, 200, "route-public"),
    ("/public/x", "GET", HOST, (), "ada", 200, "route-public"),
    ("/optional/x", "GET", HOST, (), None, 200, "route-optional"),
    ("/optional/x", "GET", HOST, (), "ada", 200, "session-accepted"),
    ("/private/x", "GET", HOST, (PAGE,), None, 302, "session-missing"),
    ("/private/x", "POST", HOST, (PAGE,), None, 303, "session-missing"),
    ("/private/x", "GET", HOST, (DATA,), None, 401, "session-missing"),
    ("/private/x", "GET", HOST, ("Sec-Fetch-Mode: cors", PAGE), None, 401, "session-missing"),
    ("/private/x", "GET", HOST, (), "ada", 200, "session-accepted"),
    ("/private/x", "GET", HOST, (DATA,), "forged", 401, "session-unreadable"),
    ("/api/x", "GET", HOST, (), None, 401, "session-missing"),
    ("/admin/x", "GET", HOST, (), "ada", 200, "session-accepted"),
    ("/admin/x", "GET", HOST, (), "bob", 403, "role-missing"),
    ("/closed/x", "GET", HOST, (), "ada", 403, "route-denied"),
    ("/nowhere", "GET", HOST, (), "ada", 404, "route-missing"),
    ("/get-only/x", "GET", HOST, (), None, 200, "route-public"),
    ("/get-only/x", "POST", HOST, (), None, 404, "route-missing"),
    ("/public/x", "TRACE", HOST, (), None, 405, "method-refused"),
    ("/public/x", "BREW", HOST, (), None, 405, "method-refused"),
    ("/public/x", "GET", "evil.test", (), None, 421, "host-unknown"),
    ("/x", "GET", "other.test", (), None, 200, "route-public"),
    ("/slashes/a%2fb", "GET", HOST, (), None, 200, "route-public"),
    ("/public/a%2fb", "GET", HOST, (), None, 400, "path-ambiguous"),
    ("/public/../admin/x", "GET", HOST, (), "ada", 400, "path-ambiguous"),
    ("/api/auth/session", "GET", HOST, (), "ada", 404, "action-unknown"),
    ("/.gateway/auth/nginx", "GET", HOST, (), "ada", 404, "action-unknown"),
]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(("target", "method", "host", "headers", "who", "status", "reason"), TABLE, ids=lambda value: str(value)[:30])
def test_the_answer_is_that_of_proxy_mode(
    target: str, method: str, host: str, headers: tuple[str, ...], who: str | None, status: int, reason: str,
    dialect: str, asked: GatewayProcess, ada: str, bob: str,
) -> None:  # fmt: skip
    cookies = {"ada": ada, "bob": bob, "forged": "authjs.session-token=eyJ.forged"}
    lines = (*headers, *([f"Cookie: {cookies[who]}"] if who else []))
    answer = ask(asked, dialect, *lines, method=method, target=target.encode(), host=host)
    if dialect == "envoy" and method in ("TRACE", "BREW"):
        assert answer.status in (400, 405, 501), answer  # Envoy asks with the method itself, so the question is refused
        return
    assert answer.status == taken(dialect, status) or (reason == "method-refused" and answer.status in (400, taken(dialect, 400))), answer
    assert answer.reason == reason or reason == "method-refused", answer
    assert answer.one("location") == (
        None if status not in (302, 303) else f"{ORIGIN}/api/auth/signin{'?callbackUrl=%2Fprivate%2Fx' if status == 302 else ''}"
    )
    assert answer.one("x-forwarded-user") == (who if reason == "session-accepted" else None)


@pytest.mark.parametrize("target", lines_of("paths_refused.txt"))
@pytest.mark.parametrize("dialect", ["nginx", "traefik", "envoy"])
def test_a_target_that_can_be_read_two_ways_is_refused(target: str, dialect: str, asked: GatewayProcess, ada: str) -> None:
    """Promise 24, word for word as in proxy mode."""
    sent = unescape(re.sub(r"\\(?!x[0-9a-f]{2})", r"\\\\", target))
    answer = ask(asked, dialect, f"Cookie: {ada}", target=sent)
    assert answer.status == (403 if dialect == "nginx" else 400) or (answer.status == 400 and not sent.isascii()), answer
    if not (dialect == "envoy" and not sent.startswith(b"/")):
        assert answer.reason in ("path-ambiguous", "target-malformed", "request-malformed"), answer


@pytest.mark.parametrize("target", lines_of("paths_passed.txt"))
@pytest.mark.parametrize("dialect", ["nginx", "traefik", "envoy"])
def test_a_target_with_one_reading_is_a_yes(target: str, dialect: str, asked: GatewayProcess) -> None:
    assert ask(asked, dialect, target=target.encode()).status == 200


@pytest.mark.parametrize("dialect", SPOKEN)
@pytest.mark.parametrize("part", [0, 1, 2], ids=["method", "target", "host"])
@pytest.mark.parametrize("how", ["missing", "twice", "twice-the-same", "empty"])
def test_a_part_that_is_not_there_exactly_once_is_no_yes(how: str, part: int, dialect: str, asked: GatewayProcess, ada: str) -> None:
    field = CARRIERS[dialect][part].encode()
    head, lines = b"", question(dialect, f"Cookie: {ada}").split(b"\r\n")
    place = next(index for index, line in enumerate(lines) if line.startswith(field + b":"))
    other = (b"PUT", b"/public/x", b"other.test")[part]
    lines[place : place + 1] = {
        "missing": [],
        "twice": [lines[place], field + b": " + other],
        "twice-the-same": [lines[place], lines[place]],
        "empty": [field + b":"],
    }[how]
    answer = asked.request(head + b"\r\n".join(lines))
    assert answer.status in (400, 403), answer
    assert answer.reason in ("original-incomplete", "host-invalid"), answer
    assert answer.one("x-forwarded-user") is None


@pytest.mark.parametrize("dialect", SPOKEN)
@pytest.mark.parametrize(
    "original",
    [
        {"method": "GET /public/x HTTP/1.1"},
        {"method": "G(T"},
        {"method": "get"},
        {"target": b"private/x"},
        {"target": b"*"},
        {"target": b"http://gateway.test/private/x"},
        {"target": b"/private/x HTTP/1.1"},
        {"target": b"/private/x y"},
        {"target": b"/private/\xff"},
        {"target": b"/" + b"x" * 9000},
        {"host": "gateway.test, other.test"},
        {"host": "gateway.test/x"},
        {"host": "user@gateway.test"},
        {"host": "gateway.test:0"},
    ],
    ids=str,
)
def test_a_part_that_could_not_have_been_sent_is_no_yes(original: dict[str, object], dialect: str, asked: GatewayProcess, ada: str) -> None:
    answer = ask(asked, dialect, f"Cookie: {ada}", **original)
    assert 400 <= answer.status < 500, answer
    assert answer.one("x-forwarded-user") is None


@pytest.mark.parametrize("dialect", ["nginx", "envoy"])
@pytest.mark.parametrize("name", lines_of("identity_names.txt"))
def test_a_question_that_holds_a_forged_header_is_no_yes(name: str, dialect: str, asked: GatewayProcess, ada: str) -> None:
    """Promises 16 and 17: only HAProxy's script takes away whatever it is told to."""
    answer = ask(asked, dialect, f"Cookie: {ada}", f"{name}: mallory")
    assert answer.status == (403 if dialect == "nginx" else 400), answer
    assert answer.reason in ("header-forged", "request-malformed")


@pytest.mark.parametrize("name", lines_of("identity_names.txt"))
def test_haproxy_is_told_every_forged_header_to_take_away(name: str, asked: GatewayProcess, ada: str) -> None:
    answer = ask(asked, "haproxy", f"Cookie: {ada}", f"{name}: mallory")
    assert answer.status == 200, answer
    told = {field.strip() for field in (answer.one("x-gateway-remove") or "").split(",")}
    assert name.lower() in told or answer.one(name) is not None


@pytest.mark.parametrize("dialect", DIALECTS)
def test_an_authorization_that_the_route_drops_does_not_go_on(dialect: str, asked: GatewayProcess) -> None:
    assert ask(asked, dialect, target=b"/drop/x").status == 200
    assert ask(asked, dialect, "Authorization: Bearer x", target=b"/public/x").status == 200
    answer = ask(asked, dialect, "Authorization: Bearer x", target=b"/drop/x")
    if dialect == "haproxy":
        assert answer.status == 200
        assert "authorization" in (answer.one("x-gateway-remove") or "")
    else:
        assert (answer.status, answer.reason) == (403 if dialect == "nginx" else 400, "header-forged")


@pytest.mark.parametrize("headers", [("Sec-WebSocket-Key: x",), ("Upgrade: websocket",), ("upgrade: WebSocket, h2c",)], ids=str)
def test_a_handshake_is_known_by_any_trace_of_it(headers: tuple[str, ...], asked: GatewayProcess, ada: str) -> None:
    """Promise 35: Traefik takes Connection and Upgrade away before it asks."""
    assert ask(asked, "traefik", f"Cookie: {ada}", *headers).reason == "origin-foreign"
    assert ask(asked, "traefik", f"Cookie: {ada}", f"Origin: {ORIGIN}", *headers).status == 200


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory, behind_proxies: Recorder) -> Iterator[GatewayProcess]:
    """A gateway that believes another address than ours, and knows one dialect; one of its routes has no upstream."""
    config = configuration(
        {"app": behind_proxies.port},
        routes='[[routes]]\npath = "/asked/**"\naccess = "public"\n[[routes]]\npath = "/**"\naccess = "public"\nupstream = "app"\n',
        server='trusted_proxies = ["192.0.2.1"]',
        extra='[forward_auth]\ndialects = ["nginx"]\n',
    )
    gateway = GatewayProcess(tmp_path_factory.mktemp("elsewhere"), config)
    yield gateway
    assert gateway.stop() == 0


def test_a_peer_that_is_not_listed_gets_no_yes(elsewhere: GatewayProcess) -> None:
    answer = ask(elsewhere, "nginx", target=b"/public/x")
    assert (answer.status, answer.reason) == (403, "proxy-unlisted")
    assert answer.one("cookie") is None


@pytest.mark.parametrize("target", [b"/.gateway/auth/caddy", b"/.gateway/auth/nginx/x", b"/.gateway/auth", b"/.gateway", b"/.gateway/x"])
def test_a_dialect_that_is_not_configured_is_no_endpoint_and_never_reaches_an_app(
    target: bytes, elsewhere: GatewayProcess, behind_proxies: Recorder
) -> None:
    behind_proxies.reset()
    answer = elsewhere.request(b"GET " + target + b" HTTP/1.1\r\nHost: gateway.test\r\n\r\n")
    assert (answer.status, answer.reason) == (404, "action-unknown")
    assert behind_proxies.requests == []


@pytest.mark.parametrize("headers", [(), ("X-Odd_Name: 1",)], ids=["plain", "general-lane"])
def test_a_route_without_an_upstream_is_not_proxied(headers: tuple[str, ...], elsewhere: GatewayProcess) -> None:
    for _ in range(2):  # the second one would be the express lane's
        answer = elsewhere.get("/asked/x", *headers)
        assert (answer.status, answer.reason) == (404, "route-not-proxied")


def test_a_question_is_no_yes_where_nothing_is_configured(tmp_path_factory: pytest.TempPathFactory, behind_proxies: Recorder) -> None:
    config = configuration({"app": behind_proxies.port, "other": behind_proxies.port}, server='trusted_proxies = ["127.0.0.1"]')
    gateway = GatewayProcess(tmp_path_factory.mktemp("off"), config)
    answers = [ask(gateway, dialect, target=b"/public/x") for dialect in DIALECTS]
    assert gateway.stop() == 0
    assert {answer.status for answer in answers} <= {404, 400, 421}
