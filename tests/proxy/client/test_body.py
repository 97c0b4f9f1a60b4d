"""Promise 1 and the limits of chunked bodies: where a body ends, however its bytes are cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.proxy.client.body import ChunkedFraming, LengthFraming
from gateway.proxy.client.head import Refusal


def feed(framing: ChunkedFraming | LengthFraming, data: bytes, cut: int) -> bytes | Refusal:
    """Feed in pieces of `cut` bytes; what was not taken."""
    position = 0
    while position < len(data) and not framing.done:
        taken = framing.feed(data[position : position + cut])
        if isinstance(taken, Refusal):
            return taken
        position += taken
    return data[position:]


@pytest.mark.parametrize("cut", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"0\r\n\r\n", id="empty"),
        pytest.param(b"3\r\nabc\r\n0\r\n\r\n", id="one"),
        pytest.param(b"A\r\n0123456789\r\n00001;x=y\r\nz\r\n0\r\nX: 1\r\n\r\n", id="extension-and-trailer"),
        pytest.param(b'5 ;name="v"\r\n\r\n\r\n0\r\n0\r\n\r\n', id="data-that-looks-like-an-end"),
    ],
)
def test_a_chunked_body_ends_where_it_ends(body: bytes, cut: int) -> None:
    framing = ChunkedFraming()
    assert feed(framing, body + b"GET /next", cut) == b"GET /next"
    assert framing.done


@pytest.mark.parametrize("cut", [1, 2, 3, 7, 1000])
def test_no_lane_sees_trailers(cut: int) -> None:
    """Promise 10: a parser that reads `Content-Length` in a trailer would wait for ever."""
    framing, seen, position = ChunkedFraming(), b"", 0
    data = b"3\r\nabc\r\n0\r\nContent-Length: 9\r\nX: 1\r\n\r\n"
    while not framing.done:
        taken = framing.feed(data[position : position + cut])
        assert isinstance(taken, int)
        seen += data[position : position + taken - framing.hidden]
        position += taken
    assert seen + framing.ending == b"3\r\nabc\r\n0\r\n\r\n"


@pytest.mark.parametrize("cut", [1, 1000])
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"\r\n", id="no-size"),
        pytest.param(b"g\r\n", id="not-hex"),
        pytest.param(b"0x3\r\n", id="prefixed"),
        pytest.param(b"-1\r\n", id="negative"),
        pytest.param(b" 3\r\n", id="leading-space"),
        pytest.param(b"3\n", id="bare-lf-after-size"),
        pytest.param(b"3\r\nabcX", id="no-line-end-after-data"),
        pytest.param(b"3\r\nabc\n", id="bare-lf-after-data"),
        pytest.param(b"3;a\x00b\r\n", id="control-in-extension"),
        pytest.param(b"1" * 16 + b"\r\n", id="size-too-large"),
        pytest.param(b"0\r\nbad trailer\r\n", id="trailer-without-colon"),
        pytest.param(b"0\r\nX: a\rb\r\n", id="bare-cr-in-trailer"),
        pytest.param(b"0\r\n" + b"A: b\r\n" * 17, id="too-many-trailers"),
    ],
)
def test_a_bad_chunk_is_refused(body: bytes, cut: int) -> None:
    assert isinstance(feed(ChunkedFraming(), body, cut), Refusal)


@pytest.mark.parametrize(("length", "refused"), [(4096 - 2, False), (4096 - 1, False), (4096, True)])
def test_the_chunk_line_has_a_limit(length: int, refused: bool) -> None:
    line = b"1;" + b"e" * (length - 1) + b"\r\n"
    assert isinstance(feed(ChunkedFraming(), line, 1000), Refusal) is (len(line) - 2 > 4096) is refused


@pytest.mark.parametrize(("size", "refused"), [(8191, False), (8192, False), (8193, True)])
def test_trailers_have_a_limit(size: int, refused: bool) -> None:
    body = b"0\r\n" + b"A: " + b"b" * (4096 - 5) + b"\r\n" + b"B: " + b"b" * (size - 4096 - 5) + b"\r\n\r\n"
    assert isinstance(feed(ChunkedFraming(), body, 1000), Refusal) is refused


def test_a_length_is_counted() -> None:
    framing = LengthFraming(5)
    assert framing.feed(b"abc") == 3
    assert not framing.done
    assert framing.feed(b"defgh") == 2
    assert framing.done


CHUNKS = st.lists(st.binary(min_size=1, max_size=40), max_size=6)


@given(CHUNKS, st.integers(1, 50), st.binary(max_size=10))
def test_any_well_formed_body_ends_at_the_same_byte_for_every_cut(chunks: list[bytes], cut: int, rest: bytes) -> None:
    body = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
    assert feed(ChunkedFraming(), body + rest, cut) == rest


@given(st.binary(max_size=100), st.integers(1, 20))
def test_any_bytes_are_taken_or_refused(data: bytes, cut: int) -> None:
    feed(ChunkedFraming(), data, cut)
