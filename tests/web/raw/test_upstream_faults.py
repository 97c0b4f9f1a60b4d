"""The fault matrix about upstreams, through the whole gateway (promises 14, 54, 56 to 59)."""

from __future__ import annotations

import re
import time
import tomllib
from collections.abc import Mapping

import pytest

from tests.gateway_process import ROUTES, GatewayProcess
from tests.recorder import OK, Exchange, Recorder, plainly
from tests.servers import free_port
from tests.web.raw.cases import CORPUS
from tests.web.raw.conftest import QUICK, Start
from tests.wire import Ended, Malformed, unescape

FAULTS = tomllib.loads((CORPUS / "upstream_faults.toml").read_text())["case"]
#: How long the gateway gets to let go of an upstream; the promise is 2 s, the rest is for slow machines.
LEFT_S = 10.0


def player(steps: list[str]):
    """A script that plays the steps of a fault."""

    def script(exchange: Exchange) -> None:
        exchange.read_body()
        for step in steps:
            if not exchange.open:
                return
            act(exchange, step)

    return script


def act(exchange: Exchange, step: str) -> None:
    """Do one step."""
    match step.partition(" "):
        case ("!close", _, _):
            exchange.close()
        case ("!reset", _, _):
            exchange.reset()
        case ("!pause", _, _):
            time.sleep(0.1)
        case ("!hang", _, _):
            assert exchange.left(LEFT_S)
            exchange.close()
        case ("!drip", _, _):
            exchange.sock.settimeout(0.2)
            for _ in range(int(LEFT_S / 0.2)):
                exchange.send(b"X")
                if exchange.left(0.2):
                    break
            exchange.close()
        case ("!flood", _, _):
            for _ in range(64):
                exchange.send(b"X-A: " + b"b" * 8000 + b"\r\n")
            exchange.left(LEFT_S)
            exchange.close()
        case ("!informational", _, count):
            exchange.send(b"HTTP/1.1 102 Processing\r\n\r\n" * int(count))
        case _:
            exchange.send(unescape(step))


@pytest.mark.parametrize("case", FAULTS, ids=lambda case: case["id"])
def test_a_fault_of_the_upstream_is_told_truly_and_hurts_nobody_else(case, gateway: GatewayProcess, upstream: Recorder) -> None:
    upstream.script = player(case["play"])
    with gateway.connect() as connection:
        connection.send(b"GET /public/x HTTP/1.1\r\nHost: gateway.test\r\n\r\n")
        head = connection.head()
        while head.status < 200:
            head = connection.head()
        assert str(head.status) in case["status"].split("|"), head
        if case.get("cut"):
            with pytest.raises((Ended, Malformed)):
                connection.body(head)
                raise AssertionError(f"a truncated answer looks complete: {head}")
        else:
            connection.body(head)
    if "reason" in case:
        assert head.reason == case["reason"]
    if "answer_body" in case:
        assert head.body.decode() == case["answer_body"]
    for start in case.get("answer_lacks", ()):
        assert not any(name.lower() + b":" == start.encode() for name, _ in head.lines)
    if head.status >= 500:
        assert not re.search(rb"127\.0\.0\.1|aiohttp|Traceback", head.head + head.body)
    time.sleep(0.15 if "!pause" in case["play"] else 0)
    upstream.script = plainly()
    for _ in range(2):
        after = gateway.get("/public/after")
        assert (after.status, after.body) == (200, b"recorded"), after


