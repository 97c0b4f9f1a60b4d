"""Bodies pass piece by piece, both ways; interim answers, bodiless answers, renewal on streamed answers, what caches are told."""

from __future__ import annotations

import hashlib
import random
import threading
import time
from collections.abc import Iterator

import pytest

from tests.gateway_process import GatewayProcess
from tests.recorder import Exchange, Recorder, plainly
from tests.web.raw.conftest import QUICK, Start
from tests.wire import Connection

BIG = random.Random(1).randbytes(9 * 1024 * 1024 + 7)
WAIT_S = 10.0


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


@pytest.mark.parametrize(
    ("head", "frame", "end"),
    [
        pytest.param(b"Transfer-Encoding: chunked\r\n", chunk, b"0\r\n\r\n", id="chunked"),
        pytest.param(b"Content-Length: 24\r\n", bytes, b"", id="length"),
        pytest.param(b"Content-Encoding: gzip\r\n", bytes, None, id="until-close"),
    ],
)
def test_each_event_arrives_before_the_next_is_sent(
    head: bytes, frame, end: bytes | None, gateway: GatewayProcess, upstream: Recorder
) -> None:
    """No buffering: the upstream sends the next event only after the client has seen the last one."""
    seen = threading.Semaphore(0)
    events = [b"data: 0\n", b"data: 1\n", b"data: 2\n"]

    def script(exchange: Exchange) -> None:
        exchange.read_body()
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n" + head + b"\r\n")
        for event in events:
            exchange.send(frame(event))
            assert seen.acquire(timeout=WAIT_S)
        if end is None:
            exchange.close()
        else:
            exchange.send(end)

    upstream.script = script
    with gateway.connect() as connection:
        connection.send(b"GET /public/events HTTP/1.1\r\nHost: gateway.test\r\n\r\n")
        answer = connection.head()
        assert answer.status == 200
        for event in events:
            assert (connection.reader.chunk() if answer.chunked else connection.reader.exactly(8)) == event
            seen.release()
        if answer.chunked:
            assert connection.reader.chunk() == b""


def test_an_upload_arrives_piece_by_piece(gateway: GatewayProcess, upstream: Recorder) -> None:
    arrived = threading.Semaphore(0)

    def script(exchange: Exchange) -> None:
        assert exchange.reader.exactly(5) == b"first"
        arrived.release()
        assert exchange.reader.exactly(6) == b"second"
        exchange.request.complete = True
        exchange.send(b"HTTP/1.1 204 No Content\r\n\r\n")

    upstream.script = script
    with gateway.connect() as connection:
        connection.send(b"POST /public/x HTTP/1.1\r\nHost: gateway.test\r\nContent-Length: 11\r\n\r\nfirst")
        assert arrived.acquire(timeout=WAIT_S)
        connection.send(b"second")
        assert connection.answer("POST").status == 204


def test_a_silent_stream_lives_on_a_streaming_route_only(gateway: GatewayProcess, upstream: Recorder) -> None:
    def script(exchange: Exchange) -> None:
        exchange.read_body()
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")
        if not exchange.left(2.5):  # longer than upstream_body_idle
            exchange.send(b"cd")

    upstream.script = script
    answer = gateway.get("/stream/x")
    assert (answer.status, answer.body) == (200, b"abcd")


@pytest.mark.parametrize("framing", ["length", "chunked"])
@pytest.mark.parametrize("way", ["up", "down"])
def test_large_bodies_arrive_unchanged(way: str, framing: str, gateway: GatewayProcess, upstream: Recorder) -> None:
    """Promise 11: hash equality."""
    body, field = (
        (BIG, b"Content-Length: %d\r\n" % len(BIG)) if framing == "length" else (pieces_of(BIG), b"Transfer-Encoding: chunked\r\n")
    )
    if way == "up":
        answer = gateway.request(b"POST /public/x HTTP/1.1\r\nHost: gateway.test\r\n" + field + b"\r\n" + body)
        assert answer.status == 200
        assert hashlib.sha256(upstream.only().body).digest() == hashlib.sha256(BIG).digest()
    else:
        upstream.script = plainly(b"HTTP/1.1 200 OK\r\n" + field + b"\r\n" + body)
        answer = gateway.get("/public/x")
        assert answer.status == 200
        assert hashlib.sha256(answer.body).digest() == hashlib.sha256(BIG).digest()


