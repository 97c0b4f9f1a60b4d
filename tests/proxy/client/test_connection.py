"""Connections from clients, over real sockets: order, deadlines, limits, lingering, draining. The lane is a small one that records."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import cast

import pytest

from gateway.core.errors import ClientGone
from gateway.core.reason import Reason
from gateway.proxy.client.connection import ClientConnection
from gateway.proxy.client.head import HeadLimits, Refusal
from gateway.proxy.client.limits import ClientLimits
from gateway.proxy.client.listener import Listener
from gateway.proxy.client.transport import ClientTransport

GET = b"GET /t%d HTTP/1.1\r\nHost: a\r\n\r\n"


class Lane(asyncio.Protocol):
    """Answers each head with its target after `answer` says so; bodies are recorded."""

    made: list[Lane]
    answer: Callable[[Lane, ClientConnection], Awaitable[None]] | None = None

    def __init__(self) -> None:
        self.heads: list[bytes] = []
        self.body = b""
        self.lost = asyncio.Event()
        self.tasks: list[asyncio.Future[None]] = []
        Lane.made.append(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(ClientTransport, transport)
        self.connection = self.transport.connection

    def data_received(self, data: bytes) -> None:
        if data.endswith(b"\r\n\r\n") and b" HTTP/1." in data:
            self.heads.append(data)
            self.connection.body_failed = self.refused
            if Lane.answer is not None:
                self.tasks.append(asyncio.ensure_future(Lane.answer(self, self.connection)))
            else:
                self.reply()
        else:
            self.body += data

    def refused(self, refusal: Refusal) -> None:
        self.transport.write(b"HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n")
        self.transport.close()

    def reply(self) -> None:
        target = self.heads[-1].split(b" ")[1]
        self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(target), target))
        self.connection.answered()

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set()


@asynccontextmanager
async def listening(limits: ClientLimits | None = None) -> AsyncIterator[tuple[Listener, int]]:
    Lane.made, Lane.answer = [], None
    listener = Listener(limits or ClientLimits(), Lane)
    server = await asyncio.get_running_loop().create_server(listener, "127.0.0.1", 0)
    listener.start()
    try:
        yield listener, server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await listener.drain(0)


async def everything(reader: asyncio.StreamReader) -> bytes:
    return await asyncio.wait_for(reader.read(), 10)


async def test_pipelined_requests_are_answered_in_order_one_at_a_time() -> None:
    """Promise 5."""
    async with listening() as (_, port):
        waiting: list[Lane] = []

        async def later(lane: Lane, connection: ClientConnection) -> None:
            waiting.append(lane)

        Lane.answer = staticmethod(later)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(GET % 1 + GET % 2 + GET % 3)
        for number in (1, 2, 3):
            async with asyncio.timeout(5):
                while len(waiting) < number:
                    await asyncio.sleep(0)
            assert len(Lane.made[0].heads) == number  # the next head waits for this answer
            Lane.made[0].reply()
            assert (await reader.readuntil(b"/t%d" % number)).endswith(b"/t%d" % number)
        writer.close()


async def test_after_a_refused_request_nothing_more_is_served() -> None:
    """Promise 5."""
    async with listening() as (listener, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(GET % 1 + b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n" + GET % 3)
        data = await everything(reader)
        assert data.startswith(b"HTTP/1.1 200 OK")
        assert data.count(b"HTTP/1.1") == 2
        assert b"X-Gateway-Reason: host-invalid" in data
        assert b"/t3" not in data
        assert sum(listener.refused.values()) == 1
        writer.close()


async def test_the_answer_to_a_refused_upload_can_be_read_while_it_is_still_sent() -> None:
    async with listening() as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n" + b"z" * 1_000_000)
        assert (await reader.readline()).startswith(b"HTTP/1.1 400")
        writer.close()


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        pytest.param(b"", b"", id="nothing-sent-is-closed"),
        pytest.param(b"GET / HT", b"HTTP/1.1 408", id="half-a-head-gets-408"),
    ],
)
async def test_a_head_has_its_time(sent: bytes, answer: bytes) -> None:
    async with listening(ClientLimits(head_timeout_s=0.5)) as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        assert (await everything(reader)).startswith(answer)
        writer.close()


async def test_the_second_head_has_its_time_too() -> None:
    async with listening(ClientLimits(head_timeout_s=0.5)) as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(GET % 1)
        await reader.readuntil(b"/t1")
        writer.write(b"GET /2")
        assert (await everything(reader)).startswith(b"HTTP/1.1 408")
        writer.close()


@pytest.mark.parametrize("drip", [(b"\r\n",), (b"\r", b"\n")], ids=["whole", "in-pieces"])
async def test_empty_lines_do_not_keep_a_connection_open(drip: tuple[bytes, ...]) -> None:
    """One ahead of a request is tolerated (RFC 9112 2.2); each of them used to begin the time for a head anew (promise 54)."""
    async with listening(ClientLimits(head_timeout_s=0.4, keep_alive_s=0.4)) as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(GET % 1)
        await reader.readuntil(b"/t1")
        rest = asyncio.ensure_future(everything(reader))
        while not rest.done():
            for piece in drip:
                writer.write(piece)
                await asyncio.sleep(0.05)
        writer.close()


async def test_an_empty_line_may_come_long_before_its_request() -> None:
    async with listening() as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in (1, 2):
            writer.write(GET % number + b"\r\n")
            await reader.readuntil(b"/t%d" % number)
            await asyncio.sleep(0.02)
        writer.write(GET % 3)
        await reader.readuntil(b"/t3")
        writer.close()


async def test_an_idle_connection_is_closed() -> None:
    async with listening(ClientLimits(keep_alive_s=0.2)) as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(GET % 1)
        assert (await everything(reader)).endswith(b"/t1")
        writer.close()


async def test_a_bad_chunk_reaches_the_lane_as_a_refusal() -> None:
    async with listening() as (_, port):

        async def wait_for_the_body(lane: Lane, connection: ClientConnection) -> None:
            return

        Lane.answer = staticmethod(wait_for_the_body)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        writer.write(b"zz\r\n")
        assert (await everything(reader)).startswith(b"HTTP/1.1 400")
        assert Lane.made[0].body.startswith(b"3\r\nabc\r\n") or Lane.made[0].body == b""
        assert b"zz" not in Lane.made[0].body
        writer.close()


async def test_a_body_that_was_refused_is_not_looked_at_again() -> None:
    """Promise 64: one bad request is counted and told once, however much of it comes before its answer can be given."""
    async with listening() as (listener, port):

        async def never(lane: Lane, connection: ClientConnection) -> None:
            connection.body_failed = None

        Lane.answer = staticmethod(never)
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        for piece in (b"3\r\nabc\r\n", b"zz\r\n", b"zz\r\n", b"3\r\ndef\r\n0\r\n\r\n"):
            writer.write(piece)
            await asyncio.sleep(0.05)
        assert listener.refused == {Reason.FRAMING_AMBIGUOUS: 1}
        assert b"def" not in Lane.made[0].body
        assert Lane.made[0].connection.body_pending
        writer.close()


async def test_bodies_end_where_they_end() -> None:
    async with listening() as (_, port):

        async def when_complete(lane: Lane, connection: ClientConnection) -> None:
            while connection.body_pending:
                await asyncio.sleep(0)
            lane.reply()

        Lane.answer = staticmethod(when_complete)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST /t1 HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody" + GET % 2)
        await reader.readuntil(b"/t1")
        await reader.readuntil(b"/t2")
        assert Lane.made[0].body == b"body"
        writer.close()


@pytest.mark.parametrize(("limit", "refused"), [(2, True), (3, False), (4, False)])
async def test_connections_have_a_limit(limit: int, refused: bool) -> None:
    async with listening(ClientLimits(connections=limit)) as (listener, port):
        writers = [(await asyncio.open_connection("127.0.0.1", port))[1] for _ in range(2)]
        async with asyncio.timeout(5):
            while listener.open_connections < 2:
                await asyncio.sleep(0)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(GET % 1)
        assert (await reader.readline()).startswith(b"HTTP/1.1 503" if refused else b"HTTP/1.1 200")
        for each in (*writers, writer):
            each.close()


@pytest.mark.parametrize(("limit", "refused"), [(1, True), (2, False)])
async def test_connections_per_address_have_a_limit(limit: int, refused: bool) -> None:
    async with listening(ClientLimits(per_address=limit)) as (listener, port):
        _, first = await asyncio.open_connection("127.0.0.1", port)
        async with asyncio.timeout(5):
            while listener.open_connections < 1:
                await asyncio.sleep(0)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(GET % 1)
        assert (await reader.readline()).startswith(b"HTTP/1.1 503" if refused else b"HTTP/1.1 200")
        first.close()
        writer.close()


async def test_connections_that_were_refused_take_no_room_from_others() -> None:
    """Promise 54: one address that has all it may have, and goes on connecting, is nobody else's problem."""
    async with listening(ClientLimits(connections=8, per_address=2)) as (listener, port):
        flood = [await asyncio.open_connection("127.0.0.1", port) for _ in range(100)]
        for reader, _ in flood[2:]:
            assert (await reader.readline()).startswith(b"HTTP/1.1 503")
        other = socket.socket()
        other.setblocking(False)
        other.bind(("127.0.0.2", 0))
        await asyncio.get_running_loop().sock_connect(other, ("127.0.0.1", port))
        reader, writer = await asyncio.open_connection(sock=other)
        writer.write(GET % 1)
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        assert listener.open_connections == 3
        for each in (*(writer for _, writer in flood), writer):
            each.close()


