"""After 101: bytes both ways, early ones first, half-closed where that exists, bounded, and counted apart from the pool's slots."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest
import trustme

from gateway.core.errors import UpstreamInvalid
from gateway.proxy.upstream.pool import PoolStats, UpstreamPool
from gateway.proxy.upstream.tunnel import Tunnel
from tests.proxy.conftest import Make
from tests.proxy.scripted import GET, OK, Peer, ScriptedUpstream, always, body_of, fetch, once, until

OPENING = b"GET /ws HTTP/1.1\r\nHost: app\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n"


class Pipe:
    """A `Sink` that holds what comes, with the tunnel that it comes from; it reads on only while there is little to be read."""

    def __init__(self, tunnel: Tunnel) -> None:
        self.tunnel = tunnel
        self._data = bytearray()
        self._ended = False
        self._news = asyncio.Event()
        tunnel.attach(self)

    def on_data(self, data: bytes) -> None:
        self._data += data
        if len(self._data) > 100_000:
            self.tunnel.pause_reading()
        self._news.set()

    def on_end(self) -> None:
        assert not self._ended, "told once"
        self._ended = True
        self._news.set()

    def on_writable(self) -> None:
        self._news.set()

    async def read(self) -> bytes:
        """What came; b"" at the end."""
        while not self._data and not self._ended:
            self._news.clear()
            await self._news.wait()
        data = bytes(self._data)
        self._data.clear()
        self.tunnel.resume_reading()
        return data

    async def drain(self) -> None:
        while not self.tunnel.writable:
            self._news.clear()
            await self._news.wait()


async def open_tunnel(pool: UpstreamPool) -> Tunnel:
    response = await pool.send(OPENING, method="GET", upgrade=True)
    assert response.status == 101
    assert (b"Sec-WebSocket-Accept", b"x") in response.headers
    tunnel = response.take_over()
    response.release()  # which must not close what was taken over
    return tunnel


async def open_pipe(pool: UpstreamPool) -> Pipe:
    return Pipe(await open_tunnel(pool))


async def echo(peer: Peer) -> None:
    await peer.head()
    await peer.send(SWITCH)
    while data := await peer.reader.read(65536):
        await peer.send(data)


async def test_bytes_pass_both_ways(play: Make) -> None:
    pool, _ = await play(echo)
    pipe = await open_pipe(pool)
    tunnel = pipe.tunnel
    for data in (b"\x81\x05hello", b"HTTP/1.1 400 Bad\r\n\r\n", bytes(range(256)) * 1000):
        tunnel.write(data)
        await pipe.drain()
        received = b""
        while len(received) < len(data):
            received += await pipe.read()
        assert received == data
    tunnel.close()
    await until(lambda: pool.stats.tunnels == 0)


async def test_bytes_right_behind_the_head_come_first(play: Make) -> None:
    pool, _ = await play(once(SWITCH + b"early", b"later", then="close"))
    pipe = await open_pipe(pool)
    received = b""
    while data := await pipe.read():
        received += data
    assert received == b"earlylater"
    assert await pipe.read() == b""


async def test_an_interim_response_may_come_before(play: Make) -> None:
    pool, _ = await play(once(b"HTTP/1.1 103 Early Hints\r\n\r\n" + SWITCH + b"x"))
    assert await (await open_pipe(pool)).read() == b"x"


async def test_tunnels_take_no_slots(play: Make) -> None:
    pool, _ = await play(echo, max_connections=2)
    pipes = [await open_pipe(pool) for _ in range(10)]
    assert pool.stats == PoolStats(in_use=0, idle=0, waiting=0, tunnels=10)
    pipes[7].tunnel.write(b"x")
    assert await pipes[7].read() == b"x"
    await pool.close()
    assert pool.stats.tunnels == 0
    assert await pipes[7].read() == b""


async def test_the_upstream_may_refuse_with_an_ordinary_answer(play: Make) -> None:
    pool, upstream = await play(always(OK))
    response = await pool.send(OPENING, method="GET", upgrade=True)
    assert (response.status, await body_of(response)) == (200, b"hello")
    assert await fetch(pool, GET) == (200, b"hello")
    assert upstream.connections == 1


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(SWITCH.replace(b"WebSocket", b"h2c"), id="another-protocol"),
        pytest.param(SWITCH.replace(b"Upgrade: WebSocket\r\n", b""), id="no-protocol"),
        pytest.param(SWITCH.replace(b"Connection: upgrade\r\n", b""), id="no-connection-option"),
        pytest.param(SWITCH.replace(b"HTTP/1.1", b"HTTP/1.0"), id="http-1.0"),
    ],
)
async def test_a_switch_to_anything_else_is_invalid(play: Make, answer: bytes) -> None:
    pool, _ = await play(once(answer))
    with pytest.raises(UpstreamInvalid):
        await pool.send(OPENING, method="GET", upgrade=True)


async def test_an_end_from_the_client_reaches_the_upstream_which_may_still_talk(play: Make) -> None:
    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.send(SWITCH)
        assert await peer.rest() == b"question"
        await peer.send(b"answer")

    pool, _ = await play(script)
    pipe = await open_pipe(pool)
    tunnel = pipe.tunnel
    tunnel.write(b"question")
    tunnel.write_eof()
    assert await pipe.read() == b"answer"
    assert await pipe.read() == b""


async def test_an_end_from_the_upstream_leaves_it_listening(play: Make) -> None:
    heard: list[bytes] = []

    async def script(peer: Peer) -> None:
        await peer.head()
        await peer.send(SWITCH + b"bye")
        peer.half_close()
        heard.append(await peer.rest())

    pool, _ = await play(script)
    pipe = await open_pipe(pool)
    tunnel = pipe.tunnel
    assert (await pipe.read(), await pipe.read()) == (b"bye", b"")
    tunnel.write(b"you too")
    tunnel.close()
    await until(lambda: heard == [b"you too"])
    await until(lambda: pool.stats.tunnels == 0)


async def test_a_reset_is_an_end_that_can_be_told(play: Make) -> None:
    pool, _ = await play(once(SWITCH, b"x", then="reset"))
    pipe = await open_pipe(pool)
    tunnel = pipe.tunnel
    assert (await pipe.read(), await pipe.read()) == (b"x", b"")
    assert tunnel.reset


async def test_a_tunnel_that_nobody_takes_is_closed(play: Make) -> None:
    pool, _ = await play(echo)
    response = await pool.send(OPENING, method="GET", upgrade=True)
    response.release()
    await until(lambda: pool.stats == PoolStats(in_use=0, idle=0, waiting=0, tunnels=0))


async def test_both_sides_are_bounded(play: Make) -> None:
    sent = 0

    async def script(peer: Peer) -> None:
        nonlocal sent
        await peer.head()
        await peer.send(SWITCH)
        for _ in range(300):
            await peer.send(b"x" * 100_000)
            sent += 100_000
        peer.writer.transport.pause_reading()
        await asyncio.sleep(3600)

    pool, _ = await play(script)
    tunnel = await open_tunnel(pool)
    before = -1
    while sent != before:
        before = sent
        await asyncio.sleep(0.2)
    assert sent < 20_000_000
    pipe = Pipe(tunnel)
    received = 0
    while received < 30_000_000:
        received += len(await pipe.read())

    async def write_on() -> None:
        while True:
            tunnel.write(b"y" * 100_000)
            await pipe.drain()

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(write_on(), 0.5)
    assert tunnel._transport.get_write_buffer_size() <= pool.limits.high_water + 100_000
    tunnel.abort()
    await until(lambda: pool.stats.tunnels == 0)


async def test_over_tls(tmp_path: Path) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    async with ScriptedUpstream(echo, tls=context) as upstream:
        pool = UpstreamPool(upstream.address(scheme="https", ca_file=tmp_path / "ca.pem"))
        pipe = await open_pipe(pool)
        tunnel = pipe.tunnel
        tunnel.write(b"hello")
        assert await pipe.read() == b"hello"
        tunnel.write_eof()  # no half-closed state in TLS: closes
        assert await pipe.read() == b""
        await until(lambda: pool.stats.tunnels == 0)
        await pool.close()