def test_a_post_that_was_perhaps_delivered_is_not_delivered_again(gateway: GatewayProcess, upstream: Recorder) -> None:
    """Promise 14."""
    assert gateway.get("/public/warm").status == 200
    upstream.reset()
    upstream.script = lambda exchange: (exchange.read_body(), exchange.close())[1]
    answer = gateway.get("/public/x", method="POST", body=b"pay")
    assert answer.status == 502
    assert upstream.forwarded() == ["POST /public/x"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_a_safe_request_is_repeated_once_on_a_reused_connection_that_died(method: str, gateway: GatewayProcess, upstream: Recorder) -> None:
    """Promise 14."""
    assert gateway.get("/public/warm").status == 200
    died: list[int] = []

    def die_once(exchange: Exchange) -> None:
        exchange.read_body()
        if died:
            exchange.send(OK)
        else:
            died.append(exchange.request.connection)
            exchange.close()

    upstream.reset()
    upstream.script = die_once
    assert gateway.get("/public/x", method=method).status == 200
    assert upstream.forwarded() == [f"{method} /public/x"] * 2
    assert upstream.requests[1].connection != died[0]


def test_a_safe_request_is_not_repeated_twice(gateway: GatewayProcess, upstream: Recorder) -> None:
    """Promise 14: at most once."""
    assert gateway.get("/public/warm").status == 200
    upstream.reset()
    upstream.script = lambda exchange: exchange.close()
    assert gateway.get("/public/x").status == 502
    assert len(upstream.requests) <= 2


def test_an_answer_that_began_is_not_asked_for_again(gateway: GatewayProcess, upstream: Recorder) -> None:
    """Promise 14: only before any response byte."""
    assert gateway.get("/public/warm").status == 200
    upstream.reset()
    upstream.script = player(["HTTP/1.1 2", "!close"])
    assert gateway.get("/public/x").status == 502
    assert len(upstream.requests) == 1


def test_a_fault_is_told_in_our_words_whatever_fields_came_twice(gateway: GatewayProcess, upstream: Recorder) -> None:
    """Promise 51: the target names an endpoint of ours in its query, so aiohttp reads the fields; it answers 400 to a second one, and names its version."""
    upstream.script = player(["!close"])
    answer = gateway.get("/public/x?next=/api/auth/signin", "User-Agent: a", "User-Agent: b", "ETag: 1", "ETag: 2")
    assert (answer.status, answer.reason, answer.one("server")) == (502, "upstream-invalid", "auth-gateway")


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param(["HTTP/1.1 200 OK\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n5\\r\\nab", "!pause", "!close"], id="chunks-cut-short"),
        pytest.param(["HTTP/1.0 200 OK\\r\\n\\r\\nab", "!pause", "!reset"], id="reset-where-the-end-is-the-connections"),
    ],
)
def test_an_answer_that_is_cut_short_shows_as_cut_to_http_1_0_too(steps: list[str], gateway: GatewayProcess, upstream: Recorder) -> None:
    """Promise 59: such a client takes the end of the connection for that of the answer, unless it is a reset."""
    upstream.script = player(steps)
    with gateway.connect() as connection, pytest.raises(Ended) as ended:
        connection.send(b"GET /public/x HTTP/1.0\r\nHost: gateway.test\r\n\r\n")
        connection.reader.to_the_end()
    assert ended.value.reset