async def test_few_refused_connections_are_waited_for() -> None:
    """Each takes a descriptor until its client has read why; with many of them, the rest is told and closed at once."""
    async with listening(ClientLimits(per_address=0)) as (listener, port):
        flood = [await asyncio.open_connection("127.0.0.1", port) for _ in range(100)]
        for reader, _ in flood:
            assert (await everything(reader)).startswith(b"HTTP/1.1 503")
        assert listener.lingering <= 32
        for _, writer in flood:
            writer.close()


@pytest.mark.parametrize(("limit", "last"), [(1, [True]), (2, [False, True])])
async def test_requests_per_connection_have_a_limit(limit: int, last: list[bool]) -> None:
    async with listening(ClientLimits(requests=limit)) as (_, port):
        seen: list[bool] = []

        async def note(lane: Lane, connection: ClientConnection) -> None:
            seen.append(connection.last_request)
            lane.reply()

        Lane.answer = staticmethod(note)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in range(limit):
            writer.write(GET % number)
            await reader.readuntil(b"/t%d" % number)
        assert seen == last
        writer.close()


async def test_a_client_that_reads_nothing_is_cut() -> None:
    """Promise 55, and the limit on a client that reads nothing."""
    async with listening(ClientLimits(write_idle_s=0.2)) as (_, port):
        outcome: list[BaseException] = []

        async def flood(lane: Lane, connection: ClientConnection) -> None:
            try:
                while True:
                    lane.transport.write(b"x" * 65536)
                    await connection.drain()
            except ClientGone as error:
                outcome.append(error)

        Lane.answer = staticmethod(flood)
        client = socket.create_connection(("127.0.0.1", port))
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.sendall(GET % 1)
        async with asyncio.timeout(10):
            while not Lane.made or not Lane.made[0].lost.is_set():
                await asyncio.sleep(0.01)
        await asyncio.gather(*Lane.made[0].tasks)
        assert outcome
        client.close()