def pieces_of(data: bytes) -> bytes:
    """Chunked, in pieces of odd sizes."""
    sizes = random.Random(2)
    out, position = [], 0
    while position < len(data):
        size = sizes.choice((1, 7, 1000, 65536, 300000))
        out.append(chunk(data[position : position + size]))
        position += size
    return b"".join(out) + b"0\r\n\r\n"


def test_head_has_the_length_and_no_body(gateway: GatewayProcess, upstream: Recorder) -> None:
    upstream.script = plainly(b"HTTP/1.1 200 OK\r\nContent-Length: 1234\r\nETag: x\r\n\r\n")
    with gateway.connect() as connection:
        answer = connection.request(b"HEAD /public/x HTTP/1.1\r\nHost: gateway.test\r\n\r\n")
        assert (answer.status, answer.one("content-length"), answer.one("etag")) == (200, "1234", "x")
        assert connection.request(b"HEAD /public/y HTTP/1.1\r\nHost: gateway.test\r\n\r\n").status == 200


def test_not_modified_keeps_its_length(gateway: GatewayProcess, upstream: Recorder) -> None:
    upstream.script = plainly(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 1234\r\n\r\n")
    with gateway.connect() as connection:
        answer = connection.request(b"GET /public/x HTTP/1.1\r\nHost: gateway.test\r\n\r\n")
        assert (answer.status, answer.one("content-length")) == (304, "1234")
        assert connection.request(b"GET /public/y HTTP/1.1\r\nHost: gateway.test\r\n\r\n").status == 304


def test_interim_answers_do_not_disturb_the_final_one(gateway: GatewayProcess, upstream: Recorder) -> None:
    upstream.script = plainly(
        b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    )
    answer = gateway.get("/public/x")
    assert (answer.status, answer.body) == (200, b"ok")
    assert all(early.status in (102, 103) for early in answer.informational)


def test_interim_answers_are_not_for_http_1_0(gateway: GatewayProcess, upstream: Recorder) -> None:
    upstream.script = plainly(b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    answer = gateway.request(b"GET /public/x HTTP/1.0\r\nHost: gateway.test\r\n\r\n")
    assert (answer.status, answer.body, answer.informational) == (200, b"ok", [])


def test_the_invitation_comes_only_after_the_rules_said_yes(gateway: GatewayProcess, upstream: Recorder, ada: str) -> None:
    """Promise 13."""
    with gateway.connect() as connection:
        connection.send(
            b"POST /private/x HTTP/1.1\r\nHost: gateway.test\r\nCookie: "
            + ada.encode()
            + b"\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
        )
        assert connection.head().status == 100
        connection.send(b"abc")
        assert connection.answer("POST").status == 200
    assert upstream.only().body == b"abc"


def test_a_refusal_without_invitation_leaves_no_body_to_be_misread(gateway: GatewayProcess, upstream: Recorder) -> None:
    """Promise 13: the client may or may not send the body now; the connection can't go on."""
    with gateway.connect() as connection:
        connection.send(b"POST /closed/x HTTP/1.1\r\nHost: gateway.test\r\nExpect: 100-continue\r\nContent-Length: 53\r\n\r\n")
        assert connection.answer("POST").status == 403
        connection.send(b"GET /public/smuggled HTTP/1.1\r\nHost: gateway.test\r\n\r\n")
        assert connection.ends()
    assert upstream.requests == []


@pytest.mark.parametrize(
    ("said", "told"),
    [
        pytest.param(b"", "private", id="nothing"),
        pytest.param(b"Cache-Control: public, max-age=60\r\n", "private, max-age=60", id="public"),
        pytest.param(b"Cache-Control: s-maxage=60\r\n", "private", id="shared-age"),
        pytest.param(b"Cache-Control: no-store\r\n", "no-store", id="stricter"),
        pytest.param(b'Cache-Control: public, private="a"\r\n', 'private, private="a"', id="private-but-for-one-field"),
        pytest.param(b"CDN-Cache-Control: max-age=600\r\nX-Accel-Expires: 600\r\n", "private", id="for-single-caches"),
        pytest.param(b"Cache-Control: PRIVATE, max-age=5\r\n", "PRIVATE, max-age=5", id="private-already"),
    ],
)
def test_no_shared_cache_keeps_what_was_made_for_one_person(
    said: bytes, told: str, gateway: GatewayProcess, upstream: Recorder, ada: str
) -> None:
    """Promise 50."""
    upstream.script = plainly(b"HTTP/1.1 200 OK\r\nVary: Accept\r\n" + said + b"Content-Length: 0\r\n\r\n")
    for _ in range(3):  # what came before is remembered
        answer = gateway.get("/private/x", f"Cookie: {ada}")
        assert (answer.status, answer.one("cache-control")) == (200, told)
        assert answer.one("vary") == "Accept, Cookie"
        assert answer.all("cdn-cache-control") + answer.all("x-accel-expires") == []


@pytest.fixture(scope="module")
def renewing(start: Start) -> Iterator[GatewayProcess]:
    """A gateway that renews sessions older than a second."""
    yield start(limits=QUICK, session='update_age = "1s"')


@pytest.fixture(scope="module")
def aged(renewing: GatewayProcess) -> str:
    """A session that is due for renewal."""
    cookie = renewing.sign_in("ada")
    time.sleep(1.1)
    return cookie


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", id="length"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", id="chunked"),
        pytest.param(b"HTTP/1.1 302 Found\r\nLocation: /y\r\nContent-Length: 0\r\n\r\n", id="redirect"),
        pytest.param(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nSet-Cookie: app=1\r\n\r\n", id="error-with-a-cookie"),
    ],
)
def test_a_session_is_renewed_on_a_streamed_answer(answer: bytes, renewing: GatewayProcess, aged: str, upstream: Recorder) -> None:
    upstream.script = plainly(answer)
    got = renewing.get("/private/x", f"Cookie: {aged}")
    lines = [line for line in got.all("set-cookie") if line.startswith("authjs.session-token=") and "Max-Age=0" not in line]
    assert len(lines) == 1, got
    assert "HttpOnly" in lines[0]
    assert "SameSite=Lax" in lines[0]
    assert got.all("set-cookie")[0].startswith("app=1") == (b"app=1" in answer)
    new = lines[0].partition(";")[0]
    renewing.secrets.add(new.partition("=")[2])
    assert new != aged
    upstream.reset()
    assert renewing.get("/private/y", f"Cookie: {new}").status == 200
    assert upstream.only().one("X-Forwarded-User") == "ada"


