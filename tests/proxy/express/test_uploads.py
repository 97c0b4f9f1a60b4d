"""Requests with a body through the express lane, between real sockets: whole or not at all, never twice, and never read as something else."""

from __future__ import annotations

import asyncio
import random
import re

import pytest

from gateway.core.errors import UpstreamBusy, UpstreamError, UpstreamInvalid, UpstreamTimedOut
from gateway.core.reason import Reason
from gateway.proxy.client.head import Refusal
from gateway.proxy.client.limits import ClientLimits
from gateway.proxy.upstream.connection import ClosedUnanswered
from tests.proxy.express.site import GET, MEGABYTE, ODD, Site, settled, site
from tests.proxy.scripted import OK, Peer, Script, always, until

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: a.test\r\n\r\n"
#: Shorter than a test may take, longer than a busy machine needs between two packets.
IDLE = ClientLimits(body_idle_s=0.5)


def upload(body: bytes, *, method: bytes = b"POST", more: bytes = b"", length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    return b"%b /t HTTP/1.1\r\nHost: a.test\r\n%bContent-Length: %d\r\n\r\n%b" % (method, more, size, body)


async def body(peer: Peer, head: bytes) -> bytes:
    """The whole body behind a head; ends the script where it does not come whole."""
    length = re.search(rb"\r\nContent-Length: ([0-9]+)\r\n", head)
    return await peer.reader.readexactly(int(length[1])) if length else b""


def taking(bodies: list[tuple[bytes, bytes]], answer: bytes = OK) -> Script:
    """Take every request whole, note method and body, answer."""

    async def script(peer: Peer) -> None:
        while True:
            head = await peer.head()
            bodies.append((head.partition(b" ")[0], await body(peer, head)))
            await peer.send(answer)

    return script


def nothing_but_the_head(made: Site) -> None:
    """The general lane saw one head, and no byte or length of a body."""
    (head,) = made.general
    assert head.startswith((b"POST /t HTTP/1.1\r\n", b"POST / HTTP/1.1\r\n"))
    assert head.endswith(b"\r\n\r\n")
    assert head.count(b"\r\n\r\n") == 1
    assert b"content-length" not in head.lower()


async def ends(reader: asyncio.StreamReader) -> bytes:
    """Everything until the connection ends, by a reset or otherwise."""
    data = b""
    try:
        while piece := await asyncio.wait_for(reader.read(1 << 16), 10):
            data += piece
    except ConnectionError:
        pass
    return data


# What arrives.


@pytest.mark.parametrize("method", [b"POST", b"PUT", b"PATCH", b"DELETE", b"GET", b"OPTIONS"])
async def test_what_an_upload_is_told_to_the_upstream(method) -> None:
    bodies: list[tuple[bytes, bytes]] = []
    async with site(taking(bodies)) as made:
        assert (await made.get(upload(b"abc", method=method, more=b"X-A: b\r\n"))).endswith(b"hello")
        assert bodies == [(method, b"abc")]
        assert made.upstream.heads == [
            method + b" /t HTTP/1.1\r\nHost: a.test\r\nX-A: b\r\nX-Forwarded-For: 127.0.0.1\r\nX-Real-IP: 127.0.0.1\r\n"
            b"X-Forwarded-Proto: http\r\nX-Forwarded-Host: a.test\r\nX-Forwarded-Port: 80\r\nVia: 1.1 auth-gateway\r\n"
            b"X-Forwarded-User: ada\r\nContent-Length: 3\r\n\r\n"
        ]
        assert made.general == []


@pytest.mark.parametrize("size", [0, 1, 65_536, 8 << 20])
async def test_uploads_of_any_size_arrive_whole_and_the_connection_goes_on(size) -> None:
    sent = random.Random(size).randbytes(size)
    bodies: list[tuple[bytes, bytes]] = []
    async with site(taking(bodies)) as made:
        assert (await made.get(upload(sent), GET, upload(sent, method=b"PUT"))).count(b"hello") == 3
        assert bodies == [(b"POST", sent), (b"GET", b""), (b"PUT", sent)]
        assert made.general == []
        assert made.upstream.connections == 1


async def test_an_upload_may_be_split_anywhere() -> None:
    data = upload(SMUGGLED) + GET + upload(b"x") + ODD
    bodies: list[tuple[bytes, bytes]] = []
    async with site(taking(bodies)) as made:
        reader, writer = await made.connect()
        for cut in range(1, len(data)):
            writer.write(data[:cut])
            await asyncio.sleep(0.001)
            writer.write(data[cut:])
            for expected in (b"hello", b"hello", b"hello", b"general /odd"):
                await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
                assert await reader.readexactly(len(expected)) == expected
            assert bodies == [(b"POST", SMUGGLED), (b"GET", b""), (b"POST", b"x")]
            assert set(made.general) == {ODD}
            bodies.clear()
        writer.close()


@pytest.mark.parametrize("seed", range(6))
async def test_pipelined_uploads_in_pieces_of_any_size_arrive_in_order(seed) -> None:
    dice = random.Random(seed)
    sizes = [0, 1, 2, 100, 5000, 70_000, 600_000]
    wanted = [(dice.choice([b"POST", b"PUT", b"DELETE"]), dice.randbytes(dice.choice(sizes))) for _ in range(12)]
    bodies: list[tuple[bytes, bytes]] = []
    async with site(taking(bodies)) as made:
        reader, writer = await made.connect()
        data = b"".join(upload(sent, method=method) for method, sent in wanted)
        while data:
            size = dice.choice([1, 3, 50, 1000, 30_000, 200_000])
            writer.write(data[:size])
            await writer.drain()
            await asyncio.sleep(0)
            data = data[size:]
        for _ in wanted:
            await asyncio.wait_for(reader.readuntil(b"hello"), 10)
        assert bodies == wanted
        assert made.general == []
        writer.close()


@pytest.mark.parametrize(("over", "taken"), [(-1, True), (0, True), (1, False)])
async def test_a_body_over_the_limit_is_for_the_general_lane(over, taken) -> None:
    """n-1, n, n+1: by its length, before a byte of it is passed on."""
    bodies: list[tuple[bytes, bytes]] = []
    async with site(taking(bodies), max_body=1000) as made:
        data = await made.get(upload(b"a" * (1000 + over)))
        assert data.endswith(b"hello" if taken else b"general /t")
        assert bodies == ([(b"POST", b"a" * (1000 + over))] if taken else [])
        assert bool(made.general) is not taken
        assert bool(made.upstream.heads) is taken


@pytest.mark.parametrize("method", [b"HEAD", b"OPTIONS", b"DELETE", b"GET"])
async def test_the_usual_methods_without_a_body(method) -> None:
    async def script(peer: Peer) -> None:
        while True:
            head = await peer.head()
            await peer.send(OK.removesuffix(b"hello") if head.startswith(b"HEAD") else OK)

    async with site(script) as made:
        reader, writer = await made.connect()
        for _ in range(4):  # until the answer's head is remembered
            writer.write(GET.replace(b"GET", method) + GET)
            first = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
            assert b"Content-Length: 5" in first
            if method != b"HEAD":
                assert await reader.readexactly(5) == b"hello"
            assert (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)).startswith(b"HTTP/1.1 200")
            assert await reader.readexactly(5) == b"hello"
        assert made.general == []
        writer.close()


