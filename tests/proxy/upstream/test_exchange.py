"""Reading responses, without sockets: any split reads the same, anything broken is refused, and the limits hold to the byte."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.proxy.fields import RawHeaders
from gateway.proxy.upstream.body import ChunkReader
from gateway.proxy.upstream.exchange import ResponseReader
from gateway.proxy.upstream.head import Malformed, UpstreamHead
from gateway.proxy.upstream.limits import MAX_INFORMATIONAL, UpstreamLimits

LIMITS = UpstreamLimits(max_head=4096, max_field=1024)


@dataclass
class Recording:
    """A receiver that remembers."""

    informational: list[tuple[int, RawHeaders]] = field(default_factory=list)
    head: UpstreamHead | None = None
    body: bytes = b""

    def on_informational(self, status: int, headers: RawHeaders) -> None:
        self.informational.append((status, headers))

    def on_head(self, head: UpstreamHead) -> None:
        assert self.head is None
        self.head = head

    def on_data(self, data: bytes) -> None:
        assert self.head is not None
        assert data
        self.body += data

    def on_end(self, trailers: RawHeaders) -> None: ...
    def on_tunnel(self, tunnel: Any) -> None: ...
    def on_writable(self) -> None: ...
    def on_error(self, error: Any) -> None: ...


def read(
    data: bytes, cuts: list[int] | None = None, *, method: str = "GET", upgrade: bool = False, limits: UpstreamLimits = LIMITS
) -> tuple[Recording, ResponseReader]:
    recording = Recording()
    reader = ResponseReader(recording, limits, method=method, upgrade=upgrade)
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts or []), len(data)]
    for start, end in pairwise(edges):
        if start < end:
            reader.feed(data[start:end])
    return recording, reader


names = st.from_regex(rb"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,12}", fullmatch=True).filter(
    lambda name: name.lower() not in (b"content-length", b"transfer-encoding", b"connection", b"upgrade", b"keep-alive")
)
values = st.from_regex(rb"([\x21-\x7e\x80-\xff]([\t\x20-\x7e\x80-\xff]{0,20}[\x21-\x7e\x80-\xff])?)?", fullmatch=True)
fields = st.lists(st.tuples(names, values), max_size=8)
padding = st.sampled_from([b"", b" ", b"\t", b"  \t"])
cuts = st.lists(st.integers(min_value=0, max_value=5000), max_size=12)


@dataclass
class Wire:
    """A response as bytes, and what must be read of it."""

    data: bytes
    status: int
    headers: RawHeaders
    body: bytes
    interim: int
    trailers: RawHeaders
    closes: bool


@st.composite
def responses(draw: st.DrawFn) -> Wire:
    status = draw(st.sampled_from([200, 201, 206, 301, 404, 500, 599]))
    headers = list(draw(fields))
    body = draw(st.binary(max_size=200))
    framing = draw(st.sampled_from(["length", "chunked", "close"]))
    trailers: RawHeaders = []
    if framing == "length":
        headers.insert(draw(st.integers(0, len(headers))), (b"cOntent-Length", b"%d" % len(body)))
        sent = body
    elif framing == "chunked":
        headers.insert(draw(st.integers(0, len(headers))), (b"Transfer-Encoding", b"chunked"))
        trailers = list(draw(st.lists(st.tuples(names, values), max_size=3)))
        sent, left = b"", body
        while left:
            size = draw(st.integers(1, len(left)))
            extension = draw(st.sampled_from([b"", b";a", b" ; a=b", b';a="b;c"']))
            sent += draw(st.sampled_from([b"%x", b"%X", b"0%x"])) % size + extension + b"\r\n" + left[:size] + b"\r\n"
            left = left[size:]
        sent += b"0\r\n" + b"".join(b"%b: %b\r\n" % line for line in trailers) + b"\r\n"
    else:
        sent = body
    interim = draw(st.integers(0, 3))
    data = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * interim + b"HTTP/1.1 %d Fine\r\n" % status
    for name, value in headers:
        data += name + b":" + draw(padding) + value + draw(padding) + b"\r\n"
    return Wire(data + b"\r\n" + sent, status, headers, body, interim, trailers, framing == "close")


@given(responses(), cuts)
def test_any_response_split_anywhere_reads_the_same(wire: Wire, cuts: list[int]) -> None:
    recording, reader = read(wire.data, cuts)
    assert recording.head is not None
    assert recording.head.status == wire.status
    assert recording.head.headers == wire.headers
    assert recording.body == wire.body
    assert recording.informational == [(103, [(b"Link", b"</a>")])] * wire.interim
    assert reader.complete != wire.closes
    assert reader.trailers == wire.trailers
    assert reader.finish()
    assert reader.excess == b""


@given(responses(), st.binary(min_size=1, max_size=20), cuts)
def test_what_comes_behind_the_end_is_excess(wire: Wire, behind: bytes, cuts: list[int]) -> None:
    recording, reader = read(wire.data + behind, cuts)
    if wire.closes:
        assert recording.body == wire.body + behind
    else:
        assert (recording.body, reader.excess) == (wire.body, behind)


@given(responses(), st.data())
def test_a_response_cut_short_is_never_complete(wire: Wire, data: st.DataObject) -> None:
    length = data.draw(st.integers(0, len(wire.data) - 1))
    recording, reader = read(wire.data[:length])
    assert not reader.complete
    assert wire.body.startswith(recording.body)
    if not (wire.closes and recording.head is not None):
        assert not reader.finish()


@given(responses(), st.lists(st.tuples(st.integers(0, 5000), st.binary(max_size=3), st.integers(0, 3)), min_size=1, max_size=4), cuts)
@example(Wire(b"HTTP/1.1 200 OK\r\nA: b\r\n\r\n", 200, [], b"", 0, [], True), [(17, b"\n", 0)], [])
def test_a_mutated_response_is_read_or_refused_and_splits_alike(
    wire: Wire, mutations: list[tuple[int, bytes, int]], cuts: list[int]
) -> None:
    data = wire.data
    for position, inserted, removed in mutations:
        position %= len(data) + 1
        data = data[:position] + inserted + data[position + removed :]
    outcomes = []
    for split in ([], cuts, list(range(len(data)))):
        try:
            recording, reader = read(data, split)
        except Malformed:
            outcomes.append(None)
        else:
            outcomes.append((recording.head, recording.body, reader.complete, reader.excess))
            if recording.head is not None:
                for name, value in recording.head.headers:
                    assert not set(name + value) & {*range(9), *range(10, 32), 127}
    # A whole piece may show its fault before a part of it is told; but nobody may read two different whole responses.
    assert len({repr(outcome) for outcome in outcomes if outcome is not None}) <= 1
    assert outcomes.count(None) in (0, 3)


@given(st.binary(max_size=300), cuts)
def test_random_bytes_never_crash_the_reader(data: bytes, cuts: list[int]) -> None:
    for prefix in (b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"):
        try:
            read(prefix + data, cuts)
        except Malformed as error:
            assert str(error).isascii()  # and so holds none of the bytes


def head_of(size: int) -> bytes:
    """A head of exactly so many bytes, in fields of moderate size."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"
    while size - len(head) > 900:
        head += b"A: " + b"x" * 500 + b"\r\n"
    return head + b"B: " + b"x" * (size - len(head) - 7) + b"\r\n\r\n"