def test_a_young_session_is_not_renewed(gateway: GatewayProcess, ada: str, upstream: Recorder) -> None:
    answer = gateway.get("/private/x", f"Cookie: {ada}")
    assert answer.status == 200
    assert answer.all("set-cookie") == []


def test_public_answers_renew_nothing(renewing: GatewayProcess, aged: str, upstream: Recorder) -> None:
    """What may be cached for everybody carries no session."""
    answer = renewing.get("/public/x", f"Cookie: {aged}")
    assert answer.status == 200
    assert answer.all("set-cookie") == []


def test_the_same_connection_serves_many_kinds_of_requests(gateway: GatewayProcess, upstream: Recorder, ada: str) -> None:
    with gateway.connect() as connection:
        for number in range(20):
            assert connection.request(request("GET", f"/public/{number}")).status == 200
            assert connection.request(request("POST", f"/private/{number}", f"Cookie: {ada}", body=b"x" * number)).status == 200
            assert connection.request(request("GET", f"/private/{number}")).status == 302
            assert connection.request(request("GET", "/api/auth/session", f"Cookie: {ada}")).status == 200
    assert len(upstream.requests) == 40
    assert len({recorded.connection for recorded in upstream.requests}) <= 2, "connections to the upstream are not reused"


def request(method: str, target: str, *headers: str, body: bytes = b"") -> bytes:
    lines = [f"{method} {target} HTTP/1.1", "Host: gateway.test", *headers, *([f"Content-Length: {len(body)}"] if method == "POST" else [])]
    return "\r\n".join([*lines, "", ""]).encode() + body


def test_a_slow_reader_gets_everything(gateway: GatewayProcess, upstream: Recorder) -> None:
    """Backpressure loses nothing."""
    upstream.script = plainly(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(BIG) + BIG)
    with gateway.connect() as connection:
        connection.send(request("GET", "/public/x"))
        assert connection.head().status == 200
        body = slowly(connection, len(BIG))
    assert hashlib.sha256(body).digest() == hashlib.sha256(BIG).digest()


def slowly(connection: Connection, size: int) -> bytes:
    out = b""
    while len(out) < size:
        out += connection.reader.exactly(min(600_000, size - len(out)))
        time.sleep(0.01)
    return out
