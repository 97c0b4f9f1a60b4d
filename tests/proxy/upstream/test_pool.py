"""The pool: reuse, the queue, the one repeat, cancellation, and uploads and downloads of any size."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from pathlib import Path

import pytest
import trustme

from gateway.core.errors import ClientGone, UpstreamBusy, UpstreamInvalid, UpstreamUnreachable
from gateway.proxy.upstream.address import UpstreamAddress
from gateway.proxy.upstream.limits import UpstreamLimits
from gateway.proxy.upstream.pool import PoolStats, UpstreamPool
from tests.proxy.conftest import Make
from tests.proxy.scripted import GET, HEAD, OK, Peer, ScriptedUpstream, always, body_of, fetch, once, pieces, post, until
from tests.servers import free_port

OPTIONS = b"OPTIONS / HTTP/1.1\r\nHost: app\r\n\r\n"


async def test_connections_are_reused(play: Make) -> None:
    pool, upstream = await play(always(OK))
    for _ in range(10):
        assert await fetch(pool) == (200, b"hello")
    assert upstream.connections == 1
    assert upstream.heads == [GET] * 10
    assert pool.stats == PoolStats(in_use=0, idle=1, waiting=0, tunnels=0)


async def test_parallel_requests_get_connections_of_their_own(play: Make) -> None:
    pool, upstream = await play(always(OK))
    assert await asyncio.gather(*(fetch(pool) for _ in range(20))) == [(200, b"hello")] * 20
    assert 1 < upstream.connections <= 20


async def test_idle_connections_are_closed_at_the_limit(play: Make) -> None:
    pool, _ = await play(always(OK), idle_s=0.5)
    await fetch(pool)
    assert pool.stats.idle == 1
    await until(lambda: pool.stats.idle == 0)


async def test_the_bound_holds_and_who_waits_is_served_in_order(play: Make) -> None:
    pool, upstream = await play(always(OK), max_connections=1)
    order: list[int] = []

    async def one(number: int) -> None:
        response = await pool.send(GET, method="GET")
        order.append(number)
        await body_of(response)

    await asyncio.gather(*(one(number) for number in range(50)))
    assert upstream.connections == 1
    assert order == sorted(order)
    assert pool.stats == PoolStats(in_use=0, idle=1, waiting=0, tunnels=0)


@pytest.mark.parametrize("limit", [1, 2, 3])
async def test_one_more_than_the_bound_waits(play: Make, limit: int) -> None:
    pool, _ = await play(once(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"), max_connections=limit, wait_s=0.05)
    held = [await pool.send(GET, method="GET") for _ in range(limit)]
    with pytest.raises(UpstreamBusy):
        await pool.send(GET, method="GET")
    assert pool.stats.waiting == 0
    for response in held:
        response.abort()
    await until(lambda: pool.stats.in_use == 0)


async def test_a_cancelled_waiter_loses_nothing(play: Make) -> None:
    pool, _ = await play(always(OK), max_connections=1)
    first = await pool.acquire()
    waiters = [asyncio.create_task(fetch(pool)) for _ in range(3)]
    await until(lambda: pool.stats.waiting == 3)
    waiters[1].cancel()
    pool.released(first)
    assert await waiters[0] == await waiters[2] == (200, b"hello")
    assert pool.stats == PoolStats(in_use=0, idle=1, waiting=0, tunnels=0)


async def test_a_waiter_cancelled_at_the_moment_it_is_served_passes_its_turn_on(play: Make) -> None:
    pool, _ = await play(once(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"), max_connections=1)
    first = await pool.acquire()
    waiters = [asyncio.create_task(pool.acquire()) for _ in range(3)]
    await until(lambda: pool.stats.waiting == 3)
    pool.released(first)  # the first in line has it now, but has not woken up
    waiters[0].cancel()
    assert await waiters[1] is first
    first.abort()  # the slot is handed over without a connection
    await until(lambda: waiters[2].done())
    assert (await waiters[2]) is not first
    (await waiters[2]).abort()
    await until(lambda: pool.stats.in_use == 0)


async def test_a_failed_connection_wakes_the_next_waiter() -> None:
    pool = UpstreamPool(UpstreamAddress(name="app", host="127.0.0.1", port=free_port()), UpstreamLimits(max_connections=1, wait_s=5))
    results = await asyncio.gather(*(pool.send(GET, method="GET") for _ in range(10)), return_exceptions=True)
    assert [type(result) for result in results] == [UpstreamUnreachable] * 10
    assert pool.stats == PoolStats(in_use=0, idle=0, waiting=0, tunnels=0)
    await pool.close()


@pytest.mark.parametrize("end", ["close", "reset"])
@pytest.mark.parametrize(("head", "method"), [(GET, "GET"), (HEAD, "HEAD"), (OPTIONS, "OPTIONS")], ids=["GET", "HEAD", "OPTIONS"])
async def test_a_safe_request_on_a_dead_reused_connection_is_sent_once_more(play: Make, end: str, head: bytes, method: str) -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await peer.head()
        if peer.number == 2:
            await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        elif end == "reset":
            peer.reset()

    pool, upstream = await play(script)  # promise 14
    assert (await fetch(pool))[0] == 200
    assert (await fetch(pool, head, method))[0] == 200
    assert upstream.heads == [GET, head, head]


async def test_the_second_time_is_the_last_time(play: Make) -> None:
    async def script(peer: Peer) -> None:
        if peer.number == 1:
            await peer.head()
            await peer.send(OK)
        await peer.head()

    pool, upstream = await play(script)  # promise 14
    await fetch(pool)
    with pytest.raises(UpstreamInvalid):
        await fetch(pool)
    assert len(upstream.heads) == 3


async def test_a_request_on_a_new_connection_is_never_repeated(play: Make) -> None:
    pool, upstream = await play(once(then="close"))
    with pytest.raises(UpstreamInvalid):
        await fetch(pool)
    assert upstream.heads == [GET]


async def test_a_request_is_not_repeated_once_a_byte_of_an_answer_came(play: Make) -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.send(OK)
        await peer.head()
        await peer.send(b"H")

    pool, upstream = await play(script)
    await fetch(pool)
    with pytest.raises(UpstreamInvalid):
        await fetch(pool)
    assert upstream.heads == [GET, GET]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE", "FOO"])
@pytest.mark.parametrize("with_body", [True, False], ids=["body", "no-body"])
async def test_other_methods_are_never_sent_twice(play: Make, method: str, with_body: bool) -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.send(OK)
        await peer.head()

    pool, upstream = await play(script)  # promise 14: POST and PATCH are never delivered twice
    await fetch(pool)
    head = method.encode() + b" / HTTP/1.1\r\nHost: app\r\nContent-Length: %d\r\n\r\n" % (5 if with_body else 0)
    with pytest.raises(UpstreamInvalid):
        await pool.send(head, method=method, body=pieces(b"hello") if with_body else None)
    assert upstream.heads == [GET, head]


async def test_a_get_with_a_body_is_never_sent_twice(play: Make) -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.send(OK)
        await peer.head()

    pool, upstream = await play(script)
    await fetch(pool)
    with pytest.raises(UpstreamInvalid):
        await pool.send(GET.replace(b"app", b"app\r\nContent-Length: 5"), method="GET", body=pieces(b"hello"))
    assert len(upstream.heads) == 2


async def test_a_full_pool_of_dead_connections_still_repeats(play: Make) -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.send(OK)
        if peer.number <= 2:
            await peer.head()
        else:
            await peer.rest()

    pool, upstream = await play(script, max_connections=2)
    for connection in [await pool.acquire(), await pool.acquire()]:
        pool.released(connection)
    await fetch(pool)
    pool._idle = dict(reversed(pool._idle.items()))  # so that the other one is next
    await fetch(pool)
    assert pool.stats.idle == 2
    assert await fetch(pool) == (200, b"hello")
    assert upstream.connections == 3
    await until(lambda: pool.stats.in_use == 0)


@pytest.mark.parametrize("size", [0, 1, 5, 100_000, 3_000_000])
@pytest.mark.parametrize("chunked", [True, False], ids=["chunked", "length"])
async def test_bodies_arrive_unchanged_both_ways(play: Make, size: int, chunked: bool) -> None:
    data = hashlib.shake_256(b"seed").digest(size)

    async def echo(peer: Peer) -> None:
        head = await peer.head()
        if b"chunked" in head:
            body = b""
            while length := int((await peer.reader.readuntil(b"\r\n")), 16):
                body += await peer.reader.readexactly(length)
                assert await peer.reader.readexactly(2) == b"\r\n"
            assert await peer.reader.readexactly(2) == b"\r\n"
            await peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            for start in range(0, len(body), 70000):
                piece = body[start : start + 70000]
                await peer.send(b"%x\r\n%b\r\n" % (len(piece), piece))
            await peer.send(b"0\r\n\r\n")
        else:
            body = await peer.reader.readexactly(size)
            await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + body)
        await peer.rest()

    pool, _ = await play(echo)
    body = pieces(*(data[start : start + 33333] for start in range(0, size, 33333)), b"")
    response = await pool.send(post(None if chunked else size), method="POST", body=body, chunked=chunked)
    assert response.content_length == (None if chunked else size)
    assert await body_of(response) == data
    await until(lambda: pool.stats.in_use == 0)
    assert pool.stats.idle == 1


async def test_an_empty_piece_is_not_the_last_chunk(play: Make) -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        assert await peer.reader.readuntil(b"0\r\n\r\n") == b"1\r\na\r\n1\r\nb\r\n0\r\n\r\n"
        await peer.send(OK)

    pool, _ = await play(script)
    response = await pool.send(post(None), method="POST", body=pieces(b"", b"a", b"", b"b", b""), chunked=True)
    assert await body_of(response) == b"hello"


@pytest.mark.parametrize(
    ("body", "error"),
    [
        pytest.param([b"1234"], ClientGone, id="shorter"),
        pytest.param([b"123456"], ValueError, id="longer"),
        pytest.param([b"12345", b"6"], ValueError, id="longer-by-a-piece"),
        pytest.param([], ClientGone, id="nothing"),
    ],
)
async def test_a_body_must_be_as_long_as_its_length(play: Make, body: list[bytes], error: type[Exception]) -> None:
    received: list[bytes] = []

    async def script(peer: Peer) -> None:
        await peer.head()
        received.append(await peer.rest())

    pool, _ = await play(script)
    with pytest.raises(error):
        await pool.send(post(5), method="POST", body=pieces(*body))
    await until(lambda: bool(received))
    assert len(received[0]) <= 5
    assert pool.stats.idle == 0


async def test_a_body_needs_a_length_or_chunks(play: Make) -> None:
    pool, upstream = await play(always(OK))
    with pytest.raises(ValueError, match="length"):
        await pool.send(GET, method="POST", body=pieces(b"a"))
    assert upstream.connections == 0


async def test_a_response_may_be_read_while_its_request_is_still_sent(play: Make) -> None:
    async def echo(peer: Peer) -> None:
        await peer.head()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n")
        for _ in range(3):
            await peer.send(await peer.reader.readexactly(1))
        await peer.rest()

    typed: asyncio.Queue[bytes] = asyncio.Queue()

    async def typing():
        for _ in range(3):
            yield await typed.get()

    pool, _ = await play(echo)
    response = await pool.send(post(3), method="POST", body=typing())
    for letter in (b"a", b"b", b"c"):
        typed.put_nowait(letter)
        assert await response.read() == letter
    assert await response.read() is None


async def test_an_upload_that_fails_after_an_early_head_shows_in_read(play: Make) -> None:
    failing = asyncio.Event()

    async def body():
        yield b"12345"
        await failing.wait()
        raise ZeroDivisionError

    pool, _ = await play(once(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe"))
    response = await pool.send(post(10), method="POST", body=body())
    failing.set()
    assert await response.read() == b"he"
    with pytest.raises(ZeroDivisionError):
        await response.read()
    await until(lambda: pool.stats.in_use == 0)
    assert pool.stats.idle == 0


async def test_the_request_body_is_closed_in_the_end(play: Make) -> None:
    closed = asyncio.Event()

    async def body():
        try:
            while True:
                yield b"x" * 100_000
        finally:
            closed.set()

    pool, _ = await play(once(b"HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n"))
    response = await pool.send(post(None), method="POST", body=body(), chunked=True)
    assert await response.read() is None
    await closed.wait()


@pytest.mark.parametrize("moment", ["connecting", "head", "upload"])
async def test_who_is_cancelled_leaves_no_connection_behind(play: Make, moment: str) -> None:
    gone = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.rest()
        gone.set()

    async def endless():
        while True:
            await asyncio.sleep(0.001)
            yield b"x"

    pool, upstream = await play(script)  # promise 56
    if moment == "upload":
        task = asyncio.create_task(pool.send(post(None), method="POST", body=endless(), chunked=True))
    else:
        task = asyncio.create_task(pool.send(GET, method="GET"))
    if moment == "connecting":
        await asyncio.sleep(0)
    else:
        await until(lambda: bool(upstream.heads))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(lambda: pool.stats == PoolStats(in_use=0, idle=0, waiting=0, tunnels=0))
    if moment != "connecting":
        await gone.wait()


async def test_who_is_cancelled_while_reading_leaves_no_connection_behind(play: Make) -> None:
    pool, _ = await play(once(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"))
    response = await pool.send(GET, method="GET")
    task = asyncio.create_task(response.read())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(lambda: pool.stats == PoolStats(in_use=0, idle=0, waiting=0, tunnels=0))


async def test_an_abort_closes_and_a_release_after_the_end_does_not(play: Make) -> None:
    pool, upstream = await play(always(OK))
    with await pool.send(GET, method="GET") as response:
        assert await body_of(response) == b"hello"
    response.abort()
    assert await fetch(pool) == (200, b"hello")
    assert upstream.connections == 1

    pool, upstream = await play(once(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe"))
    with await pool.send(GET, method="GET") as response:
        assert await response.read() == b"he"
    with pytest.raises(ClientGone):
        await response.read()
    await until(lambda: pool.stats == PoolStats(in_use=0, idle=0, waiting=0, tunnels=0))


async def test_a_reader_that_stops_stops_the_upstream(play: Make) -> None:
    sent = 0

    async def script(peer: Peer) -> None:
        nonlocal sent
        await peer.head()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 50000000\r\n\r\n")
        for _ in range(500):
            await peer.send(b"x" * 100_000)
            sent += 100_000

    pool, _ = await play(script)  # promise 55
    response = await pool.send(GET, method="GET")
    before = -1
    while sent != before:
        before = sent
        await asyncio.sleep(0.2)
    assert sent < 20_000_000  # what the kernel's buffers hold, and ours
    assert response._size <= pool.limits.buffer + pool.limits.high_water
    assert len(await body_of(response)) == 50_000_000


async def test_an_upstream_that_stops_reading_stops_the_client(play: Make) -> None:
    going_on = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.head()
        peer.writer.transport.pause_reading()
        await going_on.wait()
        peer.writer.transport.resume_reading()
        await peer.reader.readexactly(50_000_000)
        await peer.send(OK)

    taken = 0

    async def body():
        nonlocal taken
        for _ in range(500):
            yield b"x" * 100_000
            taken += 100_000

    pool, _ = await play(script)  # promise 55
    task = asyncio.create_task(pool.send(post(50_000_000), method="POST", body=body()))
    before = -1
    while taken != before or not taken:
        before = taken
        await asyncio.sleep(0.2)
    assert taken < 20_000_000
    going_on.set()
    assert (await task).status == 200


async def test_closing_ends_everything(play: Make) -> None:
    pool, _ = await play(once(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"), max_connections=1)
    response = await pool.send(GET, method="GET")
    waiting = asyncio.create_task(pool.send(GET, method="GET"))
    await until(lambda: pool.stats.waiting == 1)
    await pool.close()
    assert pool.stats == PoolStats(in_use=0, idle=0, waiting=0, tunnels=0)
    with pytest.raises(Exception, match="closed"):
        await response.read()
    with pytest.raises(UpstreamUnreachable):
        await waiting
    with pytest.raises(UpstreamUnreachable):
        await pool.send(GET, method="GET")


async def test_a_unix_socket_is_an_upstream(play: Make, tmp_path: Path) -> None:
    pool, upstream = await play(always(OK), upstream={"path": tmp_path / "s"})
    for _ in range(3):
        assert await fetch(pool) == (200, b"hello")
    assert upstream.connections == 1
    assert upstream.address().authority == "localhost"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


async def with_tls(authority: trustme.CA, tmp_path: Path, names: tuple[str, ...], script=None) -> ScriptedUpstream:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return ScriptedUpstream(script or always(OK), tls=context)


async def test_https_is_verified_and_reused(authority: trustme.CA, tmp_path: Path) -> None:
    async with await with_tls(authority, tmp_path, ("127.0.0.1",)) as upstream:
        pool = UpstreamPool(upstream.address(scheme="https", ca_file=tmp_path / "ca.pem"))
        for _ in range(5):
            assert await fetch(pool) == (200, b"hello")
        assert upstream.connections == 1
        await pool.close()


async def test_https_bodies_arrive_unchanged(authority: trustme.CA, tmp_path: Path) -> None:
    async def echo(peer: Peer) -> None:
        await peer.head()
        body = await peer.reader.readexactly(2_000_000)
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n" + body)
        await peer.rest()

    data = hashlib.shake_256(b"seed").digest(2_000_000)
    async with await with_tls(authority, tmp_path, ("127.0.0.1",), echo) as upstream:
        pool = UpstreamPool(upstream.address(scheme="https", ca_file=tmp_path / "ca.pem"))
        response = await pool.send(post(2_000_000), method="POST", body=pieces(data))
        await asyncio.sleep(0.1)
        assert await body_of(response) == data
        await pool.close()


@pytest.mark.parametrize(
    ("names", "believed"),
    [pytest.param(("example.com",), True, id="another-name"), pytest.param(("127.0.0.1",), False, id="unknown-authority")],
)
async def test_https_refuses_who_cannot_prove_its_name(
    authority: trustme.CA, tmp_path: Path, names: tuple[str, ...], believed: bool
) -> None:
    async with await with_tls(authority, tmp_path, names) as upstream:
        pool = UpstreamPool(upstream.address(scheme="https", ca_file=tmp_path / "ca.pem" if believed else None))
        with pytest.raises(UpstreamUnreachable):
            await fetch(pool)
        assert upstream.heads == []
        assert pool.stats.in_use == 0
        await pool.close()


async def test_https_to_a_plain_upstream_is_unreachable(play: Make) -> None:
    _, upstream = await play(always(OK))
    pool = UpstreamPool(upstream.address(scheme="https"), UpstreamLimits(connect_s=0.3))
    with pytest.raises(UpstreamUnreachable):
        await fetch(pool)
    await pool.close()


def test_a_ca_file_that_is_none_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        UpstreamPool(UpstreamAddress(name="app", scheme="https", host="a", port=443, ca_file=tmp_path / "none.pem"))
    (tmp_path / "bad.pem").write_text("nothing")
    with pytest.raises(OSError):
        UpstreamPool(UpstreamAddress(name="app", scheme="https", host="a", port=443, ca_file=tmp_path / "bad.pem"))


async def test_all_addresses_of_a_name_are_tried(play: Make) -> None:
    _, upstream = await play(always(OK))  # it listens on 127.0.0.1 only; localhost may be ::1 first
    pool = UpstreamPool(upstream.address(host="localhost"))
    assert await asyncio.gather(*(fetch(pool) for _ in range(5))) == [(200, b"hello")] * 5
    await pool.close()


async def test_a_fresh_connection_takes_the_place_of_the_oldest_idle_one(play: Make) -> None:
    pool, upstream = await play(always(OK), max_connections=2)
    oldest, other = await pool.acquire(), await pool.acquire()
    pool.released(oldest)
    pool.released(other)
    fresh = await pool.acquire(fresh=True)
    assert fresh not in (oldest, other)
    assert oldest.closing
    assert not other.closing
    assert pool.stats == PoolStats(in_use=1, idle=1, waiting=0, tunnels=0)
    pool.released(fresh)
    assert await fetch(pool) == (200, b"hello")
    assert upstream.connections == 3


async def test_a_connection_that_dies_while_it_is_handed_over_is_replaced(play: Make) -> None:
    pool, upstream = await play(always(OK), max_connections=1)
    first = await pool.acquire()
    waiters = [asyncio.create_task(fetch(pool)) for _ in range(2)]
    await until(lambda: pool.stats.waiting == 2)
    pool.released(first)
    first.abort()
    assert await asyncio.gather(*waiters) == [(200, b"hello")] * 2
    assert upstream.connections == 2
    assert pool.stats == PoolStats(in_use=0, idle=1, waiting=0, tunnels=0)


async def test_a_waiter_cancelled_with_a_slot_in_its_hands_passes_it_on(play: Make) -> None:
    pool, _ = await play(always(OK), max_connections=1)
    first = await pool.acquire()
    waiters = [asyncio.create_task(fetch(pool)) for _ in range(2)]
    await until(lambda: pool.stats.waiting == 2)
    first.abort()
    asyncio.get_running_loop().call_soon(waiters[0].cancel)
    assert await waiters[1] == (200, b"hello")
    assert waiters[0].cancelled()
    assert pool.stats == PoolStats(in_use=0, idle=1, waiting=0, tunnels=0)


async def test_a_connection_that_comes_after_the_end_of_the_pool_is_closed(play: Make) -> None:
    pool, _ = await play(always(OK))
    task = asyncio.create_task(fetch(pool))
    await asyncio.sleep(0)
    await pool.close()
    with pytest.raises(UpstreamUnreachable):
        await task
    assert pool.stats == PoolStats(in_use=0, idle=0, waiting=0, tunnels=0)


@pytest.mark.parametrize(
    ("address", "authority"),
    [
        pytest.param(UpstreamAddress(name="a", host="app", port=80), "app", id="http"),
        pytest.param(UpstreamAddress(name="a", host="app", port=3000), "app:3000", id="port"),
        pytest.param(UpstreamAddress(name="a", scheme="https", host="app", port=443), "app", id="https"),
        pytest.param(UpstreamAddress(name="a", host="::1", port=3000), "[::1]:3000", id="ipv6"),
        pytest.param(UpstreamAddress(name="a", scheme="unix", path="/s"), "localhost", id="unix"),
    ],
)
def test_an_address_has_an_authority(address: UpstreamAddress, authority: str) -> None:
    assert address.authority == authority


async def test_many_clients_that_come_and_go_leave_the_pool_as_it_was(play: Make) -> None:
    async def script(peer: Peer) -> None:
        while True:
            await peer.head()
            await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello", b"world", pause=0.001)

    pool, _ = await play(script, max_connections=5)

    async def client(number: int) -> int:
        with await pool.send(GET, method="GET") as response:
            if number % 3 == 0:
                return 0  # leaves with half an answer
            return len(await body_of(response))

    tasks = [asyncio.create_task(client(number)) for number in range(200)]
    for number in range(0, 200, 7):
        asyncio.get_running_loop().call_later(number / 2000, tasks[number].cancel)
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert {10, 0} <= {result for result in results if isinstance(result, int)} <= {10, 0}
    assert all(isinstance(result, (int, asyncio.CancelledError)) for result in results)
    await until(lambda: pool.stats.in_use == 0)
    assert pool.stats.waiting == 0
    assert await asyncio.gather(*(client(1) for _ in range(20))) == [10] * 20
