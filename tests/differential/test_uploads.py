"""Uploads that break at a known place, through both lanes: the same answer, the same end."""

from __future__ import annotations

import pytest

from tests.differential.lanes import Pair
from tests.recorder import Exchange, Script, plainly

INNER = b"GET /public/inner HTTP/1.1\r\nHost: gateway.test\r\n\r\n"


def upload(path: str, length: int, body: bytes, *, method: str = "POST") -> bytes:
    return f"{method} {path} HTTP/1.1\r\nHost: gateway.test\r\nX-Number: 1\r\nContent-Length: {length}\r\n\r\n".encode() + body


def dies(exchange: Exchange, *, reset: bool) -> None:
    """Take a little, then go."""
    exchange.reader.exactly(10)
    (exchange.reset if reset else exchange.close)()


def first(act: Script) -> Script:
    """Act so at the upload; answer all else."""
    return lambda exchange: (act if exchange.request.one("x-number") else plainly())(exchange)


def refuses(answer: bytes) -> Script:
    """Answer without a look at the body."""

    def script(exchange: Exchange) -> None:
        exchange.send(answer)
        exchange.left(10)
        exchange.close()

    return script


NO = b"HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno"


@pytest.mark.parametrize("path", ["/public/x", "/private/x", "/optional/x"])
@pytest.mark.parametrize(
    ("data", "script", "status"),
    [
        pytest.param((5000, INNER), plainly(), 408, id="stops"),
        pytest.param((5000, b""), plainly(), 408, id="never-begins"),
        pytest.param((5000, INNER), first(lambda exchange: dies(exchange, reset=False)), 502, id="closed-midway"),
        pytest.param((5000, INNER), first(lambda exchange: dies(exchange, reset=True)), 502, id="reset-midway"),
        pytest.param((5000, INNER), first(refuses(NO)), 403, id="answered-midway"),
        pytest.param((5000, INNER), first(refuses(b"garbage\r\n\r\n")), 502, id="garbage-midway"),
        pytest.param((5000, INNER), first(refuses(NO[:-1])), 0, id="half-an-answer-midway"),
        pytest.param((len(INNER), INNER), first(lambda exchange: dies(exchange, reset=False)), 502, id="closed-behind-it"),
        pytest.param((0, b""), plainly(), 200, id="nothing"),
        pytest.param((len(INNER), INNER), plainly(), 200, id="looks-like-a-request"),
    ],
)
def test_an_upload_that_breaks(path: str, data: tuple[int, bytes], script: Script, status: int, both: Pair) -> None:
    """Promises 1, 5, 6, 14: and no byte of it is ever a request."""
    raw = upload(path, *data).replace(b"\r\n\r\n", f"\r\nCookie: {both.cookies['ADA']}\r\n\r\n".encode(), 1)
    express, general = both.compare([raw], lambda: script)
    assert express == general
    if status:
        assert b" %d " % status in express.answers[0][0].partition(b"\r\n")[0]
    else:
        assert (express.answers, express.rest) == ((), b"<cut>")
    assert not any(request.startswith(b"GET /public/inner") for requests in express.requests.values() for request in requests)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "GET", "OPTIONS", "HEAD"])
@pytest.mark.parametrize("length", [0, 999, 1000, 1001])
@pytest.mark.parametrize("sent", [True, False], ids=["sent", "announced"])
def test_an_upload_at_the_limit_of_its_route(method: str, length: int, sent: bool, both: Pair) -> None:
    """n-1, n, n+1: 413 before a byte is passed on."""
    if not sent and length != 1001:
        length += 5000
    raw = upload("/small/x", length, b"a" * length if sent else b"", method=method)
    express, general = both.compare([raw])
    assert express == general
    refused = length > 1000
    assert (b" 413 " in express.answers[0][0]) is refused
    assert any(b"/small/x" in request for request in express.requests["app"]) is not refused
