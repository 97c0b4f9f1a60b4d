"""The fault matrix about upstreams, line by line: what a caller gets, and that the connection serves nobody else afterwards."""

from __future__ import annotations

import asyncio
import socket

import pytest

from gateway.core.errors import UpstreamError, UpstreamInvalid, UpstreamTimedOut, UpstreamTruncated, UpstreamUnreachable
from gateway.proxy.upstream.address import UpstreamAddress
from gateway.proxy.upstream.limits import UpstreamLimits
from gateway.proxy.upstream.pool import UpstreamPool
from tests.proxy.conftest import Make
from tests.proxy.scripted import GET, HEAD, OK, Peer, always, body_of, fetch, once, pieces, post, until
from tests.servers import free_port

HUGE = b"x" * 70000


@pytest.mark.parametrize(
    "address",
    [
        pytest.param(lambda: UpstreamAddress(name="app", host="127.0.0.1", port=free_port()), id="refused"),
        pytest.param(lambda: UpstreamAddress(name="app", host="no-such-host.invalid", port=80), id="name-not-found"),
        pytest.param(lambda: UpstreamAddress(name="app", host="a" * 300, port=80), id="name-no-name"),
        pytest.param(lambda: UpstreamAddress(name="app", scheme="unix", path="/nowhere/app.sock"), id="no-socket-file"),
    ],
)
async def test_an_upstream_that_cannot_be_reached(address) -> None:
    pool = UpstreamPool(address())
    with pytest.raises(UpstreamUnreachable):
        await pool.send(GET, method="GET")
    assert pool.stats.in_use == 0
    await pool.close()


async def test_an_upstream_that_does_not_accept_ends_at_the_connect_limit() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        fillers = []
        for _ in range(4):  # fill the queue of the kernel, so that further handshakes hang
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
            fillers.append(filler)
        pool = UpstreamPool(UpstreamAddress(name="app", host="127.0.0.1", port=full.getsockname()[1]), UpstreamLimits(connect_s=0.3))
        with pytest.raises(UpstreamUnreachable, match="within the limit"):
            await pool.send(GET, method="GET")
        assert pool.stats.in_use == 0
        await pool.close()
        for filler in fillers:
            filler.close()


async def test_the_first_success_comes_right_after_recovery() -> None:
    port = free_port()
    pool = UpstreamPool(UpstreamAddress(name="app", host="127.0.0.1", port=port))
    with pytest.raises(UpstreamUnreachable):
        await pool.send(GET, method="GET")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", port)
    assert await fetch(pool) == (200, b"hello")
    server.close()
    await pool.close()


async def test_an_upstream_that_sends_nothing_times_out(play: Make) -> None:
    pool, _ = await play(once(), response_head_s=0.1)
    with pytest.raises(UpstreamTimedOut):
        await pool.send(GET, method="GET")
    await until(lambda: pool.stats.in_use == 0)
    assert pool.stats.idle == 0


async def test_bytes_that_drip_do_not_extend_the_head_limit(play: Make) -> None:
    async def drip(peer: Peer) -> None:
        await peer.head()
        await peer.send(b"HTTP/1.1 200 OK\r\n", *[b"A: b\r\n"] * 1000, pause=0.02)

    pool, _ = await play(drip, response_head_s=0.2)
    with pytest.raises(UpstreamTimedOut):
        await pool.send(GET, method="GET")


