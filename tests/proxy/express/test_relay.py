"""The express lane between real sockets: what passes, what is repeated, cut, handed over, held back, and when the connection ends."""

from __future__ import annotations

import asyncio

import pytest

from gateway.core.errors import UpstreamBusy, UpstreamInvalid, UpstreamTimedOut, UpstreamUnreachable
from gateway.proxy.client.limits import ClientLimits
from gateway.proxy.upstream.address import UpstreamAddress
from gateway.proxy.upstream.connection import ClosedUnanswered
from tests.proxy.express.site import GET, MEGABYTE, ODD, ONE_READ, settled, site
from tests.proxy.scripted import OK, Peer, Script, always, once, until


async def test_what_is_sent_and_what_comes_back() -> None:
    answer = b"HTTP/1.1 200 Fine\r\nContent-Length: 2\r\nSet-Cookie: ours=x\r\nSet-Cookie: a=b\r\nConnection: keep-alive, x-a\r\nX-A: b\r\n\r\nok"
    async with site(always(answer)) as made:
        data = await made.get(b"GET /t?q HTTP/1.1\r\nHost: A.test\r\nConnection: keep-alive\r\nX-B: c\r\nX-Real-IP: 1.2.3.4\r\n\r\n")
        assert data == (
            b"HTTP/1.1 200 Fine\r\nContent-Length: 2\r\nSet-Cookie: a=b\r\nVia: 1.1 auth-gateway\r\n"
            b"Cache-Control: private\r\nVary: Cookie\r\n\r\nok"
        )
        assert made.upstream.heads == [
            b"GET /t?q HTTP/1.1\r\nHost: a.test\r\nX-B: c\r\nX-Forwarded-For: 127.0.0.1\r\nX-Real-IP: 127.0.0.1\r\nX-Forwarded-Proto: http\r\n"
            b"X-Forwarded-Host: a.test\r\nX-Forwarded-Port: 80\r\nVia: 1.1 auth-gateway\r\nX-Forwarded-User: ada\r\n\r\n"
        ]
        assert made.faults == []


