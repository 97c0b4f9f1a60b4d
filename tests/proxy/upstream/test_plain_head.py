"""The short way to read a response head comes to what the long way comes to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.proxy.private import private_fields, private_lines
from gateway.proxy.upstream.head import Malformed, read_slowly, read_upstream_head
from gateway.proxy.upstream.plain_head import read_plain

LINE = st.sampled_from(
    [
        b"Server: a",
        b"Content-Length: 3",
        b"content-length: 3",
        b"Content-Length: 03",
        b"Content-Length: 3, 3",
        b"Content-Length: -1",
        b"Transfer-Encoding: chunked",
        b"Transfer-Encoding: gzip",
        b"Connection: keep-alive",
        b"Connection: close",
        b"Connection: X-A",
        b"Keep-Alive: timeout=5",
        b"Set-Cookie: a=b",
        b"Cache-Control: public",
        b"CDN-Cache-Control: max-age=5",
        b"Vary: Accept",
        b"Date: x  y",
        b"X-A:b",
        b"X-A:  b",
        b"X-A: ",
        b"X-A: b ",
        b" folded: a",
        b"X A: b",
        b"X-A: \xe9",
        b"X-A: a\x00",
        b"X-A: a\rb",
        b"X-A: a\nb",
        b"Upgrade: websocket",
        b"nothing",
        b": a",
        b"X-Gateway-Reason: x",
        b"Trailer: a",
        b"A: b: c",
    ]
)
START = st.sampled_from(
    [
        b"HTTP/1.1 200 OK",
        b"HTTP/1.1 200 ",
        b"HTTP/1.1 200",
        b"HTTP/1.0 200 OK",
        b"HTTP/1.1 204 No",
        b"HTTP/1.1 304 Not",
        b"HTTP/1.1 100 C",
        b"HTTP/1.1 404 Not Found",
        b"HTTP/1.1 600 X",
        b"HTTP/2.0 200 OK",
        b"HTTP/1.1 2000 OK",
        b"HTTP/1.1  200 OK",
        b"http/1.1 200 OK",
    ]
)


@given(START, st.lists(LINE, max_size=5), st.sampled_from(["GET", "HEAD", "POST"]))
def test_both_ways_come_to_the_same(start: bytes, lines: list[bytes], method: str) -> None:
    data = b"\r\n".join([start, *lines])

    def outcome(way: object) -> str:
        try:
            return repr(way(data, method=method, upgrade=False, max_field=8190))  # type: ignore[operator]
        except Malformed:
            return "malformed"

    assert outcome(read_upstream_head) == outcome(read_slowly)


def test_a_plain_head_is_taken_the_short_way() -> None:
    plain = read_plain(
        b"HTTP/1.1 200 OK\r\nServer: a\r\nContent-Length: 3\r\nConnection: keep-alive\r\nVary: Accept\r\nCache-Control: no-store"
    )
    assert plain is not None
    assert plain.passing == [b"Server: a", b"Content-Length: 3"]
    assert (plain.status, plain.reason, plain.content_length, plain.vary, plain.cache_control) == (200, b"OK", 3, b"Accept", b"no-store")


@pytest.mark.parametrize("control", [None, b"no-store", b"public, max-age=3"])
@pytest.mark.parametrize("vary", [None, b"Accept", b"*"])
def test_remembered_lines_are_the_same_lines(control: bytes | None, vary: bytes | None) -> None:
    said = [(name, value) for name, value in ((b"Cache-Control", control), (b"Vary", vary)) if value is not None]
    for _ in range(2):
        assert private_fields(control, vary) == [b"%b: %b" % line for line in private_lines(said)]