def test_an_early_answer_ends_an_upload(gateway: GatewayProcess, upstream: Recorder) -> None:
    def refuse(exchange: Exchange) -> None:
        exchange.send(b"HTTP/1.1 403 No\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
        exchange.left(LEFT_S)
        exchange.close()

    upstream.script = refuse
    with gateway.connect() as connection:
        connection.send(b"POST /public/x HTTP/1.1\r\nHost: gateway.test\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 1000)
        answer = connection.answer("POST")
        assert (answer.status, answer.body) == (403, b"no")
        assert connection.ends()
    assert not upstream.only().complete


def test_an_upstream_that_is_down_is_502_and_comes_back_at_once(start: Start, upstream: Recorder) -> None:
    """Fault matrix: unreachable; own endpoints unaffected; the first request after recovery succeeds."""
    port = free_port()
    routes = ROUTES + '[[routes]]\npath = "/gone/**"\naccess = "public"\nupstream = "gone"\n'
    extra = f'[[upstreams]]\nname = "gone"\nurl = "http://127.0.0.1:{port}"\n'
    gateway = start(limits=QUICK, routes=routes, extra=extra)
    answer = gateway.get("/gone/x", "Accept: text/html")
    assert (answer.status, answer.reason) == (502, "upstream-unreachable")
    assert str(port).encode() not in answer.body
    assert gateway.get("/api/auth/signin").status == 200
    assert gateway.get("/public/x").status == 200
    back = Recorder(port=port)
    try:
        assert gateway.get("/gone/x").status == 200
        assert back.forwarded() == ["GET /gone/x"]
    finally:
        back.stop()


def test_a_silent_upstream_is_let_go_of(gateway: GatewayProcess, upstream: Recorder) -> None:
    left: list[bool] = []
    upstream.script = lambda exchange: (exchange.read_body(), left.append(exchange.left(LEFT_S)), exchange.close())[2]
    assert gateway.get("/public/x").status == 504
    wait_until(lambda: left == [True])


def test_one_hanging_upstream_does_not_delay_another(
    gateway: GatewayProcess, upstream: Recorder, upstreams: Mapping[str, Recorder]
) -> None:
    """Promise 57."""
    upstream.script = lambda exchange: (exchange.left(LEFT_S), exchange.close())[1]
    hanging = [gateway.connect() for _ in range(40)]
    try:
        for connection in hanging:
            connection.send(b"GET /public/x HTTP/1.1\r\nHost: gateway.test\r\n\r\n")
        upstream.wait_for(40)
        assert gateway.request(b"GET /x HTTP/1.1\r\nHost: other.test\r\n\r\n").status == 200
        assert gateway.get("/api/auth/session").status == 200
        assert upstreams["other"].forwarded() == ["GET /x"]
    finally:
        for connection in hanging:
            connection.sock.close()


@pytest.mark.parametrize("when", ["before the answer", "in the middle of the answer", "in the middle of the upload"])
def test_a_client_that_leaves_frees_its_upstream(when: str, gateway: GatewayProcess, upstream: Recorder) -> None:
    """Promises 6 and 56."""
    left: list[bool] = []

    def script(exchange: Exchange) -> None:
        if when == "in the middle of the answer":
            exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nbegin")
        left.append(exchange.left(LEFT_S))
        exchange.close()

    upstream.script = script
    with gateway.connect() as connection:
        if when == "in the middle of the upload":
            connection.send(b"POST /stream/x HTTP/1.1\r\nHost: gateway.test\r\nContent-Length: 1000\r\n\r\nbegin")
        else:
            connection.send(b"GET /stream/x HTTP/1.1\r\nHost: gateway.test\r\n\r\n")
        upstream.wait_for()
        if when == "in the middle of the answer":
            assert connection.head().status == 200
            assert connection.reader.exactly(5) == b"begin"
    wait_until(lambda: left == [True])
    assert not upstream.only().complete or when != "in the middle of the upload"


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_an_upload_that_is_cut_short_never_arrives_complete(framing: str, gateway: GatewayProcess, upstream: Recorder) -> None:
    """Promise 6."""
    heads = {"length": b"Content-Length: 10\r\n\r\nabc", "chunked": b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"}
    done: list[bool] = []

    def script(exchange: Exchange) -> None:
        try:
            exchange.read_body()
        finally:
            done.append(exchange.request.complete)

    upstream.script = script
    with gateway.connect() as connection:
        connection.send(b"POST /public/x HTTP/1.1\r\nHost: gateway.test\r\n" + heads[framing])
        upstream.wait_for()
    wait_until(lambda: bool(done))
    assert done == [False]


def test_a_client_that_stops_sending_its_head_is_let_go(gateway: GatewayProcess) -> None:
    """Promise 54."""
    with gateway.connect() as connection:
        connection.send(b"GET /public/x HTTP/1.1\r\nHost: gate")
        assert connection.answer().status == 408
        assert connection.ends()


def test_a_client_that_never_sends_is_let_go(gateway: GatewayProcess) -> None:
    with gateway.connect() as connection:
        assert connection.ends()


def test_a_client_that_drips_its_head_is_let_go(gateway: GatewayProcess) -> None:
    """Promise 54: the time counts from the first byte, not from the last."""
    with gateway.connect() as connection:
        connection.sock.settimeout(0.2)
        connection.send(b"GET /public/x HTTP/1.1\r\nHost: gateway.test\r\n")
        for number in range(100):
            connection.send(b"X-%d: 1\r\n" % number)
            try:
                assert connection.answer().status == 408
                break
            except TimeoutError:
                continue
        else:
            pytest.fail("the gateway waits for ever")


def test_a_client_that_stops_in_its_body_is_let_go(gateway: GatewayProcess, upstream: Recorder) -> None:
    with gateway.connect() as connection:
        connection.send(b"POST /public/x HTTP/1.1\r\nHost: gateway.test\r\nContent-Length: 10\r\n\r\nabc")
        assert connection.answer("POST").status == 408
        assert connection.ends()
    assert not any(request.complete for request in upstream.requests)


@pytest.mark.parametrize(
    ("framing", "rest"),
    [
        pytest.param(b"Content-Length: 10\r\n\r\nabc", b"", id="stops"),
        pytest.param(b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", b"", id="stops-between-chunks"),
        pytest.param(b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", b"x\r\n", id="breaks-its-framing"),
        pytest.param(b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", b"3e8\r\n" + b"a" * 1000 + b"\r\n", id="grows-too-large"),
    ],
)
def test_an_upload_that_fails_once_its_answer_began_cuts_the_answer(
    framing: bytes, rest: bytes, gateway: GatewayProcess, upstream: Recorder
) -> None:
    """Promise 59: a page of ours behind half an answer would be read as the rest of it."""

    def script(exchange: Exchange) -> None:
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")
        exchange.left(LEFT_S)
        exchange.close()

    upstream.script = script
    with gateway.connect() as connection:
        connection.send(b"POST /small/x HTTP/1.1\r\nHost: gateway.test\r\n" + framing)
        head = connection.head()
        assert head.status == 200
        assert connection.reader.exactly(4) == b"half"
        connection.send(rest)
        with pytest.raises(Ended) as ended:
            connection.reader.exactly(996)
    assert ended.value.got == b""
    assert not upstream.only().complete


def test_a_client_that_does_not_read_stops_the_upstream_and_is_let_go(gateway: GatewayProcess, upstream: Recorder) -> None:
    """Promise 55: memory is bounded because reading stops; promise 54: it does not stop for ever."""
    sent: list[int] = []

    def script(exchange: Exchange) -> None:
        exchange.read_body()
        exchange.sock.settimeout(LEFT_S)
        exchange.sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 268435456\r\n\r\n")
        total = 0
        try:
            while total < 268435456:
                exchange.sock.sendall(b"x" * 65536)
                total += 65536
        except OSError:
            pass
        sent.append(total)
        exchange.close()

    upstream.script = script
    with gateway.connect() as connection:
        connection.send(b"GET /public/x HTTP/1.1\r\nHost: gateway.test\r\n\r\n")
        wait_until(lambda: bool(sent), 30)
    assert sent[0] < 64 * 1024 * 1024  # what four socket buffers hold, far from all


def wait_until(claim, timeout: float = LEFT_S) -> None:
    """Wait for something to become true."""
    until = time.monotonic() + timeout
    while not claim():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.01)