@pytest.mark.parametrize("sent", [b"", b"abc"])
async def test_a_client_that_wants_the_connection_closed(sent) -> None:
    """It is told so, and what it sends behind the request is not looked at."""
    bodies: list[tuple[bytes, bytes]] = []
    async with site(taking(bodies)) as made:
        reader, writer = await made.connect()
        for _ in range(3):
            await made.get(GET)  # the answer's head is known
        bodies.clear()
        writer.write(upload(sent, more=b"Connection: close\r\n") + SMUGGLED)
        data = await ends(reader)
        assert data.count(b"HTTP/1.1 200") == 1
        assert b"\r\nConnection: close\r\n" in data
        assert data.endswith(b"hello")
        assert bodies == [(b"POST", sent)]
        assert made.general == []
        writer.close()


# The upstream breaks.


@pytest.mark.parametrize("framing", [b"Content-Length: 2\r\n\r\nno", b"Transfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n"])
async def test_an_answer_before_the_upload_ends_is_the_answer_and_then_the_connection_ends(framing) -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.send(b"HTTP/1.1 403 No\r\n" + framing)
        await peer.rest()

    async with site(script) as made:
        reader, writer = await made.connect()
        writer.write(upload(b"a", length=1000))
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
        assert head.startswith(b"HTTP/1.1 403 No\r\n")
        assert b"\r\nConnection: close\r\n" in head
        writer.write(SMUGGLED * 30)
        rest = await ends(reader)
        assert b"no" in rest
        assert b"HTTP/1.1" not in rest
        await until(lambda: made.pool.stats.in_use == 0)
        assert made.pool.stats.idle == 0
        assert (made.general, made.cut, len(made.upstream.heads)) == ([], [], 1)
        writer.close()


