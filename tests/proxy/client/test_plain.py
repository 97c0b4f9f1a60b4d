"""Which heads the express lane reads, and that it reads them as the general lane does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.headers import Stripper
from gateway.core.host import read_host
from gateway.core.reason import Reason
from gateway.proxy.client.head import ClientHead, HeadLimits, Refusal, read_head
from gateway.proxy.client.plain import PlainReader, is_plain_value
from gateway.proxy.express.lane import ExpressLane
from gateway.proxy.express.ports import Pass, Terms
from gateway.proxy.express.relay import Relay
from gateway.proxy.heads import Forwarded, Framing, is_rebuilt, request_head
from gateway.proxy.upstream.pool import UpstreamPool
from tests.differential.inputs import requests

STRIPPER = Stripper(["X-User-Id", "X-Department"])
LIMITS = HeadLimits()
END = b"\r\n\r\n"
COOKIES = {"ADA": "authjs.session-token=a", "BOB": "authjs.session-token=b"}


def drops(name: bytes) -> bool:
    return is_rebuilt(name) or STRIPPER.strips(name.decode("ascii").lower())


def reader(limits: HeadLimits = LIMITS) -> PlainReader:
    return PlainReader(drops, limits)


def head(*lines: str, start: str = "GET /a HTTP/1.1", host: str = "Host: a.test") -> bytes:
    """A head without the empty line at its end."""
    return "\r\n".join([start, *([host] if host else []), *lines]).encode("latin-1")


@dataclass(frozen=True)
class Read:
    """A plain head, wherever its blocks begin and end."""

    method: bytes
    path: bytes
    start: bytes
    host: bytes | None
    cookie: bytes | None
    length: int | None
    closes: bool
    lines: bytes


def read(plain: PlainReader, raw: bytes) -> Read | None:
    """What the lane makes of a head: what the reader takes, but for a cookie that every judge turns away."""
    found = plain.read(raw + END)
    if found is None:
        return None
    method, path, start, ahead, behind, cookie = found
    if cookie is not None and not is_plain_value(cookie):
        return None
    assert (ahead.host is None) is not (behind.host is None)
    length = ahead.length if behind.length is None else behind.length
    return Read(method, path, start, ahead.host or behind.host, cookie, length, ahead.closes or behind.closes, ahead.lines + behind.lines)


def test_what_is_read_of_a_plain_head():
    raw = head("Accept: */*", "cookie: a=b", "X-User-Id: mallory", "X-Two: a: b", "connection: Keep-Alive", "X-Forwarded-For: 1.2.3.4")
    expected = Read(b"GET", b"/a", b"GET /a HTTP/1.1\r\n", b"a.test", b"a=b", None, False, b"Accept: */*\r\nX-Two: a: b\r\n")
    assert read(reader(), raw) == expected


def test_what_is_read_of_an_upload():
    raw = head("Content-Length: 007", "Content-Type: text/plain", "Connection: Close", start="POST /a?b=%2e HTTP/1.1")
    expected = Read(b"POST", b"/a", b"POST /a?b=%2e HTTP/1.1\r\n", b"a.test", None, 7, True, b"Content-Type: text/plain\r\n")
    assert read(reader(), raw) == expected


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("length", [None, 0, 1, 10**18 - 1])
def test_the_usual_methods_are_taken_with_a_body_and_without(method, length):
    raw = head(*([] if length is None else [f"Content-Length: {length}"]), start=f"{method} /a HTTP/1.1")
    plain = read(reader(), raw)
    assert plain is not None
    assert (plain.method, plain.length, plain.lines) == (method.encode(), length, b"")


@pytest.mark.parametrize(
    "raw",
    [
        *(pytest.param(head(start=start), id=f"start-{start!r}") for start in (
            "TRACE /a HTTP/1.1", "CONNECT /a HTTP/1.1", "PURGE /a HTTP/1.1", "GETS /a HTTP/1.1", "get /a HTTP/1.1", "Post /a HTTP/1.1",
            "OPTIONS * HTTP/1.1", "GET /a HTTP/1.0", "GET /a HTTP/1.1 ", "GET  /a HTTP/1.1", "GET /a  HTTP/1.1",
            "GET http://a.test/a HTTP/1.1", "GET * HTTP/1.1", "GET /a b HTTP/1.1", "GET /a\tb HTTP/1.1", "GET /a#b HTTP/1.1", "GET /\xe9 HTTP/1.1",
            "GET /a\x00 HTTP/1.1", "GET /a\x7f HTTP/1.1", "GET HTTP/1.1", "GET /HTTP/1.1", " GET /a HTTP/1.1", "GET /a\rHTTP/1.1", "",
            "GET //a HTTP/1.1", "GET /a//b HTTP/1.1", "GET /./a HTTP/1.1", "GET /a/../b HTTP/1.1", "GET /.a HTTP/1.1", "GET /%61 HTTP/1.1",
            "GET /a;b HTTP/1.1", "GET /a\\b HTTP/1.1", "GET /a?b#c HTTP/1.1")),
        *(pytest.param(head(line), id=f"line-{line!r}") for line in (
            "Content-Length: x", "Content-Length: +1", "Content-Length: -1", "Content-Length: 1 ", "Content-Length: 1, 1", "Content-Length: 0x1",
            "Content-Length: 1\r\nContent-Length: 1", "Content-Length: 1\r\nCookie: a=b\r\ncontent-length: 1", "Content-Length: 1000000000000000000",
            "Content-Length: 1\r\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked", "Upgrade: websocket", "Expect: 100-continue",
            "Via: 1.1 x", "Max-Forwards: 1", "Trailer: a", "TE: trailers", "Connection: close, x-a", "Connection: close\r\nConnection: close",
            "Connection: keep-alive, x-a", "Connection: upgrade", "Host: a.test", "host: b.test", "Cookie: a=b\r\nHost: a.test",
            "Cookie: a=b\r\nCookie: c=d", "cookie: a=b\r\nCookie: c=d", "Cookie: a=b\r\ncookie: c=d", "COOKIE: a=b\r\nCookie: c=d", "cookie: a\r\ncookie: b",
            "Cookie: ", "Cookie:  a", "Cookie: a ", "Cookie: a\x00", "Cookie: \xe9", "Cookie: a\nb", "Cookie: a\rb", "Cookie:a",
            "Cookie: a\r\n b", "Cookie: a\r\n\r\nX: b", "X: b\r\n\r\nCookie: a", "\r\nCookie: a", "Cookie: a\r\n",
            "X-A:b", "X-A:  b", "X-A:\tb", "X-A: b ", "X-A: b\t", "X-A: ", "X-A:", "X-A : b", "X A: b", " folded: x",
            "X-A: \x00", "X-A: \x7f", "X-A: \xe9", "X-A: a\rb", "X-A: a\nb", "X-A: a\r\n b", "no colon", ": x", "", "X-\xe9: a", "X(A): b")),
        pytest.param(head(host=""), id="no-host"),
        pytest.param(head("Cookie: a=b", host=""), id="no-host-but-a-cookie"),
        pytest.param(head(host="Host:a.test"), id="host-without-a-space"),
        pytest.param(head() + b"\r\n", id="a-line-end-too-many"),
        pytest.param(head("Cookie: a=b") + b"\r\n", id="a-line-end-too-many-behind-the-cookie"),
        pytest.param(head().replace(b"\r\n", b"\n"), id="bare-line-feeds"),
        pytest.param(head() + END + head(), id="two-heads"),
        pytest.param(head("Content-Length: 30") + END + b"\r\nCookie: a=b", id="a-body-that-looks-like-fields"),
        pytest.param(head("Cookie: a=b") + END + head(), id="two-heads-and-a-cookie"),
    ],
)  # fmt: skip
def test_what_is_not_plain_is_left_to_the_general_lane(raw):
    plain = reader()
    for _ in range(3):  # also where blocks are remembered
        assert read(plain, raw) is None


@pytest.mark.parametrize(
    ("limits", "raw"),
    [
        pytest.param(HeadLimits(line=100), lambda n: head(start="GET /" + "a" * (100 - 14 + n) + " HTTP/1.1"), id="line"),
        pytest.param(HeadLimits(field=100), lambda n: head("X-A: " + "a" * (100 - 5 + n)), id="field"),
        pytest.param(HeadLimits(field=100), lambda n: head("Cookie: a=b", "X-A: " + "a" * (100 - 5 + n)), id="field-behind-the-cookie"),
        pytest.param(HeadLimits(field=100), lambda n: head("X-A: " + "a" * (100 - 5 + n), "Cookie: a=b"), id="field-ahead-of-the-cookie"),
        pytest.param(HeadLimits(count=10), lambda n: head(*["X-A: b"] * (10 - 1 + n)), id="count"),
        pytest.param(
            HeadLimits(count=10), lambda n: head(*["X-A: b"] * 3, "Cookie: a=b", *["X-A: b"] * (10 - 5 + n)), id="count-with-a-cookie"
        ),
        pytest.param(HeadLimits(count=10), lambda n: head(*["X-A: b"] * (10 - 2 + n), "Cookie: a=b"), id="count-with-a-cookie-last"),
        pytest.param(HeadLimits(total=100), lambda n: head("X-A: " + "a" * (100 - 4 - len(head("X-A: ")) + n)), id="total"),
    ],
)
def test_each_limit_is_that_of_the_general_lane(limits, raw):
    """Section 4 of the promises: n-1, n, n+1; the same where the lines are remembered."""
    plain = reader(limits)
    for over, taken in ((-1, True), (0, True), (1, False)) * 3:
        assert (read(plain, raw(over)) is not None) is taken
        assert isinstance(read_head(raw(over), limits), ClientHead) is taken


def test_a_cookie_longer_than_a_field_is_left_to_the_general_lane():
    """It is bounded by the whole head there."""
    for over, taken in ((-1, True), (0, True), (1, False)):
        raw = head("Cookie: " + "a" * (100 - 8 + over))
        assert (read(reader(HeadLimits(field=100)), raw) is not None) is taken


# What is remembered.


def test_names_that_clients_make_up_fill_no_memory():
    plain = reader()
    for number in range(3000):
        assert read(plain, head(f"X-{number}: a")) is not None
    assert len(plain._kinds) <= 1024


def test_blocks_that_clients_make_up_fill_no_memory():
    plain = reader()
    for number in range(5000):
        for _ in range(2):
            assert (
                read(plain, head("X-Long: " + "a" * 100, f"X-Number: {number}", "Cookie: a=b", f"X-Other: {number}" + "b" * 100))
                is not None
            )
        assert len(plain._blocks) <= 512
        assert len(plain._seen) <= 4096
    assert plain._blocks


@pytest.mark.parametrize(("size", "kept"), [(95, False), (96, True), (2048, True), (2049, False)])
def test_a_block_is_remembered_from_the_second_time_on_if_it_is_worth_it_and_not_large(size, kept):
    plain = reader()
    raw = head("X-Long: " + "a" * (size - len("Host: a.test\r\nX-Long: ")))
    assert len(raw) == size + len("GET /a HTTP/1.1\r\n")
    first = read(plain, raw)
    assert first is not None
    assert not plain._blocks
    assert read(plain, raw) == first
    assert bool(plain._blocks) is kept
    assert read(plain, raw) == first


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(["COOKIE: secret=1"], id="in-capitals"),
        pytest.param(["cOOkie: secret=1"], id="mixed"),
        pytest.param(["Cookie: a=b", "Cookie: secret=1"], id="twice"),
        pytest.param(["Cookie: a=b", "cookie: secret=1"], id="twice-and-lower-case"),
        pytest.param(["cookie: secret=1", "Cookie: a=b"], id="lower-case-first"),
        pytest.param(["cookie: secret=1"], id="lower-case"),
        pytest.param(["Cookie: secret=1"], id="usual"),
    ],
)
@pytest.mark.parametrize("first", [False, True])
def test_a_cookie_is_never_remembered_by_the_reader(lines, first):
    plain = reader()
    padding = ["X-Long: " + "a" * 200]
    raw = head(*lines, "Host: a.test", *padding, host="") if first else head(*padding, *lines, *padding)
    for _ in range(4):
        read(plain, raw)
    assert not any(b"secret" in block for block in plain._blocks)


_BLOCKS = (
    (),
    ("Accept: */*",),
    ("User-Agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101", "Accept: text/html,application/xhtml+xml", "Accept-Language: en"),
    ("X-Long: " + "a" * 120, "X-User-Id: mallory", "Connection: keep-alive"),
    ("X-Long: " + "a" * 120, "Content-Length: 3"),
    ("Content-Length: 3", "X-Long: " + "b" * 120),
    ("X-Long: " + "a" * 120, "Connection: close"),
    ("X-Long: " + "a" * 120, "Via: 1.1 x"),
    ("X-Long: " + "a" * 120, "X-Trail: b "),
    ("Host: a.test", "X-Long: " + "a" * 120),
    ("X-Long: " + "c" * 120, "host: b.test"),
    ("X-Long: " + "d" * 120, "COOKIE: hidden=1"),
    ("X-Long: " + "a" * 2100,),
)
_COOKIE_LINES = ("Cookie: a=b", "cookie: a=b", "Cookie: c=d", "cookie: c=d", "COOKIE: e=f", "Cookie: ", "Cookie: a ", "Cookie:a")


@st.composite
def heads(draw: st.DrawFn) -> bytes:
    """Heads that share blocks with each other, with cookies first, last, in between, twice, in lower case, or none."""
    parts = draw(st.lists(st.one_of(st.sampled_from(_BLOCKS), st.sampled_from(_COOKIE_LINES).map(lambda line: (line,))), max_size=4))
    host = draw(st.sampled_from([("Host: a.test",), ("Host: a.test",), ("Host: a.test",), ()]))
    lines = [line for part in draw(st.sampled_from([[host, *parts], [*parts, host]])) for line in part]
    start = draw(st.sampled_from(["GET /a HTTP/1.1", "POST /b?c HTTP/1.1", "GET /a//b HTTP/1.1"]))
    return "\r\n".join([start, *lines]).encode()


@settings(max_examples=800)
@given(
    raws=st.lists(st.one_of(heads(), requests(number=0, cookies=COOKIES).map(lambda raw: raw.partition(END)[0])), min_size=1, max_size=5),
    data=st.data(),
)
def test_what_is_remembered_comes_to_the_same_as_reading_line_by_line(raws, data):
    """Each head is read three times, in any order with others; a reader that is new has nothing to remember."""
    expected = [read(reader(), raw) for raw in raws]
    warmed = reader()
    for number in data.draw(st.permutations([*range(len(raws))] * 3)):
        assert read(warmed, raws[number]) == expected[number]
    assert not any(b"cookie: " in block.lower() for block in warmed._blocks)


class Noted:
    """Stands for a relay: keeps what the lane asks it to send."""

    def begin(self, terms: Terms, request: bytes, raw: bytes, method: bytes, length: int, closes: bool) -> None:
        self.request, self.raw, self.method, self.length, self.closes = request, raw, method, length, closes


class Anybody:
    """A judge that lets everybody pass whose cookie can be read, and keeps what it was asked."""

    def judge(self, method: bytes, path: bytes, host: bytes, cookie: bytes | None, data: bytes) -> Pass | None:
        self.host, self.cookie = host, cookie
        if cookie is not None and not is_plain_value(cookie):
            return None
        terms = Terms(cast(UpstreamPool, None), host="a", opening=b"Host: a\r\n", private=False, streaming=False, max_body=0)
        return Pass(terms, cookie=b"", identity=b"")


_edits = st.lists(st.tuples(st.integers(0, 300), st.integers(0, 2), st.sampled_from([b"", b"\r\n", b"\n", b" ", b":", b": ", b"\t", b"\0", b"\x80", b"X"])), max_size=2)  # fmt: skip


@settings(max_examples=1500)
@given(raw=requests(number=0, cookies=COOKIES), edits=_edits)
def test_whatever_is_taken_is_read_alike_by_the_general_lane(raw, edits):
    """Promises 1 to 4, 9, 11, 16 and 17: the express lane never reads a request that the other would refuse or read otherwise."""
    raw = raw.partition(END)[0]
    for place, cut, put in edits:
        place %= len(raw) + 1
        raw = raw[:place] + put + raw[place + cut :]
    judge, noted, plain = Anybody(), Noted(), reader()
    lane = ExpressLane(
        plain, judge, scheme="http", owns_cookie=lambda name: False, believes=lambda address: False, on_cut=lambda error: None
    )
    if not lane.take(cast(Relay, noted), "", raw + END):
        return
    read = read_head(raw, LIMITS)
    if isinstance(read, Refusal):  # the judge reads the host, and takes only ours
        assert read.reason is Reason.HOST_INVALID
        assert read_host(judge.host.decode(), scheme="") is None
        return
    assert noted.raw == raw + END
    assert (read.method, read.minor, read.length or 0, read.keep_alive) == (noted.method, 1, noted.length, not noted.closes)
    assert (read.chunked, read.upgrade, read.expects_continue) == (False, False, False)
    assert [value for name, value in read.headers if name.lower() == b"host"] == [judge.host]
    assert [value for name, value in read.headers if name.lower() == b"cookie"] == ([] if judge.cookie is None else [judge.cookie])
    sent = request_head(
        method=read.method.decode(), target=read.target.decode(), headers=read.headers, host="a", cookie="", set_headers=(),
        strips=STRIPPER.strips, forwarded=Forwarded(client="", scheme="http", host="a"),
        framing=Framing.none() if read.length is None else Framing.length(read.length),
    )  # fmt: skip
    assert noted.request == sent
