"""The limits, at n - 1, n and n + 1; values that are large by default are configured small (SECURITY-BAR: limits)."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher

from tests.gateway_process import PASSWORDS, GatewayProcess
from tests.recorder import Recorder, plainly
from tests.web.raw.conftest import QUICK, Start
from tests.wire import Answer, Ended

LINE, FIELD, COUNT, HEAD = 300, 400, 20, 2000


@pytest.fixture(scope="module")
def tight(start: Start) -> Iterator[GatewayProcess]:
    """A gateway with small bounds on heads and connections."""
    limits = {"request_line": LINE, "header_field": FIELD, "header_count": COUNT, "request_head": HEAD, "requests_per_connection": 3}
    yield start(
        limits={**QUICK, **limits, "connections_per_address": 6, "keep_alive": "1s", "upstream_head": 3000, "upstream_header_field": 500}
    )


AT_THE_LIMIT = pytest.mark.parametrize("over", [-1, 0, 1], ids=["below", "at", "over"])


def expect(answer: Answer, over: int, status: int, upstream: Recorder) -> None:
    """Fine up to the limit, refused with the status above it, and then nothing was forwarded."""
    if over <= 0:
        assert answer.status == 200, answer
    else:
        assert answer.status == status, answer
        assert not any(request.complete for request in upstream.requests)


@AT_THE_LIMIT
def test_request_line(over: int, tight: GatewayProcess, upstream: Recorder) -> None:
    fixed = len("GET /public/ HTTP/1.1")
    answer = tight.get("/public/" + "x" * (LINE + over - fixed))
    expect(answer, over, 414, upstream)


@AT_THE_LIMIT
def test_header_field(over: int, tight: GatewayProcess, upstream: Recorder) -> None:
    answer = tight.get("/public/x", "X-A: " + "b" * (FIELD + over - len("X-A: ")))
    expect(answer, over, 431, upstream)


@AT_THE_LIMIT
def test_header_count(over: int, tight: GatewayProcess, upstream: Recorder) -> None:
    answer = tight.get("/public/x", *(f"X-{number}: 1" for number in range(COUNT + over - 1)))  # and Host
    expect(answer, over, 431, upstream)


@AT_THE_LIMIT
def test_whole_head(over: int, tight: GatewayProcess, upstream: Recorder) -> None:
    lines = [b"GET /public/x HTTP/1.1", b"Host: gateway.test", *(b"X-A: " + b"b" * 330 for _ in range(5))]
    missing = HEAD + over - len(b"\r\n".join(lines)) - len(b"\r\nX-B: ") - len(b"\r\n\r\n")
    answer = tight.request(b"\r\n".join([*lines, b"X-B: " + b"b" * missing]) + b"\r\n\r\n")
    expect(answer, over, 431, upstream)


@pytest.mark.parametrize(
    ("endless", "status"),
    [
        pytest.param(b"GET /" + b"x" * 5000, 414, id="request-line"),
        pytest.param(b"GET /public/x HTTP/1.1\r\nX-A: " + b"b" * 5000, 431, id="field"),
        pytest.param(b"GET /public/x HTTP/1.1\r\n" + b"A: b\r\n" * 1000, 431, id="fields"),
        pytest.param(b"G" * 5000, 414, id="method"),
    ],
)
def test_a_head_without_end_is_refused_before_its_end(endless: bytes, status: int, tight: GatewayProcess) -> None:
    answer = tight.request(endless)
    assert answer.status == status


@pytest.mark.parametrize(
    "piece", ["/", "a/", "/.", "a", ".", "a.", "//.x.", ";", "/;", "%41", "%25", "%2f", "%c3%a9/", "*", "a/*", "..", "/..x", "?", "%", "\\"]
)
@pytest.mark.parametrize("end", ["", "!", "%", "/../x", "\\"])
def test_no_path_takes_long_to_read(piece: str, end: str, gateway: GatewayProcess, upstream: Recorder) -> None:
    """Promise 54: a pattern that tries every way to read a path would not come back; the reader of the answer waits 15 s."""
    for start in ("/public/", "/private/", "/"):
        target = start + piece * ((8100 - len(start) - len(end)) // len(piece)) + end
        assert gateway.get(target).status < 500


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("Accept", "text/html;q=0.1, " * 450, id="accept"),
        pytest.param("Accept", ";" * 8000, id="accept-semicolons"),
        pytest.param("Cookie", "a=b; " * 1600, id="cookies"),
        pytest.param("Cookie", "=" * 8000, id="cookie-equals"),
        pytest.param("Cookie", "authjs.session-token=" + "." * 8000, id="token-of-dots"),
        pytest.param("Cookie", "; ".join(f"authjs.session-token.{number}=x" for number in range(250)), id="chunks"),
        pytest.param("Connection", "x," * 4000, id="connection"),
        pytest.param("Via", "1.1 a, " * 1100, id="via"),
        pytest.param("Via", "1.1 " + " " * 8000 + "(", id="via-spaces"),
        pytest.param("X-A", " " * 8000 + "b", id="spaces"),
        pytest.param("X-A", "b" + " \t" * 4000 + "c", id="spaces-inside"),
        pytest.param("X_" * 2000, "b", id="name"),
        pytest.param("X-Forwarded-For", "1.1.1.1, " * 850, id="forwarded-for"),
    ],
)
def test_no_header_takes_long_to_read(name: str, value: str, gateway: GatewayProcess, upstream: Recorder) -> None:
    """Promise 54, the same for fields."""
    for path in ("/public/x", "/private/x", "/api/auth/signin", "/api/auth/session"):
        assert gateway.get(path, f"{name}: {value}").status < 500


@AT_THE_LIMIT
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_proxied_body(framing: str, over: int, gateway: GatewayProcess, upstream: Recorder) -> None:
    body = b"x" * (1000 + over)
    field = b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
    if framing == "chunked":
        field = b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n%x\r\n%b\r\n0\r\n\r\n" % (600, body[:600], len(body) - 600, body[600:])
    answer = gateway.request(b"POST /small/x HTTP/1.1\r\nHost: gateway.test\r\n" + field)
    expect(answer, over, 413, upstream)


@AT_THE_LIMIT
def test_chunk_size_line(over: int, gateway: GatewayProcess, upstream: Recorder) -> None:
    line = b"3;" + b"a" * (4096 + over - 2)
    answer = gateway.request(
        b"POST /public/x HTTP/1.1\r\nHost: gateway.test\r\nTransfer-Encoding: chunked\r\n\r\n" + line + b"\r\nabc\r\n0\r\n\r\n"
    )
    expect(answer, over, 400, upstream)


@AT_THE_LIMIT
def test_trailer_fields(over: int, gateway: GatewayProcess, upstream: Recorder) -> None:
    trailers = b"".join(b"X-%d: 1\r\n" % number for number in range(16 + over))
    answer = gateway.request(
        b"POST /public/x HTTP/1.1\r\nHost: gateway.test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + trailers + b"\r\n"
    )
    expect(answer, over, 400, upstream)


@AT_THE_LIMIT
def test_trailer_bytes(over: int, gateway: GatewayProcess, upstream: Recorder) -> None:
    line = b"X-A: " + b"b" * (4096 - 7) + b"\r\n"
    trailers = line + line[: len(line) - 2 + min(over, 0)] + b"b" * max(over, 0) + b"\r\n"
    assert len(trailers) == 8192 + over
    answer = gateway.request(
        b"POST /public/x HTTP/1.1\r\nHost: gateway.test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + trailers + b"\r\n"
    )
    expect(answer, over, 400, upstream)


@AT_THE_LIMIT
def test_upstream_field(over: int, tight: GatewayProcess, upstream: Recorder) -> None:
    upstream.script = plainly(b"HTTP/1.1 200 OK\r\nX-A: " + b"b" * (500 + over - 5) + b"\r\nContent-Length: 2\r\n\r\nok")
    assert tight.get("/public/x").status == (502 if over > 0 else 200)


@AT_THE_LIMIT
def test_upstream_head(over: int, tight: GatewayProcess, upstream: Recorder) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" + b"".join(b"X-%d: " % number + b"b" * 420 + b"\r\n" for number in range(6))
    head += b"X-B: " + b"b" * (3000 + over - len(head) - len(b"X-B: \r\n\r\n")) + b"\r\n\r\n"
    upstream.script = plainly(head + b"ok")
    assert len(head) == 3000 + over
    assert tight.get("/public/x").status == (502 if over > 0 else 200)


def test_requests_per_connection(tight: GatewayProcess, upstream: Recorder) -> None:
    with tight.connect() as connection:
        answers = [connection.request(b"GET /public/x HTTP/1.1\r\nHost: gateway.test\r\n\r\n") for _ in range(3)]
        assert [answer.status for answer in answers] == [200, 200, 200]
        assert [answer.one("connection") for answer in answers] == [None, None, "close"]
        assert connection.ends()


def test_keep_alive_idle(tight: GatewayProcess, upstream: Recorder) -> None:
    with tight.connect() as connection:
        assert connection.request(b"GET /public/x HTTP/1.1\r\nHost: gateway.test\r\n\r\n").status == 200
        assert connection.ends()


def test_connections_per_address(tight: GatewayProcess, upstream: Recorder) -> None:
    with contextlib.ExitStack() as stack:
        kept = [stack.enter_context(tight.connect()) for _ in range(6)]
        assert kept[-1].request(b"GET /public/x HTTP/1.1\r\nHost: gateway.test\r\n\r\n").status == 200
        one_more = stack.enter_context(tight.connect())
        with contextlib.suppress(Ended):
            assert one_more.request(b"GET /public/x HTTP/1.1\r\nHost: gateway.test\r\n\r\n").status == 503
        assert len(upstream.requests) == 1
    until = time.monotonic() + 5
    while not _served(tight):
        assert time.monotonic() < until, "places are not given back"


def _served(gateway: GatewayProcess) -> bool:
    """False where there is no place: that is said before the request is read, so the answer may be lost in a reset."""
    try:
        return gateway.get("/public/x").status == 200
    except Ended:
        return False


def sign_in(gateway: GatewayProcess, *, body: int = 0, **fields: str) -> Answer:
    """Post credentials, with a filler that makes the body so long in all."""
    if not body:
        return gateway.post_sign_in(fields)
    token, cookie = gateway.csrf()
    form = "&".join(f"{key}={value}" for key, value in {**fields, "csrfToken": token}.items()) + "&filler="
    data = form.encode() + b"x" * (body - len(form))
    lines = ["Content-Type: application/x-www-form-urlencoded", f"Cookie: {cookie}", "Origin: http://gateway.test"]
    return gateway.get("/api/auth/callback/credentials", *lines, method="POST", body=data)


def signed_in(answer: Answer) -> bool:
    return answer.status in (302, 303) and any("session-token=" in line and "Max-Age=0" not in line for line in answer.all("set-cookie"))


@AT_THE_LIMIT
def test_sign_in_body(over: int, gateway: GatewayProcess) -> None:
    answer = sign_in(gateway, body=16384 + over, username="ada", password=PASSWORDS["ada"])
    assert signed_in(answer) == (over <= 0), answer
    assert over <= 0 or answer.status == 413


@AT_THE_LIMIT
def test_sign_in_fields(over: int, gateway: GatewayProcess) -> None:
    fields = {f"field{number}": "x" for number in range(32 + over - 3)}  # and the name, the password and the csrf token
    answer = sign_in(gateway, username="ada", password=PASSWORDS["ada"], **fields)
    assert signed_in(answer) == (over <= 0), answer
    assert over <= 0 or answer.status == 400


@pytest.fixture(scope="module")
def longwinded(start: Start) -> Iterator[GatewayProcess]:
    """A gateway whose users have names and passwords about as long as allowed; "ä" counts as two bytes."""
    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    users = "".join(f'[users."{"ä" * 127}{"n" * (over + 2)}"]\npassword = "{hasher.hash("x")}"\n' for over in (-1, 0, 1))
    users += "".join(f'[users.p{over + 1}]\npassword = "{hasher.hash("ä" * 511 + "p" * (over + 2))}"\n' for over in (-1, 0, 1))
    yield start(limits=QUICK, users=users)


@AT_THE_LIMIT
def test_user_name(over: int, longwinded: GatewayProcess) -> None:
    assert signed_in(sign_in(longwinded, username="ä" * 127 + "n" * (over + 2), password="x")) == (over <= 0)


@AT_THE_LIMIT
def test_password(over: int, longwinded: GatewayProcess) -> None:
    """Promise 47: checked exactly as sent up to the limit; above it not even the right one is hashed."""
    assert signed_in(sign_in(longwinded, username=f"p{over + 1}", password="ä" * 511 + "p" * (over + 2))) == (over <= 0)


@AT_THE_LIMIT
def test_callback_url(over: int, gateway: GatewayProcess) -> None:
    """Too long: the default is used."""
    target = "/private/" + "x" * (2048 + over - len("/private/"))
    answer = sign_in(gateway, username="ada", password=PASSWORDS["ada"], callbackUrl=target)
    assert signed_in(answer)
    location = answer.one("location")
    assert location is not None
    assert location.endswith(target) == (over <= 0)
    if over > 0:
        assert location in ("/", "http://gateway.test", "http://gateway.test/")


def test_failed_sign_ins_per_address(start: Start) -> None:
    """Promise 46: 429 with Retry-After; a forged address buys nothing; a right password is not looked at either."""
    guarded = start(limits={**QUICK, "failed_sign_ins_per_address": 3, "failed_sign_ins_window": "60s"})
    for number in range(3):
        answer = guarded.post_sign_in({"username": "ada", "password": "wrong"}, f"X-Forwarded-For: 10.0.0.{number}")
        assert answer.status != 429
        assert not signed_in(answer)
    for name in ("ada", "bob"):
        answer = guarded.post_sign_in({"username": name, "password": PASSWORDS[name]}, "X-Forwarded-For: 10.0.0.99", "X-Real-IP: 10.0.0.98")
        assert answer.status == 429
        assert int(answer.one("retry-after") or 0) > 0
        assert not signed_in(answer)