@pytest.mark.parametrize("proxied", [False, True])
@pytest.mark.parametrize("whole", [False, True], ids=["body-to-come", "body-sent"])
@pytest.mark.parametrize("reset", [False, True], ids=["close", "reset"])
async def test_an_upstream_that_dies_in_the_middle_is_told_and_no_byte_of_the_body_is_a_request(whole, reset, proxied) -> None:
    """Promises 1, 5 and 14: what looks like a request in a body is none, whatever breaks; and nothing is delivered twice."""

    async def script(peer: Peer) -> None:
        head = await peer.head()
        if whole:
            await body(peer, head)
        else:
            await peer.reader.readexactly(10)
        if reset:
            peer.reset()

    async with site(script, proxied=proxied) as made:
        reader, writer = await made.connect()
        data = SMUGGLED * 20
        writer.write(upload(data) if whole else upload(data)[:200])
        answer = await asyncio.wait_for(reader.readuntil(b"general /t"), 5)
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
        nothing_but_the_head(made)
        assert isinstance(made.faults[0], ClosedUnanswered)
        writer.write(ODD if whole else upload(data)[200:] + SMUGGLED)
        if whole:
            assert b"Connection: close" not in answer
            await asyncio.wait_for(reader.readuntil(b"general /odd"), 5)  # the next request has its own fortune
            assert made.general[1:] == [ODD]
        else:
            assert b"\r\nConnection: close\r\n" in answer
            assert await ends(reader) == b""
            nothing_but_the_head(made)
        assert len(made.upstream.heads) == 1
        writer.close()


def dies_when_reused(bodies: list[bytes]) -> Script:
    async def script(peer: Peer) -> None:
        await peer.head()
        if peer.number == 1:
            await peer.send(OK)
            bodies.append(await peer.head())
        else:
            await peer.send(OK)
            await peer.rest()

    return script


@pytest.mark.parametrize(
    ("request_", "repeated"),
    [
        pytest.param(GET, True, id="GET"),
        pytest.param(GET.replace(b"GET", b"OPTIONS"), True, id="OPTIONS"),
        pytest.param(upload(b"", method=b"GET"), True, id="GET-of-nothing"),
        pytest.param(upload(b"abc", method=b"GET"), False, id="GET-with-a-body"),
        pytest.param(upload(b"abc", method=b"OPTIONS"), False, id="OPTIONS-with-a-body"),
        pytest.param(upload(b""), False, id="POST-of-nothing"),
        pytest.param(upload(b"abc"), False, id="POST"),
        pytest.param(upload(b"abc", method=b"PUT"), False, id="PUT"),
        pytest.param(GET.replace(b"GET", b"DELETE"), False, id="DELETE"),
        pytest.param(GET.replace(b"GET", b"POST"), False, id="POST-without-a-length"),
    ],
)
async def test_only_what_is_safe_and_has_no_body_is_repeated(request_, repeated) -> None:
    """Promise 14."""
    async with site(dies_when_reused([])) as made:
        data = await made.get(GET, request_)
        assert data.endswith(b"hello" if repeated else b"general /t")
        assert len(made.upstream.heads) == (3 if repeated else 2)
        assert [type(fault) for fault in made.faults] == ([] if repeated else [ClosedUnanswered])