async def fill(lane: Lane, piece: bytes = bytes(16384)) -> int:
    """Write until the client's socket takes no more, which leaves little: too little for anybody to be paused. Gives how much it was."""
    written = 0
    while not lane.transport.get_write_buffer_size():
        lane.transport.write(piece)
        written += len(piece)
        await asyncio.sleep(0.005)
    return written


def slow_client(port: int) -> socket.socket:
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.settimeout(10)
    client.connect(("127.0.0.1", port))
    return client


@pytest.mark.parametrize(
    "request_",
    [pytest.param(GET % 1, id="last-answer"), pytest.param(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n", id="early")],
)
async def test_a_client_that_does_not_take_the_end_of_its_last_answer_is_cut(request_: bytes) -> None:
    """Promise 54: what is left is too little to pause anybody, and no request is in flight that could time out."""
    async with listening(ClientLimits(write_idle_s=0.2)) as (listener, port):

        async def answer_and_close(lane: Lane, connection: ClientConnection) -> None:
            await fill(lane)
            connection.close()

        Lane.answer = staticmethod(answer_and_close)
        client = slow_client(port)
        client.sendall(request_)
        async with asyncio.timeout(10):
            while not Lane.made or not Lane.made[0].lost.is_set():
                await asyncio.sleep(0.01)
        assert not listener.open_connections
        client.close()


@pytest.mark.parametrize(
    ("request_", "pause_s"),
    [
        # Longer than what a client sends is thrown away behind an answer.
        pytest.param(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n", 3, id="an-answer-before-the-end-of-the-upload"),
        pytest.param(GET % 1, 1.5, id="longer-than-idle-connections-are-kept"),
    ],
)
async def test_a_client_that_takes_its_answer_slowly_gets_all_of_it(request_: bytes, pause_s: float) -> None:
    """Promise 59: what was answered is no less whole because the client needs time for it."""
    async with listening(ClientLimits(keep_alive_s=0.2)) as (_, port):
        written: list[int] = []

        async def answer(lane: Lane, connection: ClientConnection) -> None:
            written.append(await fill(lane))
            connection.answered()

        Lane.answer = staticmethod(answer)
        client = slow_client(port)
        client.sendall(request_)
        await asyncio.sleep(pause_s)

        def read() -> int:
            return sum(len(piece) for piece in iter(lambda: client.recv(262144), b""))

        assert await asyncio.to_thread(read) == written[0]
        client.close()


async def test_a_client_that_leaves_is_told_to_the_lane() -> None:
    """Promise 56."""
    async with listening() as (_, port):

        async def never(lane: Lane, connection: ClientConnection) -> None:
            return

        Lane.answer = staticmethod(never)
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(GET % 1)
        async with asyncio.timeout(5):
            while not Lane.made:
                await asyncio.sleep(0)
            writer.close()
            await Lane.made[0].lost.wait()


async def test_draining_closes_idle_connections_and_waits_for_busy_ones() -> None:
    """Promise 60."""
    async with listening() as (listener, port):
        idle_reader, idle_writer = await asyncio.open_connection("127.0.0.1", port)
        idle_writer.write(GET % 1)
        await idle_reader.readuntil(b"/t1")
        go = asyncio.Event()

        async def slow(lane: Lane, connection: ClientConnection) -> None:
            await go.wait()
            assert connection.last_request
            lane.reply()

        Lane.answer = staticmethod(slow)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(GET % 2)
        async with asyncio.timeout(5):
            while len(Lane.made) < 2:
                await asyncio.sleep(0)
        draining = asyncio.ensure_future(listener.drain(5))
        assert await everything(idle_reader) == b""
        go.set()
        assert (await everything(reader)).endswith(b"/t2")
        assert await draining == 0
        idle_writer.close()
        writer.close()


async def test_a_tunnel_gets_every_byte_from_then_on() -> None:
    async with listening() as (_, port):
        received: list[bytes] = []

        class End:
            from_client = staticmethod(received.append)

            def client_full(self) -> None: ...

            def client_caught_up(self) -> None: ...

        async def switch(lane: Lane, connection: ClientConnection) -> None:
            received.append(connection.take_over(End()))
            lane.transport.write(b"switched")

        Lane.answer = staticmethod(switch)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nearly")
        await reader.readexactly(8)
        writer.write(b"later")
        writer.close()
        async with asyncio.timeout(5):
            while not received or received[-1] != b"":
                await asyncio.sleep(0.001)
        assert b"".join(received) == b"earlylater"


async def test_a_flood_of_bad_requests_is_sampled(caplog: pytest.LogCaptureFixture) -> None:
    """Promise 64."""
    with caplog.at_level("INFO", logger="gateway.proxy.client.listener"):
        async with listening(ClientLimits(head=HeadLimits(line=100))) as (listener, port):
            for _ in range(40):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(b"nonsense secret-cookie\r\n\r\n")
                await everything(reader)
                writer.close()
            assert sum(listener.refused.values()) == 40
    assert len(caplog.records) < 40
    assert "secret" not in caplog.text
