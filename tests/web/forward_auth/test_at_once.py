"""Questions that are answered at once say what the general lane says; two gateways, one without the express lane, are asked the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.gateway_process import HOST, ROUTES, GatewayProcess, configuration
from tests.recorder import Recorder
from tests.web.raw.test_authjs import sign_out
from tests.wire import Answer, Connection

FIELDS = {
    "nginx": ("X-Original-Method", "X-Original-URI", "X-Original-Host"),
    "caddy": ("X-Forwarded-Method", "X-Forwarded-Uri", "X-Forwarded-Host"),
    "traefik": ("X-Forwarded-Method", "X-Forwarded-Uri", "X-Forwarded-Host"),
}
#: What an answer at once leaves out, and what is another one each time.
APART = frozenset({"date", "x-request-id", "content-type"})


#: The gateway carries nothing there itself.
ASKED_ABOUT = '[[routes]]\npath = "/elsewhere/**"\naccess = "signed-in"\n'


@dataclass(frozen=True)
class Asked:
    """Two gateways of one secret, and a session of either."""

    at_once: GatewayProcess
    general: GatewayProcess
    ada: str
    bob: str


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    app = Recorder()

    def started(express: bool) -> GatewayProcess:
        config = configuration(
            {"app": app.port, "other": app.port},
            server=f'trusted_proxies = ["127.0.0.1"]\nexpress = {str(express).lower()}',
            routes=ASKED_ABOUT + ROUTES,
            extra=f"[forward_auth]\ndialects = {list(FIELDS)}".replace("'", '"'),
        )
        return GatewayProcess(tmp_path_factory.mktemp("asked"), config)

    gateways = started(True), started(False)
    yield Asked(*gateways, ada=gateways[0].sign_in("ada"), bob=gateways[0].sign_in("bob"))
    app.stop()
    assert [gateway.stop() for gateway in gateways] == [0, 0]


def question(dialect: str, *lines: str, method: str = "GET", target: str = "/private/x", host: str = HOST, version: str = "1.1") -> bytes:
    says = zip(FIELDS[dialect], (method, target, host), strict=True)
    head = [f"GET /.gateway/auth/{dialect} HTTP/{version}", "Host: gateway.internal:8080", *(f"{name}: {value}" for name, value in says)]
    return "\r\n".join([*head, *lines, "", ""]).encode("latin-1")


def lines_of(answer: Answer) -> list[tuple[str, str]]:
    return [(name.decode("ascii").lower(), value.decode("latin-1")) for name, value in answer.lines]


def told(answer: Answer) -> tuple[int, list[tuple[str, str]], bytes]:
    """An answer without what is said of each anew."""
    return answer.status, sorted((name, value) for name, value in lines_of(answer) if name not in APART), answer.body


def ask(gateway: GatewayProcess, data: bytes) -> Answer:
    with Connection(gateway.address) as connection:
        return connection.request(data)


def same(both: Asked, data: bytes) -> Answer:
    """The answer at once, which is the general lane's."""
    first, second = ask(both.at_once, data), ask(both.general, data)
    if first.status == 200:
        assert told(first) == told(second)
    else:  # pages hold what is random
        assert (first.status, first.one("x-gateway-reason")) == (second.status, second.one("x-gateway-reason"))
    return first


def is_at_once(answer: Answer) -> bool:
    return not answer.all("x-request-id")


@pytest.mark.parametrize("dialect", FIELDS)
def test_a_living_session_is_a_yes_at_once(both: Asked, dialect: str) -> None:
    answer = same(both, question(dialect, f"Cookie: theme=dark; {both.ada}", "Accept: text/html", "X-Forwarded-For: 203.0.113.9"))
    assert (answer.status, answer.one("x-forwarded-user"), answer.one("cookie")) == (200, "ada", "theme=dark")
    assert is_at_once(answer)


@pytest.mark.parametrize("dialect", FIELDS)
def test_a_route_without_an_upstream_is_asked_about_and_never_proxied(both: Asked, dialect: str) -> None:
    answer = same(both, question(dialect, f"Cookie: {both.ada}", target="/elsewhere/x"))
    assert (answer.status, is_at_once(answer)) == (200, True)
    for gateway in (both.at_once, both.general):
        assert gateway.get("/elsewhere/x", f"Cookie: {both.ada}").reason == "route-not-proxied"