@pytest.mark.parametrize(
    ("pieces", "then", "expected"),
    [
        pytest.param([b"HTTP/1.1 200 OK\r\n\r\nto the", b" end"], "close", b"6\r\nto the\r\n4\r\n end\r\n0\r\n\r\n", id="until-the-end-becomes-chunks"),
        pytest.param([b"HTTP/1.1 200 OK\r\n\r\n"], "close", b"0\r\n\r\n", id="nothing-until-the-end"),
        pytest.param([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x\r\nok\r\n0\r\nX-T: 1\r\n\r\n"], "keep", b"2\r\nok\r\n0\r\n\r\n", id="chunks-without-trailers"),
        pytest.param([b"HTTP/1.1 103 Early\r\nX: y\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"], "keep", b"ok", id="interim-answers-are-dropped"),
        pytest.param([b"HTTP/1.1 204 No Content\r\nContent-Length: 9\r\n\r\n"], "keep", b"", id="204"),
        pytest.param([b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"], "keep", b"", id="304"),
        pytest.param([b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"], "keep", b"", id="empty"),
        pytest.param([b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"], "keep", b"ok", id="1.0"),
        pytest.param([b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokMORE"], "keep", b"ok", id="excess-is-dropped"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("private", [True, False])
async def test_every_framing_comes_to_one_that_the_client_can_end(pieces, then, expected, private) -> None:
    async def script(peer: Peer) -> None:
        while True:
            await peer.head()
            await peer.send(*pieces)
            if then == "close":
                return

    async with site(script, private=private) as made:
        data = await made.get(GET, GET)
        first, _, rest = data.partition(b"\r\n\r\n")
        assert first.count(b"HTTP/1.1 ") == 1
        assert b"Connection: close" not in first
        assert rest.startswith(expected + b"HTTP/1.1 ")  # and the connection serves the next request
        assert rest.endswith(expected)
        assert made.faults == []


async def test_a_head_waits_for_no_body() -> None:
    """An event stream may be silent for long."""
    async with site(once(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")) as made:
        reader, writer = await made.connect()
        writer.write(GET)
        assert (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)).startswith(b"HTTP/1.1 200 OK")
        writer.close()


# Promise 14.


def dying(*, after_bytes: bytes = b"", deaths: int = 1) -> Script:
    """Answer the first request; then so many connections die at a request, having sent the bytes."""
    left = [deaths]

    async def script(peer: Peer) -> None:
        if peer.number == 1:
            await peer.head()
            await peer.send(OK)
        while True:
            await peer.head()
            if left[0]:
                left[0] -= 1
                await peer.send(after_bytes)
                return
            await peer.send(OK)

    return script


async def test_a_request_is_repeated_once_if_a_reused_connection_died() -> None:
    async with site(dying()) as made:
        assert (await made.get(GET, GET)).count(b"hello") == 2
        assert len(made.upstream.heads) == 3
        assert made.faults == []


async def test_it_is_not_repeated_twice() -> None:
    async with site(dying(deaths=2)) as made:
        assert (await made.get(GET, GET)).endswith(b"general /t")
        assert len(made.upstream.heads) == 3
        (fault,) = made.faults
        assert isinstance(fault, ClosedUnanswered)


async def test_it_is_not_repeated_on_a_new_connection() -> None:
    async with site(once(then="close")) as made:
        assert (await made.get(GET)).endswith(b"general /t")
        assert len(made.upstream.heads) == 1
        assert isinstance(made.faults[0], ClosedUnanswered)


@pytest.mark.parametrize("sent", [b"H", b"HTTP/1.1 200 OK\r\nA: b\r\n"])
async def test_it_is_not_repeated_once_a_byte_came(sent) -> None:
    async with site(dying(after_bytes=sent)) as made:
        assert (await made.get(GET, GET)).endswith(b"general /t")
        assert len(made.upstream.heads) == 2
        assert isinstance(made.faults[0], UpstreamInvalid)


# Faults go to the general lane's pages; what has begun is cut.


@pytest.mark.parametrize(
    ("script", "limits", "kind"),
    [
        pytest.param(once(), {"response_head_s": 0.1}, UpstreamTimedOut, id="silence"),
        pytest.param(once(b"garbage\r\n\r\n"), {}, UpstreamInvalid, id="garbage"),
        pytest.param(once(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"), {}, UpstreamInvalid, id="unasked-101"),
        pytest.param(
            once(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"), {}, UpstreamInvalid, id="two-framings"
        ),
        pytest.param(once(b"HTTP/1.1 102 Wait\r\n\r\n" * 17), {}, UpstreamInvalid, id="interim-without-end"),
        pytest.param(once(b"HTTP/1.1 200 OK\r\nA: " + b"b" * 70_000), {}, UpstreamInvalid, id="endless-head"),
        pytest.param(once(b"HTTP/1.1 2", then="reset"), {}, UpstreamInvalid, id="reset-in-the-head"),
    ],
)
async def test_a_fault_is_handed_over_and_the_connection_goes_on(script, limits, kind) -> None:
    async with site(script, **limits) as made:
        data = await made.get(GET, ODD)
        assert data.endswith(b"general /odd")
        assert data.count(b"general /t") == 1
        assert [type(fault) for fault in made.faults[:1]] == [kind]
        assert made.faults[1:] == [None]  # the next request has its own fortune
        await until(lambda: made.pool.stats.in_use == 0)
        assert made.pool.stats.idle == 0


async def test_nobody_there_is_handed_over() -> None:
    async with site(once(), address=UpstreamAddress(name="app", scheme="unix", path="/nowhere/app.sock")) as made:
        assert (await made.get(GET)).endswith(b"general /t")
        assert isinstance(made.faults[0], UpstreamUnreachable)


async def test_all_connections_busy_is_handed_over() -> None:
    async with site(once(), max_connections=1, wait_s=0.1) as made:
        _, writer = await made.connect()
        writer.write(GET)
        await until(lambda: len(made.upstream.heads) == 1)
        assert (await made.get(GET)).endswith(b"general /t")
        assert isinstance(made.faults[0], UpstreamBusy)
        writer.close()


async def test_who_waits_for_a_connection_gets_it_in_order() -> None:
    async with site(always(OK), max_connections=1) as made:
        answers = await asyncio.gather(*(made.get(GET) for _ in range(20)))
        assert all(answer.endswith(b"hello") for answer in answers)
        assert made.upstream.connections == 1


@pytest.mark.parametrize(
    ("pieces", "then"),
    [
        pytest.param([b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhel"], "close", id="short-of-its-length"),
        pytest.param([b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"], "close", id="no-body"),
        pytest.param([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n"], "close", id="no-last-chunk"),
        pytest.param([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhelXX"], "keep", id="bad-chunk"),
        pytest.param([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nXX\r\n"], "keep", id="bad-chunk-behind-the-head"),
        pytest.param([b"HTTP/1.1 200 OK\r\n\r\nhel"], "reset", id="reset-where-the-end-counts"),
    ],
)
async def test_a_truncated_answer_is_cut_and_told(pieces, then) -> None:
    """Promise 59."""
    async with site(once(*pieces, then=then)) as made:
        data = await made.get(GET, GET)
        head, _, body = data.partition(b"\r\n\r\n")
        assert b"Content-Length: 9" in head or b"Transfer-Encoding: chunked" in head
        assert len(body) < 9 if b"Content-Length" in head else not body.endswith(b"0\r\n\r\n")
        assert len(made.cut) == 1
        assert made.faults == []
        assert len(made.upstream.heads) == 1
        assert made.listener.open_connections == 0


async def test_an_answer_that_stalls_is_cut() -> None:
    async with site(once(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhel"), body_idle_s=0.1) as made:
        await made.get(GET)
        assert [error.why for error in made.cut] == ["the response body stalled"]


# Clients that leave, or don't read.


@pytest.mark.parametrize("sent", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhel"])
async def test_a_client_that_leaves_frees_its_upstream(sent) -> None:
    """Promise 56."""
    gone = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.send(sent)
        await peer.rest()
        gone.set()

    async with site(script) as made:
        _, writer = await made.connect()
        writer.write(GET)
        await until(lambda: len(made.upstream.heads) == 1)
        writer.close()
        await asyncio.wait_for(gone.wait(), 5)
        await until(lambda: made.pool.stats.in_use == 0)
        assert made.faults == []
        assert made.cut == []


async def test_a_client_that_leaves_the_queue_takes_no_connection_with_it() -> None:
    async with site(once(), max_connections=1) as made:
        _, first = await made.connect()
        first.write(GET)
        await until(lambda: made.pool.stats.in_use == 1)
        _, second = await made.connect()
        second.write(GET)
        await until(lambda: made.pool.stats.waiting == 1)
        second.close()
        await until(lambda: made.pool.stats.waiting == 0)
        first.close()
        await until(lambda: made.pool.stats.in_use == 0)
        assert made.faults == []


async def test_a_client_that_does_not_read_stops_the_upstream() -> None:
    """Promise 55: what is under way is what sockets and two buffers hold, and all of it arrives once the client reads."""
    sent = [0]

    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (64 << 20))
        for _ in range(64):
            await peer.send(MEGABYTE)
            sent[0] += 1

    async with site(script) as made:
        reader, writer = await made.connect()
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(GET)
        await settled(lambda: sent[0])
        assert sent[0] < 40
        (connection,) = made.listener._open
        limits = made.listener.limits
        assert limits.high_water <= connection._transport.get_write_buffer_size() <= limits.high_water + ONE_READ
        writer.transport.resume_reading()  # type: ignore[attr-defined]
        await reader.readuntil(b"\r\n\r\n")
        assert len(await reader.readexactly(64 << 20)) == 64 << 20
        writer.close()


async def test_a_client_that_asks_on_and_on_and_does_not_read_is_given_no_more_answers() -> None:
    """Promise 55: small answers that each fit do not add up without end; every one is made once there is room."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 150000\r\n\r\n" + b"a" * 150_000
    async with site(always(answer)) as made:
        reader, writer = await made.connect()
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(GET * 400)
        await settled(lambda: len(made.upstream.heads))
        assert len(made.upstream.heads) < 200
        (connection,) = made.listener._open
        assert connection._transport.get_write_buffer_size() <= made.listener.limits.high_water + ONE_READ
        writer.transport.resume_reading()  # type: ignore[attr-defined]
        for _ in range(400):
            await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(150_000)
        assert len(made.upstream.heads) == 400
        writer.close()


# The connection: order, limits, draining.


@pytest.mark.parametrize("split", [False, True])
async def test_answers_of_both_lanes_come_in_order(split) -> None:
    """Promise 5."""
    async with site(always(OK)) as made:
        reader, writer = await made.connect()
        data = (GET + ODD + GET + GET + ODD + GET) * 3
        for start in range(0, len(data), 7 if split else len(data)):
            writer.write(data[start : start + (7 if split else len(data))])
            await asyncio.sleep(0)
        expected = [b"hello", b"general /odd", b"hello", b"hello", b"general /odd", b"hello"] * 3
        for body in expected:
            await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
            assert await reader.readexactly(len(body)) == body
        assert len(made.upstream.heads) == 12
        writer.close()


async def test_the_last_request_of_a_connection_is_told_so() -> None:
    """Both lanes count together: n-1, n; n+1 is not served."""
    async with site(always(OK), client=ClientLimits(requests=3)) as made:
        data = await made.get(GET, ODD, GET, GET)
        assert data.count(b"HTTP/1.1 200") == 3
        assert data.count(b"Connection: close") == 1
        assert b"Connection: close" in data.rpartition(b"HTTP/1.1 200")[2]
        assert len(made.upstream.heads) == 2


@pytest.mark.parametrize("begun", [False, True], ids=["head-to-come", "head-out"])
async def test_draining_finishes_what_is_in_flight(begun) -> None:
    """Promise 60."""
    go = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.head()
        head, body = OK.partition(b"hello")[::2][0], b"hello"
        if begun:
            await peer.send(head)
        await go.wait()
        await peer.send((b"" if begun else head) + body)
        await peer.rest()

    async with site(script) as made:
        reader, writer = await made.connect()
        idle_reader, idle_writer = await made.connect()
        writer.write(GET)
        await until(lambda: len(made.upstream.heads) == 1)
        if begun:
            await reader.readuntil(b"\r\n\r\n")
        draining = asyncio.ensure_future(made.listener.drain(5))
        assert await asyncio.wait_for(idle_reader.read(), 5) == b""
        go.set()
        data = await asyncio.wait_for(reader.read(), 5)
        assert data.endswith(b"hello")
        assert (b"Connection: close" in data) is not begun
        assert await draining == 0
        writer.close()
        idle_writer.close()


async def test_who_is_believed_travels_by_the_general_lane() -> None:
    """Forwarding headers of a listed proxy count, and only the general lane reads them (promise 20)."""
    async with site(always(OK)) as made:
        assert made.listener.express is not None
        made.listener.express._believes = lambda address: address == "127.0.0.1"
        assert (await made.get(GET)).endswith(b"general /t")
        assert made.upstream.heads == []