@pytest.mark.parametrize("split", [[], [2000], list(range(5000))], ids=["whole", "halves", "bytes"])
@pytest.mark.parametrize(("size", "fits"), [(4095, True), (4096, True), (4097, False)])
def test_a_head_may_be_as_large_as_its_limit(size: int, fits: bool, split: list[int]) -> None:
    data = head_of(size)
    assert len(data) == size
    if fits:
        assert read(data, split)[1].complete
    else:
        with pytest.raises(Malformed):
            read(data, split)


@pytest.mark.parametrize(("size", "fits"), [(1023, True), (1024, True), (1025, False)])
@pytest.mark.parametrize("last", [True, False], ids=["last", "not-last"])
def test_a_field_may_be_as_large_as_its_limit(size: int, fits: bool, last: bool) -> None:
    line = b"A: " + b"x" * (size - 3)
    data = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + line + (b"" if last else b"\r\nB: c") + b"\r\n\r\n"
    if fits:
        assert read(data)[1].complete
    else:
        with pytest.raises(Malformed):
            read(data)


@pytest.mark.parametrize(("count", "fits"), [(15, True), (16, True), (17, False)])
def test_interim_responses_have_a_limit(count: int, fits: bool) -> None:
    assert MAX_INFORMATIONAL == 16
    data = b"HTTP/1.1 100 Continue\r\n\r\n" * count + b"HTTP/1.1 204 No\r\n\r\n"
    if fits:
        assert len(read(data)[0].informational) == count
    else:
        with pytest.raises(Malformed):
            read(data)


@pytest.mark.parametrize(
    ("body", "fits"),
    [
        pytest.param(b"1;" + b"a" * 4093, True, id="chunk-line-4095"),
        pytest.param(b"1;" + b"a" * 4094, True, id="chunk-line-4096"),
        pytest.param(b"1;" + b"a" * 4095, False, id="chunk-line-4097"),
        pytest.param(b"0\r\nA: " + b"x" * (8191 - 5), True, id="trailers-8191"),
        pytest.param(b"0\r\nA: " + b"x" * (8192 - 5), True, id="trailers-8192"),
        pytest.param(b"0\r\nA: " + b"x" * (8193 - 5), False, id="trailers-8193"),
        pytest.param(b"0\r\nA: " + b"x" * 4000 + b"\r\nB: " + b"x" * (8192 - 4005 - 5), True, id="trailers-together-8192"),
        pytest.param(b"0\r\nA: " + b"x" * 4000 + b"\r\nB: " + b"x" * (8193 - 4005 - 5), False, id="trailers-together-8193"),
        pytest.param(b"0\r\n" + b"\r\n".join([b"A: b"] * 15), True, id="trailer-fields-15"),
        pytest.param(b"0\r\n" + b"\r\n".join([b"A: b"] * 16), True, id="trailer-fields-16"),
        pytest.param(b"0\r\n" + b"\r\n".join([b"A: b"] * 17), False, id="trailer-fields-17"),
        pytest.param(b"f" * 15, True, id="size-15-digits"),
        pytest.param(b"f" * 16, False, id="size-16-digits"),
    ],
)
@pytest.mark.parametrize("split", [True, False], ids=["bytes", "whole"])
def test_chunk_lines_and_trailers_have_limits(body: bytes, fits: bool, split: bool) -> None:
    def feed() -> None:
        reader = ChunkReader()
        for piece in [body[n : n + 1] for n in range(len(body))] if split else [body]:
            reader.feed(piece)
        reader.feed(b"\r\n")

    if fits:
        feed()
    else:
        with pytest.raises(Malformed):
            feed()


def test_an_endless_line_is_refused_before_its_end_comes() -> None:
    with pytest.raises(Malformed):
        ChunkReader().feed(b"1;" + b"a" * 5000)
    with pytest.raises(Malformed):
        read(b"HTTP/1.1 200 OK\r\nA: " + b"x" * 5000)