HEAD_FAULTS = {
    "closes-at-once": (b"", "close"),
    "closes-in-the-status-line": (b"HTTP/1.1 20", "close"),
    "closes-in-the-head": (b"HTTP/1.1 200 OK\r\nContent-Le", "close"),
    "resets-in-the-head": (b"HTTP/1.1 200 OK\r\nContent-Le", "reset"),
    "closes-behind-an-interim-response": (b"HTTP/1.1 103 Early Hints\r\n\r\n", "close"),
    "garbage": (b"SSH-2.0-OpenSSH_9.2\r\n", "keep"),
    "garbage-of-one-byte": (b"\x15", "keep"),
    "html-without-a-head": (b"<html>hello</html>", "keep"),
    "empty-line-ahead": (b"\r\n" + OK, "keep"),
    "bad-status-000": (b"HTTP/1.1 000 No\r\n\r\n", "keep"),
    "bad-status-99": (b"HTTP/1.1 99 No\r\n\r\n", "keep"),
    "bad-status-600": (b"HTTP/1.1 600 No\r\n\r\n", "keep"),
    "bad-status-four-digits": (b"HTTP/1.1 2000 OK\r\n\r\n", "keep"),
    "bad-status-letters": (b"HTTP/1.1 abc OK\r\n\r\n", "keep"),
    "two-spaces-before-status": (b"HTTP/1.1  200 OK\r\n\r\n", "keep"),
    "http-2.0": (b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n", "keep"),
    "http-1.2": (b"HTTP/1.2 200 OK\r\nContent-Length: 0\r\n\r\n", "keep"),
    "http-0.9": (b"hello", "close"),
    "lower-case-http": (b"http/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "keep"),
    "head-too-large": (b"HTTP/1.1 200 OK\r\n" + b"A: " + HUGE + b"\r\n\r\n", "keep"),
    "endless-head": (b"HTTP/1.1 200 OK\r\nA: " + HUGE, "keep"),
    "endless-fields": (b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 12000, "keep"),
    "field-too-large": (b"HTTP/1.1 200 OK\r\nA: " + b"x" * 33000 + b"\r\n\r\n", "keep"),
    "nul-in-a-value": (b"HTTP/1.1 200 OK\r\nA: b\0c\r\nContent-Length: 0\r\n\r\n", "keep"),
    "nul-in-the-reason": (b"HTTP/1.1 200 O\0K\r\nContent-Length: 0\r\n\r\n", "keep"),
    "escape-in-a-value": (b"HTTP/1.1 200 OK\r\nA: \x1b[2J\r\nContent-Length: 0\r\n\r\n", "keep"),
    "bare-lf-everywhere": (b"HTTP/1.1 200 OK\nContent-Length: 0\n\n", "keep"),
    "bare-lf-in-a-value": (b"HTTP/1.1 200 OK\r\nA: b\nSet-Cookie: c=d\r\nContent-Length: 0\r\n\r\n", "keep"),
    "bare-lf-in-the-status-line": (b"HTTP/1.1 200 OK\nA: b\r\nContent-Length: 0\r\n\r\n", "keep"),
    "bare-cr-in-a-value": (b"HTTP/1.1 200 OK\r\nA: b\rSet-Cookie: c=d\r\nContent-Length: 0\r\n\r\n", "keep"),
    "folded-line": (b"HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 0\r\n\r\n", "keep"),
    "space-before-colon": (b"HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\nhello", "keep"),
    "tab-before-colon": (b"HTTP/1.1 200 OK\r\nA\t: 5\r\nContent-Length: 0\r\n\r\n", "keep"),
    "empty-name": (b"HTTP/1.1 200 OK\r\n: 5\r\nContent-Length: 0\r\n\r\n", "keep"),
    "no-colon": (b"HTTP/1.1 200 OK\r\nhello\r\nContent-Length: 0\r\n\r\n", "keep"),
    "name-is-no-token": (b"HTTP/1.1 200 OK\r\nA(b): c\r\nContent-Length: 0\r\n\r\n", "keep"),
    "name-with-high-byte": (b"HTTP/1.1 200 OK\r\nA\xe9: c\r\nContent-Length: 0\r\n\r\n", "keep"),
    "unasked-101": (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", "keep"),
    "length-and-coding": (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "keep"),
    "coding-and-length": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", "keep"),
    "differing-lengths": (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", "keep"),
    "length-twice": (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\ncontent-length: 5\r\n\r\nhello", "keep"),
    "length-list": (b"HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello", "keep"),
    "length-plus": (b"HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello", "keep"),
    "length-negative": (b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello", "keep"),
    "length-hex": (b"HTTP/1.1 200 OK\r\nContent-Length: 0x5\r\n\r\nhello", "keep"),
    "length-underscore": (b"HTTP/1.1 200 OK\r\nContent-Length: 1_0\r\n\r\nhellohello", "keep"),
    "length-empty": (b"HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\nhello", "keep"),
    "length-too-many-digits": (b"HTTP/1.1 200 OK\r\nContent-Length: 9999999999999999999\r\n\r\nhello", "keep"),
    "coding-gzip": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nhello", "keep"),
    "coding-gzip-chunked": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "keep"),
    "coding-chunked-twice": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", "keep"),
    "coding-on-two-lines": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "keep"),
    "coding-identity": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\nhello", "keep"),
    "coding-empty": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding:\r\n\r\nhello", "keep"),
    "coding-with-vertical-tab": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", "keep"),
    "coding-in-http-1.0": (b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "keep"),
    "17-interim-responses": (b"HTTP/1.1 102 Processing\r\n\r\n" * 17 + OK, "keep"),
}


@pytest.mark.parametrize(("answer", "end"), HEAD_FAULTS.values(), ids=HEAD_FAULTS)
async def test_what_is_no_response_head_is_invalid_and_closes_the_connection(play: Make, answer: bytes, end: str) -> None:
    pool, _ = await play(once(answer, then=end))
    with pytest.raises(UpstreamInvalid):
        await pool.send(GET, method="GET")
    await until(lambda: pool.stats.in_use == 0)
    assert pool.stats.idle == 0


BODY_FAULTS = {
    "length-cut-short": (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", "close"),
    "length-reset": (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", "reset"),
    "chunks-cut-short": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "close"),
    "chunks-cut-in-the-last-one": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n", "close"),
    "chunks-reset": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "reset"),
    "until-close-reset": (b"HTTP/1.1 200 OK\r\n\r\nhello", "reset"),
    "chunk-size-empty": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n\r\n", "keep"),
    "chunk-size-letters": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nxy\r\n", "keep"),
    "chunk-size-0x": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0x5\r\n", "keep"),
    "chunk-size-plus": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n+5\r\n", "keep"),
    "chunk-size-negative": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n-5\r\n", "keep"),
    "chunk-size-with-space": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n5 \r\nhello\r\n", "keep"),
    "chunk-size-17-digits": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n" + b"0" * 16 + b"5\r\n", "keep"),
    "chunk-size-bare-lf": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n5\nhello\r\n", "keep"),
    "chunk-longer-than-its-size": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello!\r\n", "keep"),
    "chunk-extension-control-byte": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n5;a=\x00\r\n", "keep"),
    "chunk-extension-endless": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n5;" + b"a" * 5000, "keep"),
    "trailer-malformed": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nA : b\r\n\r\n", "keep"),
    "trailers-too-many": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n" + b"A: b\r\n" * 17 + b"\r\n", "keep"),
    "trailers-too-long": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nA: " + b"x" * 9000, "keep"),
    "stalls-in-a-length": (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", "keep"),
    "stalls-in-chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "keep"),
    "stalls-before-close": (b"HTTP/1.1 200 OK\r\n\r\nhello", "keep"),
}


@pytest.mark.parametrize(("answer", "end"), BODY_FAULTS.values(), ids=BODY_FAULTS)
async def test_a_body_that_breaks_is_truncated_behind_what_came_of_it(play: Make, answer: bytes, end: str) -> None:
    head, mark, body = answer.partition(b"\r\n\r\n")
    first = body[: body.index(b"hello") + 5]
    pool, _ = await play(once(head + mark + first, body[len(first) :], then=end), body_idle_s=0.15 if end == "keep" else 5)  # promise 59
    response = await pool.send(GET, method="GET")
    assert response.status == 200
    assert await response.read() == b"hello"
    with pytest.raises(UpstreamTruncated):
        await response.read()
    await until(lambda: pool.stats.in_use == 0)
    assert pool.stats.idle == 0


GOOD = {
    "length": (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", True),
    "length-0": (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", True),
    "no-reason": (b"HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", True),
    "no-space-before-no-reason": (b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", True),
    "reason-in-utf-8": ("HTTP/1.1 200 Schön\r\nContent-Length: 0\r\n\r\n".encode(), True),
    "chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n2\r\nhe\r\n03;a=b\r\nllo\r\n0\r\n\r\n", True),
    "chunks-and-trailers": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5 ;x\r\nhello\r\n00\r\nA: b\r\n\r\n", True),
    "until-close": (b"HTTP/1.1 200 OK\r\n\r\nhello", False),
    "close": (b"HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 5\r\n\r\nhello", False),
    "close-in-a-list": (b"HTTP/1.1 200 OK\r\nConnection: x, close\r\nContent-Length: 5\r\n\r\nhello", False),
    "http-1.0": (b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", False),
    "http-1.0-keep-alive": (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello", True),
    "keep-alive-hint": (b"HTTP/1.1 200 OK\r\nKeep-Alive: timeout=5, max=100\r\nContent-Length: 5\r\n\r\nhello", True),
    "keep-alive-too-short": (b"HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 5\r\n\r\nhello", False),
    "16-interim-responses": (b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 16 + OK, True),
}


@pytest.mark.parametrize(("answer", "kept"), GOOD.values(), ids=GOOD)
async def test_a_good_response_is_read_and_its_connection_kept_where_that_is_right(play: Make, answer: bytes, kept: bool) -> None:
    pool, _ = await play(once(answer, then="keep" if kept else "close"))
    status, body = await fetch(pool)
    assert (status, body) == (200, b"hello" if b"llo" in answer else b"")
    await until(lambda: pool.stats.in_use == 0)
    assert pool.stats.idle == kept


@pytest.mark.parametrize(
    ("head", "method", "answer", "kept"),
    [
        pytest.param(GET, "GET", b"HTTP/1.1 204 No Content\r\n\r\n", True, id="204"),
        pytest.param(GET, "GET", b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", True, id="204-with-length-0"),
        pytest.param(GET, "GET", b"HTTP/1.1 304 Not Modified\r\n\r\n", True, id="304"),
        pytest.param(HEAD, "HEAD", b"HTTP/1.1 200 OK\r\n\r\n", True, id="head"),
        pytest.param(HEAD, "HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", True, id="head-with-length-0"),
        # A body announced where none may be could still come, and be read as the answer to somebody else.
        pytest.param(GET, "GET", b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello", False, id="204-with-body"),
        pytest.param(GET, "GET", b"HTTP/1.1 204 No Content\r\n\r\nhello", False, id="204-with-unannounced-body"),
        pytest.param(GET, "GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", False, id="304-with-length"),
        pytest.param(GET, "GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nhello", False, id="304-with-body"),
        pytest.param(HEAD, "HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", False, id="head-with-length"),
        pytest.param(HEAD, "HEAD", OK, False, id="head-with-body"),
        pytest.param(HEAD, "HEAD", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", False, id="head-chunked"),
    ],
)
async def test_a_response_that_has_no_body_has_none_whatever_comes(play: Make, head: bytes, method: str, answer: bytes, kept: bool) -> None:
    pool, _ = await play(once(answer))
    response = await pool.send(head, method=method)
    assert not response.has_body
    assert await response.read() is None
    await until(lambda: pool.stats.in_use == 0)
    assert pool.stats.idle == kept


async def test_excess_bytes_are_left_out_and_retire_the_connection(play: Make) -> None:
    pool, upstream = await play(once(OK + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"))  # promise 58
    assert await fetch(pool) == (200, b"hello")
    assert await fetch(pool) == (200, b"hello")
    assert upstream.connections == 2


async def test_late_bytes_retire_an_idle_connection(play: Make) -> None:
    pool, upstream = await play(once(OK, b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"))  # promise 58
    assert await fetch(pool) == (200, b"hello")
    await until(lambda: pool.stats.idle == 0)
    assert await fetch(pool) == (200, b"hello")
    assert upstream.connections == 2


async def test_late_bytes_that_the_loop_has_not_read_yet_answer_nobody() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        pool = UpstreamPool(UpstreamAddress(name="app", host="127.0.0.1", port=server.getsockname()[1]))
        first = asyncio.create_task(fetch(pool))
        sock, _ = await asyncio.to_thread(server.accept)
        assert await asyncio.to_thread(sock.recv, 4096) == GET
        sock.sendall(OK)
        assert await first == (200, b"hello")
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")  # no turn of the loop comes between this and the next line
        assert pool.take() is None  # promise 58
        sock.close()
        await pool.close()


async def test_an_idle_connection_that_the_upstream_closes_is_forgotten(play: Make) -> None:
    pool, upstream = await play(once(OK, then="close"))
    for _ in range(3):
        assert await fetch(pool) == (200, b"hello")
        await until(lambda: pool.stats.idle == 0)
    assert upstream.connections == 3


async def test_interim_responses_are_told_and_the_final_answer_is_intact(play: Make) -> None:
    told: list[tuple[int, list[tuple[bytes, bytes]]]] = []
    pool, _ = await play(
        once(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", b"HTTP/1.1 102 Processing\r\n\r\n" + OK)
    )
    response = await pool.send(GET, method="GET", on_informational=lambda status, headers: told.append((status, headers)))
    assert await body_of(response) == b"hello"
    assert told == [(100, []), (103, [(b"Link", b"</a>")]), (102, [])]
    assert pool.stats.idle == 1


async def test_who_fails_on_an_interim_response_gives_up_the_exchange(play: Make) -> None:
    def fail(status: int, headers: object) -> None:
        raise ConnectionResetError("the client left")

    pool, _ = await play(once(b"HTTP/1.1 103 Early Hints\r\n\r\n" + OK))
    with pytest.raises(ConnectionResetError):
        await pool.send(GET, method="GET", on_informational=fail)
    await until(lambda: pool.stats.in_use == 0)
    assert pool.stats.idle == 0


@pytest.mark.parametrize("status", [400, 401, 404, 413, 429, 500, 502, 503])
async def test_the_upstreams_own_errors_are_answers(play: Make, status: int) -> None:
    answer = b"HTTP/1.1 %d X\r\nRetry-After: 3\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 5\r\n\r\nhello" % status
    pool, _ = await play(once(answer))
    response = await pool.send(GET, method="GET")
    assert response.status == status
    assert response.headers[:3] == [(b"Retry-After", b"3"), (b"Set-Cookie", b"a=1"), (b"Set-Cookie", b"b=2")]
    assert await body_of(response) == b"hello"


async def test_a_redirect_is_an_answer_and_is_not_followed(play: Make) -> None:
    pool, upstream = await play(always(b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"))  # promise 15
    assert (await fetch(pool))[0] == 302
    assert len(upstream.heads) == 1


async def test_a_hanging_upstream_does_not_delay_another(play: Make) -> None:
    hanging, _ = await play(once(), max_connections=4, wait_s=0.2)  # promise 57
    good, _ = await play(always(OK))
    waiting = [asyncio.create_task(hanging.send(GET, method="GET")) for _ in range(8)]
    await until(lambda: hanging.stats.in_use == 4)
    for _ in range(20):
        assert await fetch(good) == (200, b"hello")
    for task in waiting:
        task.cancel()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(result, (asyncio.CancelledError, UpstreamError)) for result in results)
    await until(lambda: hanging.stats.in_use == 0)


async def test_an_answer_before_the_end_of_the_upload_arrives(play: Make) -> None:
    stuck = asyncio.Event()

    async def body():
        yield b"12345"
        await stuck.wait()  # a client that waits for the answer before it sends more
        yield b"67890"

    pool, _ = await play(once(b"HTTP/1.1 413 Too Large\r\nContent-Length: 5\r\n\r\nhello"))
    response = await pool.send(post(10), method="POST", body=body())
    assert response.status == 413
    assert await body_of(response) == b"hello"
    await until(lambda: pool.stats.in_use == 0)
    assert pool.stats.idle == 0  # the upstream waits for the rest of the upload: nobody else may use the connection


@pytest.mark.parametrize("end", ["close", "reset"])
async def test_an_answer_survives_an_upstream_that_closes_in_the_middle_of_the_upload(play: Make, end: str) -> None:
    async def endless():
        while True:
            yield b"x" * 65536

    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")
        await asyncio.sleep(0.05)
        if end == "reset":
            peer.reset()

    pool, _ = await play(script)
    for _ in range(5):
        response = await pool.send(post(None), method="POST", body=endless(), chunked=True)
        assert (response.status, await body_of(response)) == (413, b"hello")


async def test_an_upstream_that_closes_in_the_middle_of_the_upload_without_an_answer(play: Make) -> None:
    async def endless():
        while True:
            yield b"x" * 65536

    async def script(peer: Peer) -> None:
        await peer.head()
        peer.reset()

    pool, upstream = await play(script)
    with pytest.raises(UpstreamInvalid):
        await pool.send(post(None), method="POST", body=endless(), chunked=True)
    assert upstream.connections == 1


async def test_an_upstream_that_stops_reading_the_upload_times_out(play: Make) -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        peer.writer.transport.pause_reading()
        await asyncio.sleep(60)

    async def endless():
        while True:
            yield b"x" * 65536

    pool, _ = await play(script, response_head_s=0.3)
    with pytest.raises(UpstreamTimedOut):
        await pool.send(post(None), method="POST", body=endless(), chunked=True)
    await until(lambda: pool.stats.in_use == 0)


async def test_a_slow_upload_is_not_the_upstreams_fault(play: Make) -> None:
    async def slow():
        for _ in range(4):
            await asyncio.sleep(0.3)
            yield b"x"

    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.reader.readexactly(4)
        await peer.send(OK)

    pool, _ = await play(script, response_head_s=1)
    response = await pool.send(post(4), method="POST", body=slow())
    assert (response.status, await body_of(response)) == (200, b"hello")


async def test_a_client_that_reads_slowly_is_not_the_upstreams_fault(play: Make) -> None:
    pool, _ = await play(once(b"HTTP/1.1 200 OK\r\nContent-Length: 4000000\r\n\r\n" + b"x" * 4_000_000), body_idle_s=1)
    response = await pool.send(GET, method="GET")
    await asyncio.sleep(1.5)
    assert len(await body_of(response)) == 4_000_000


async def test_a_streaming_route_may_be_silent(play: Make) -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        await asyncio.sleep(0.3)
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n", b"data: 1\n\n", b"data: 2\n\n", pause=0.3)

    pool, _ = await play(script, response_head_s=0.1, body_idle_s=0.1)
    response = await pool.send(GET, method="GET", streaming=True)
    assert await response.read() == b"data: 1\n\n"
    assert await response.read() == b"data: 2\n\n"
    assert await response.read() is None


async def test_a_body_that_ends_early_never_looks_complete(play: Make) -> None:
    seen: list[bytes] = []

    async def script(peer: Peer) -> None:
        await peer.head()
        seen.append(await peer.rest())

    pool, _ = await play(script)  # promise 6
    with pytest.raises(ZeroDivisionError):
        await pool.send(post(None), method="POST", body=pieces(b"12345", error=ZeroDivisionError()), chunked=True)
    with pytest.raises(ZeroDivisionError):
        await pool.send(post(10), method="POST", body=pieces(b"12345", error=ZeroDivisionError()))
    await until(lambda: len(seen) == 2)
    assert set(seen) <= {b"", b"5\r\n12345\r\n", b"12345"}
    assert pool.stats.idle == 0