async def test_head_is_repeated() -> None:
    """Promise 14; its answer ends with its head."""

    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.send(OK if peer.number == 1 else OK.removesuffix(b"hello"))
        if peer.number == 1:
            await peer.head()

    async with site(script) as made:
        assert (await made.get(GET, GET.replace(b"GET", b"HEAD"))).count(b"HTTP/1.1 200 OK") == 2
        assert len(made.upstream.heads) == 3
        assert made.faults == []


@pytest.mark.parametrize("proxied", [False, True])
@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        pytest.param(b"garbage\r\n\r\n", UpstreamInvalid, id="garbage"),
        pytest.param(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", UpstreamInvalid, id="unasked-101"),
        pytest.param(b"", UpstreamTimedOut, id="silence"),
    ],
)
async def test_a_fault_behind_a_whole_upload_is_handed_over(answer: bytes, kind: type[UpstreamError], proxied) -> None:
    async def script(peer: Peer) -> None:
        await body(peer, await peer.head())
        await peer.send(answer)
        await peer.rest()

    async with site(script, response_head_s=0.2 if kind is UpstreamTimedOut else 5, proxied=proxied) as made:
        data = await made.get(upload(SMUGGLED), ODD)
        assert data.count(b"HTTP/1.1 ") == 2
        assert data.endswith(b"general /odd")
        assert [type(fault) for fault in made.faults] == [kind, type(None)]
        made.general.remove(ODD)
        nothing_but_the_head(made)
        assert len(made.upstream.heads) == 1


async def test_an_answer_that_breaks_behind_an_upload_is_cut() -> None:
    """Promise 59."""

    async def script(peer: Peer) -> None:
        await body(peer, await peer.head())
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhel")

    async with site(script) as made:
        data = await made.get(upload(b"abc"), GET)
        assert not data.endswith(b"hello")
        assert (len(made.cut), made.general, len(made.upstream.heads)) == (1, [], 1)


# One side is slow.


async def test_an_upstream_that_does_not_read_stops_the_client() -> None:
    """Promise 55: what is under way is what sockets and two buffers hold; all of it arrives once the upstream reads; nobody is blamed."""
    go = asyncio.Event()
    taken = [0]

    async def script(peer: Peer) -> None:
        await peer.head()
        peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await go.wait()
        peer.writer.transport.resume_reading()  # type: ignore[attr-defined]
        while taken[0] < 64 << 20:
            taken[0] += len(await peer.reader.read(1 << 20))
        await peer.send(OK)
        await peer.rest()

    async with site(script, client=IDLE) as made:
        reader, writer = await made.connect()
        sent = [0]

        async def send() -> None:
            writer.write(upload(b"", length=64 << 20))
            for _ in range(64):
                writer.write(MEGABYTE)
                await writer.drain()
                sent[0] += 1

        sending = asyncio.ensure_future(send())
        await settled(lambda: sent[0])
        assert sent[0] < 40
        (upstream,) = made.pool._open
        assert upstream._transport is not None
        assert upstream._transport.get_write_buffer_size() < 1 << 20
        (connection,) = made.listener._open
        assert len(connection._buffer) == 0
        assert connection._relay is not None
        assert len(connection._relay._unsent) < 1 << 20
        await asyncio.sleep(1.5)  # longer than a client may be silent: it is us who stopped reading
        assert made.general == []
        go.set()
        await sending
        assert (await asyncio.wait_for(reader.readuntil(b"hello"), 10)).startswith(b"HTTP/1.1 200")
        assert taken[0] == 64 << 20
        writer.close()


