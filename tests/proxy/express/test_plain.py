"""Which heads the express lane reads, and that it reads them as the general lane does."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.headers import Stripper
from gateway.core.host import read_host
from gateway.core.reason import Reason
from gateway.proxy.client.head import ClientHead, HeadLimits, Refusal, read_head
from gateway.proxy.express.plain import Plain, PlainReader
from gateway.proxy.heads import Forwarded, Framing, is_rebuilt, request_head
from tests.differential.inputs import requests

STRIPPER = Stripper(["X-User-Id", "X-Department"])
LIMITS = HeadLimits()
COOKIES = {"ADA": "authjs.session-token=a", "BOB": "authjs.session-token=b"}


def drops(name: bytes) -> bool:
    return is_rebuilt(name) or STRIPPER.strips(name.decode("ascii").lower())


def reader(limits: HeadLimits = LIMITS) -> PlainReader:
    return PlainReader(drops, limits)


def head(*lines: str, start: str = "GET /a HTTP/1.1", host: str = "Host: a.test") -> bytes:
    return "\r\n".join([start, *([host] if host else []), *lines]).encode("latin-1")


def test_what_is_read_of_a_plain_head():
    raw = head("Accept: */*", "cookie: a=b", "X-User-Id: mallory", "X-Two: a: b", "connection: Keep-Alive", "X-Forwarded-For: 1.2.3.4")
    plain = reader().read(raw)
    assert plain == Plain(b"/a", b"a.test", b"a=b", [b"Accept: */*", b"X-Two: a: b"])


@pytest.mark.parametrize(
    "raw",
    [
        *(pytest.param(head(start=start), id=f"start-{start!r}") for start in (
            "HEAD /a HTTP/1.1", "POST /a HTTP/1.1", "get /a HTTP/1.1", "GET /a HTTP/1.0", "GET /a HTTP/1.1 ", "GET  /a HTTP/1.1", "GET /a  HTTP/1.1",
            "GET http://a.test/a HTTP/1.1", "GET * HTTP/1.1", "GET /a b HTTP/1.1", "GET /a\tb HTTP/1.1", "GET /a#b HTTP/1.1", "GET /\xe9 HTTP/1.1",
            "GET /a\x00 HTTP/1.1", "GET /a\x7f HTTP/1.1", "GET HTTP/1.1", "GET /HTTP/1.1", " GET /a HTTP/1.1", "GET /a\rHTTP/1.1", "")),
        *(pytest.param(head(line), id=f"line-{line!r}") for line in (
            "Content-Length: 0", "Transfer-Encoding: chunked", "Upgrade: websocket", "Expect: 100-continue", "Via: 1.1 x", "Max-Forwards: 1",
            "Trailer: a", "TE: trailers", "Connection: close", "Connection: keep-alive, x-a", "Connection: upgrade", "Host: a.test", "host: b.test",
            "Cookie: a=b\r\nCookie: c=d", "X-A:b", "X-A:  b", "X-A:\tb", "X-A: b ", "X-A: b\t", "X-A: ", "X-A:", "X-A : b", "X A: b", " folded: x",
            "X-A: \x00", "X-A: \x7f", "X-A: \xe9", "X-A: a\rb", "X-A: a\nb", "X-A: a\r\n b", "no colon", ": x", "", "X-\xe9: a", "X(A): b")),
        pytest.param(head(host=""), id="no-host"),
        pytest.param(head(host="Host:a.test"), id="host-without-a-space"),
        pytest.param(head() + b"\r\n", id="a-line-end-too-many"),
        pytest.param(head().replace(b"\r\n", b"\n"), id="bare-line-feeds"),
    ],
)  # fmt: skip
def test_what_is_not_plain_is_left_to_the_general_lane(raw):
    assert reader().read(raw) is None


@pytest.mark.parametrize(
    ("limits", "raw"),
    [
        pytest.param(HeadLimits(line=100), lambda n: head(start="GET /" + "a" * (100 - 14 + n) + " HTTP/1.1"), id="line"),
        pytest.param(HeadLimits(field=100), lambda n: head("X-A: " + "a" * (100 - 5 + n)), id="field"),
        pytest.param(HeadLimits(count=10), lambda n: head(*["X-A: b"] * (10 - 1 + n)), id="count"),
        pytest.param(HeadLimits(total=100), lambda n: head("X-A: " + "a" * (100 - 4 - len(head("X-A: ")) + n)), id="total"),
    ],
)
def test_each_limit_is_that_of_the_general_lane(limits, raw):
    """Section 4 of the promises: n-1, n, n+1."""
    for over, taken in ((-1, True), (0, True), (1, False)):
        assert (reader(limits).read(raw(over)) is not None) is taken
        assert isinstance(read_head(raw(over), limits), ClientHead) is taken


def test_names_that_clients_make_up_fill_no_memory():
    plain = reader()
    for number in range(3000):
        assert plain.read(head(f"X-{number}: a")) is not None
    assert len(plain._kinds) <= 1024


_edits = st.lists(st.tuples(st.integers(0, 300), st.integers(0, 2), st.sampled_from([b"", b"\r\n", b"\n", b" ", b":", b": ", b"\t", b"\0", b"\x80", b"X"])), max_size=2)  # fmt: skip


@settings(max_examples=1500, deadline=None)
@given(raw=requests(number=0, cookies=COOKIES), edits=_edits)
def test_whatever_is_taken_is_read_alike_by_the_general_lane(raw, edits):
    """Promises 1 to 4, 9, 11, 16 and 17: the express lane never reads a request that the other would refuse or read otherwise."""
    raw = raw.partition(b"\r\n\r\n")[0]
    for place, cut, put in edits:
        place %= len(raw) + 1
        raw = raw[:place] + put + raw[place + cut :]
    plain = reader().read(raw)
    if plain is None:
        return
    read = read_head(raw, LIMITS)
    if isinstance(read, Refusal):  # the judge reads the host, and takes only ours
        assert read.reason is Reason.HOST_INVALID
        assert read_host(plain.host.decode(), scheme="") is None
        return
    assert (read.method, read.target, read.minor) == (b"GET", plain.target, 1)
    assert (read.length, read.chunked, read.keep_alive, read.upgrade, read.expects_continue) == (None, False, True, False, False)
    assert [value for name, value in read.headers if name.lower() == b"host"] == [plain.host]
    assert [value for name, value in read.headers if name.lower() == b"cookie"] == ([] if plain.cookie is None else [plain.cookie])
    forwarded = Forwarded(client="", scheme="http", host="a")
    sent = request_head(
        method="GET", target=read.target.decode(), headers=read.headers, host="a", cookie="", set_headers=(), strips=STRIPPER.strips,
        forwarded=forwarded, framing=Framing.none(),
    )  # fmt: skip
    ours = "\r\n".join(forwarded.lines()).encode()
    assert sent == b"\r\n".join([b"GET %b HTTP/1.1\r\nHost: a" % plain.target, *plain.lines, ours]) + b"\r\n\r\n"