@pytest.mark.parametrize("dialect", FIELDS)
@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(["X-Forwarded-User: mallory"], id="forged"),
        pytest.param(["X_Forwarded-User: mallory"], id="forged in another spelling"),
        pytest.param(["X-Original-URL: /public"], id="override"),
        pytest.param(["Authorization: Basic eDp5"], id="authorization"),
        pytest.param(["Upgrade: websocket"], id="upgrade"),
        pytest.param(["Sec-WebSocket-Key: x"], id="handshake"),
        pytest.param(["Connection: close"], id="close"),
        pytest.param(["Cookie: a=b"], id="second cookie line"),
        pytest.param(["X-Original-URI: /public/x", "X-Forwarded-Uri: /public/x"], id="target twice"),
        pytest.param(["X-Original-Host: evil.test", "X-Forwarded-Host: evil.test"], id="host twice"),
        pytest.param(["X-Odd:  two spaces"], id="white space"),
        pytest.param(["X-Odd: \xe9"], id="eight bits"),
        pytest.param(["Content-Length: 0"], id="length"),
    ],
)
def test_whatever_is_not_plain_is_for_the_general_lane(both: Asked, dialect: str, lines: list[str]) -> None:
    assert not is_at_once(same(both, question(dialect, f"Cookie: {both.ada}", *lines)))


@pytest.mark.parametrize("dialect", FIELDS)
@pytest.mark.parametrize(
    "target", ["/nowhere", "/public/x", "/private/%2e%2e/admin", "/private//x", "/api/auth/signin", "/.gateway/auth/nginx", "x"]
)
def test_other_targets_come_to_the_same(both: Asked, dialect: str, target: str) -> None:
    same(both, question(dialect, f"Cookie: {both.ada}", target=target))


@pytest.mark.parametrize("dialect", FIELDS)
@pytest.mark.parametrize(
    "more", [{"host": "evil.test"}, {"method": "TRACE"}, {"method": "BREW"}, {"version": "1.0"}, {"target": "/private/x?y=%2f"}]
)
def test_other_questions_come_to_the_same(both: Asked, dialect: str, more: dict[str, str]) -> None:
    same(both, question(dialect, f"Cookie: {both.ada}", **more))


def test_a_signed_out_session_is_no_yes(both: Asked) -> None:
    cookie = both.at_once.sign_in("ada")
    data = question("nginx", f"Cookie: {cookie}")
    assert is_at_once(ask(both.at_once, data))
    sign_out(both.at_once, cookie)
    assert ask(both.at_once, data).one("x-gateway-reason") == "session-revoked"


def test_questions_behind_each_other_are_all_answered(both: Asked) -> None:
    """In one packet, and cut anywhere."""
    one = question("caddy", f"Cookie: {both.ada}")
    other = question("caddy", f"Cookie: {both.bob}", "Authorization: Basic eDp5")
    data = one + other + one + one
    for cut in (0, 5, len(one), len(one) + 7, len(data) - 3):
        with Connection(both.at_once.address) as connection:
            connection.send(data[:cut])
            connection.send(data[cut:])
            answers = [connection.answer() for _ in range(4)]
        assert [is_at_once(answer) for answer in answers] == [True, False, True, True]
        assert [answer.one("x-forwarded-user") for answer in (answers[0], answers[2], answers[3])] == ["ada", "ada", "ada"]


LINES = st.sampled_from(
    [
        "Accept: */*", "X-A: b", "X-Forwarded-Proto: https", "X-Forwarded-For: 203.0.113.9, x", "X-Real-IP: 1.2.3.4", "X-Forwarded-User: m", "Via: 1.1 x",
        "x-original-method: POST", "X-Forwarded-Method: POST", "X-Original-URI: /private/y", "x-forwarded-uri: /private/y", "X-Forwarded-Host: gateway.test",
        "Connection: keep-alive", "Connection: x-a", "TE: trailers", "Expect: 100-continue", "Proxy: x", "Cookie: a=b", "Remote-User: m", "X-Empty:", ":x", "x",
    ]
)  # fmt: skip


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    dialect=st.sampled_from(sorted(FIELDS)),
    lines=st.lists(LINES, max_size=5),
    who=st.sampled_from(["ada", "bob", "", "x"]),
    method=st.sampled_from(["GET", "POST", "HEAD", "DELETE", "get", ""]),
    target=st.sampled_from(["/private/x", "/admin/x", "/optional/x", "/public/x", "/private/x?a=b&c", "/", "//", "/private/.x", "*", ""]),
)
def test_anything_comes_to_the_same(both: Asked, dialect: str, lines: list[str], who: str, method: str, target: str) -> None:
    cookie = {"ada": [f"Cookie: {both.ada}"], "bob": [f"Cookie: {both.bob}"], "x": ["Cookie: authjs.session-token=x"], "": []}[who]
    same(both, question(dialect, *lines, *cookie, method=method, target=target))