async def test_an_upstream_that_takes_nothing_for_too_long_is_given_up() -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.sleep(60)

    async with site(script, response_head_s=0.3) as made:
        reader, writer = await made.connect()
        writer.write(upload(b"", length=64 << 20) + MEGABYTE * 32)
        assert await asyncio.wait_for(reader.readuntil(b"general /t"), 10)
        assert isinstance(made.faults[0], UpstreamTimedOut)
        nothing_but_the_head(made)
        writer.transport.abort()


@pytest.mark.parametrize("proxied", [False, True])
async def test_a_client_that_stops_sending_is_told_and_the_upstream_sees_no_whole_upload(proxied) -> None:
    """Promises 6 and 54: 408 in the general lane's words."""
    rest: list[bytes] = []

    async def script(peer: Peer) -> None:
        await peer.head()
        rest.append(await peer.rest())

    async with site(script, client=IDLE, proxied=proxied) as made:
        reader, writer = await made.connect()
        writer.write(upload(b"abc", length=10))
        data = await ends(reader)
        assert b"\r\nConnection: close\r\n" in data
        assert data.endswith(b"general /t")
        assert made.refusals == [Refusal(Reason.REQUEST_TIMED_OUT, 408)]
        assert made.faults == [None]
        nothing_but_the_head(made)
        await until(lambda: rest == [b"abc"])
        assert made.pool.stats.idle == 0
        writer.close()


async def test_a_client_that_goes_on_sending_a_little_is_not_told() -> None:
    """The limit is for silence, not for the whole upload."""
    bodies: list[tuple[bytes, bytes]] = []
    async with site(taking(bodies), client=ClientLimits(body_idle_s=1.5)) as made:
        reader, writer = await made.connect()
        writer.write(upload(b"", length=6))
        for _ in range(6):
            await asyncio.sleep(0.4)
            writer.write(b"a")
        await asyncio.wait_for(reader.readuntil(b"hello"), 5)
        assert bodies == [(b"POST", b"a" * 6)]
        assert made.general == []
        writer.close()


async def test_a_client_that_stops_sending_once_the_answer_began_is_cut() -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhel")
        await peer.rest()

    async with site(script, client=IDLE) as made:
        reader, writer = await made.connect()
        writer.write(upload(b"abc", length=10))
        data = await ends(reader)
        assert data.endswith(b"\r\n\r\nhel")
        assert made.general == []
        await until(lambda: made.pool.stats.in_use == 0)
        assert made.listener.open_connections == 0
        writer.close()


