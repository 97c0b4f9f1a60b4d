"""A listener with the express lane between real sockets, its upstream a script; what goes to the general lane is written down."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, cast

from gateway.core.errors import UpstreamError
from gateway.proxy.client.head import HeadLimits, Refusal
from gateway.proxy.client.limits import ClientLimits
from gateway.proxy.client.listener import Listener
from gateway.proxy.client.plain import PlainReader
from gateway.proxy.client.transport import ClientTransport
from gateway.proxy.express.lane import ExpressLane
from gateway.proxy.express.ports import Pass, Terms
from gateway.proxy.heads import is_rebuilt
from gateway.proxy.upstream.address import UpstreamAddress
from gateway.proxy.upstream.pool import UpstreamPool
from tests.proxy.conftest import LIMITS
from tests.proxy.scripted import Script, ScriptedUpstream, until

GET = b"GET /t HTTP/1.1\r\nHost: a.test\r\n\r\n"
#: A head that the express lane leaves.
ODD = b"GET /odd HTTP/1.1\r\nHost: a.test\r\nVia: 1.1 x\r\n\r\n"
#: The general lane's answer to it ends the connection, so that nobody has to wait for silence.
LAST = b"GET /last HTTP/1.1\r\nHost: a.test\r\nVia: 1.1 x\r\nConnection: close\r\n\r\n"
MEGABYTE = b"m" * (1 << 20)
ONE_READ = 256 * 1024  # bytes that the event loop reads at once at the most


class GeneralLane(asyncio.Protocol):
    """Stands for the general lane: answers every head with what it was handed. Whatever holds a request line is a head to it, so smuggled ones show."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(ClientTransport, transport)

    def data_received(self, data: bytes) -> None:
        connection = self._transport.connection
        self._site.general.append(data)
        if b" HTTP/1.1\r\n" not in data:
            return
        self._site.faults.append(connection.fault)
        self._site.refusals.append(connection.body_refusal)
        assert connection.head is not None
        text = b"general " + connection.head.target
        last = connection.last_request or connection.body_pending
        end = b"Connection: close\r\n" if last else b""
        self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n%b\r\n%b" % (len(text), end, text))
        (connection.close if last else connection.answered)()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport.connection.close()


class Yes:
    """A judge that lets everybody pass."""

    def __init__(self, pool: UpstreamPool, *, private: bool, max_body: int) -> None:
        terms = Terms(pool=pool, host="a.test", opening=b"Host: a.test\r\n", private=private, streaming=False, max_body=max_body)
        self._pass = Pass(terms, cookie=b"", identity=b"X-Forwarded-User: ada\r\n")

    def judge(self, method: bytes, path: bytes, host: bytes, cookie: bytes | None, data: bytes) -> Pass | None:
        return self._pass


@dataclass
class Site:
    listener: Listener
    pool: UpstreamPool
    upstream: ScriptedUpstream
    port: int
    faults: list[UpstreamError | None] = field(default_factory=list)
    refusals: list[Refusal | None] = field(default_factory=list)
    general: list[bytes] = field(default_factory=list)
    cut: list[UpstreamError] = field(default_factory=list)

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def get(self, *requests: bytes) -> bytes:
        """Send all of it at once; everything that comes until the connection ends, without the answer to `LAST`."""
        reader, writer = await self.connect()
        writer.write(b"".join(requests) + LAST)
        data = b""
        with contextlib.suppress(ConnectionError):
            while piece := await asyncio.wait_for(reader.read(1 << 16), 10):
                data += piece
        writer.close()
        if data.endswith(b"general /last"):
            for told in (self.faults, self.refusals, self.general):
                told.pop()
            return data.rpartition(b"HTTP/1.1 200 OK")[0]
        return data


@asynccontextmanager
async def site(
    script: Script,
    *,
    client: ClientLimits | None = None,
    private: bool = True,
    max_body: int = 0,
    proxied: bool = False,
    address: UpstreamAddress | None = None,
    **limits: Any,
) -> AsyncIterator[Site]:
    async with AsyncExitStack() as stack:
        upstream = await stack.enter_async_context(ScriptedUpstream(script))
        pool = UpstreamPool(address or upstream.address(), replace(LIMITS, **limits))
        stack.push_async_callback(pool.close)
        made = Site(cast(Listener, None), pool, upstream, 0)
        made.listener = Listener(
            client or ClientLimits(),
            lambda: GeneralLane(made),
            make_proxied=(lambda: GeneralLane(made)) if proxied else None,
            may_be_ours=lambda target: target != b"/t",
        )
        made.listener.express = ExpressLane(
            PlainReader(is_rebuilt, HeadLimits()),
            Yes(pool, private=private, max_body=max_body),
            scheme="http",
            owns_cookie=lambda name: name == "ours",
            believes=lambda address: False,
            on_cut=made.cut.append,
        )
        server = await asyncio.get_running_loop().create_server(made.listener, "127.0.0.1", 0)
        stack.callback(server.close)
        made.port = server.sockets[0].getsockname()[1]
        made.listener.start()
        stack.push_async_callback(made.listener.drain, 0)
        yield made


async def settled(count: Any) -> None:
    """Wait until a count has begun, and stands still."""
    await until(count)
    last = -1
    while count() != last:
        last = count()
        await asyncio.sleep(0.3)