@pytest.mark.parametrize("sent", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhel"])
async def test_a_client_that_leaves_in_the_middle_frees_its_upstream(sent) -> None:
    """Promises 6 and 56."""
    rest: list[bytes] = []

    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.send(sent)
        rest.append(await peer.rest())

    async with site(script) as made:
        _, writer = await made.connect()
        writer.write(upload(b"abc", length=10))
        await until(lambda: len(made.upstream.heads) == 1)
        writer.close()
        await until(lambda: rest == [b"abc"])
        await until(lambda: made.pool.stats.in_use == 0)
        assert made.pool.stats.idle == 0
        assert (made.general, made.cut) == ([], [])


# No connection is free.


async def test_an_upload_that_waits_for_a_connection_arrives_whole() -> None:
    go = asyncio.Event()
    bodies: list[bytes] = []

    async def script(peer: Peer) -> None:
        await peer.head()
        await go.wait()
        await peer.send(OK)
        bodies.append(await body(peer, await peer.head()))
        await peer.send(OK)
        await peer.rest()

    sent = random.Random(1).randbytes(3 << 20)
    async with site(script, max_connections=1) as made:
        first_reader, first = await made.connect()
        first.write(GET)
        await until(lambda: made.pool.stats.in_use == 1)
        reader, writer = await made.connect()
        data = upload(sent)
        for piece in (data[:5], data[5:100], data[100:1000], data[1000:]):
            writer.write(piece)
            await asyncio.sleep(0.02)
        await until(lambda: made.pool.stats.waiting == 1)
        (connection,) = [connection for connection in made.listener._open if connection._relay is not None and connection._relay._unsent]
        assert connection._relay is not None
        assert len(connection._relay._unsent) < 1 << 20  # the rest waits in the client
        go.set()
        await asyncio.wait_for(first_reader.readuntil(b"hello"), 5)
        await asyncio.wait_for(reader.readuntil(b"hello"), 5)
        assert bodies == [sent]
        assert made.general == []
        first.close()
        writer.close()


@pytest.mark.parametrize("proxied", [False, True])
async def test_an_upload_that_waits_in_vain_is_handed_over_without_its_body(proxied) -> None:
    async with site(always(b""), max_connections=1, wait_s=0.2, proxied=proxied) as made:
        _, first = await made.connect()
        first.write(GET)
        await until(lambda: made.pool.stats.in_use == 1)
        reader, writer = await made.connect()
        writer.write(upload(SMUGGLED * 20)[:500])
        answer = await asyncio.wait_for(reader.readuntil(b"general /t"), 5)
        assert b"\r\nConnection: close\r\n" in answer
        writer.write(SMUGGLED * 20)
        assert await ends(reader) == b""
        assert isinstance(made.faults[0], UpstreamBusy)
        nothing_but_the_head(made)
        assert len(made.upstream.heads) == 1
        first.close()
        writer.close()


async def test_a_client_that_leaves_while_its_upload_waits_takes_no_connection_with_it() -> None:
    async with site(always(b""), max_connections=1) as made:
        _, first = await made.connect()
        first.write(GET)
        await until(lambda: made.pool.stats.in_use == 1)
        _, second = await made.connect()
        second.write(upload(b"abc", length=10))
        await until(lambda: made.pool.stats.waiting == 1)
        second.close()
        await until(lambda: made.pool.stats.waiting == 0)
        first.close()
        await until(lambda: made.pool.stats.in_use == 0)
        assert (made.general, len(made.upstream.heads)) == ([], 1)


async def test_a_client_that_stops_sending_while_it_waits_for_a_connection_is_told() -> None:
    async with site(always(b""), max_connections=1, wait_s=20, response_head_s=30, client=IDLE) as made:
        _, first = await made.connect()
        first.write(GET)
        await until(lambda: made.pool.stats.in_use == 1)
        reader, writer = await made.connect()
        writer.write(upload(b"", length=10))
        assert (await ends(reader)).endswith(b"general /t")
        assert made.refusals == [Refusal(Reason.REQUEST_TIMED_OUT, 408)]
        await until(lambda: made.pool.stats.waiting == 0)
        first.close()
        writer.close()


# The gateway drains.


async def test_draining_lets_an_upload_finish() -> None:
    """Promise 60."""
    bodies: list[tuple[bytes, bytes]] = []
    async with site(taking(bodies)) as made:
        reader, writer = await made.connect()
        writer.write(upload(b"abc", length=6))
        await until(lambda: len(made.upstream.heads) == 1)
        draining = asyncio.ensure_future(made.listener.drain(5))
        await asyncio.sleep(0.05)
        writer.write(b"def" + SMUGGLED)
        data = await ends(reader)
        assert data.count(b"HTTP/1.1 200") == 1
        assert b"\r\nConnection: close\r\n" in data
        assert data.endswith(b"hello")
        assert bodies == [(b"POST", b"abcdef")]
        assert await draining == 0
        writer.close()
