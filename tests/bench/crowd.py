"""Who uses the gateway in a soak: the many who ask and post, and those who are slow, impatient or gone. Each is one endless coroutine.

They leave as soon as `World.over` is set, and count what became of each thing that they did.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import itertools
import json
import math
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from urllib.parse import urlencode

from tests.bench.client import Answer, Client, Failed, get, post
from tests.bench.sessions import minted
from tests.bench.websocket_client import echoes
from tests.gateway_process import PASSWORDS

FRESH_S = 30.0  # half of what sessions live in a soak


@dataclass(slots=True)
class World:
    """What all know.

    Attributes:
        port: The gateway's.
        over: Set when everybody should leave.
        counted: (who, what became of it) → how often.
    """

    port: int
    over: asyncio.Event = field(default_factory=asyncio.Event)
    counted: collections.Counter[tuple[str, str]] = field(default_factory=collections.Counter)

    _cookies: tuple[str, ...] = ()
    _minted_at: float = -math.inf

    @property
    def cookies(self) -> tuple[str, ...]:
        """Some sessions, none of them old."""
        if time.monotonic() - self._minted_at > FRESH_S:
            self._cookies, self._minted_at = tuple(minted(32)), time.monotonic()
        return self._cookies

    def cookie(self) -> str:
        """Somebody's."""
        return f"Cookie: {random.choice(self.cookies)}"

    @property
    def origin(self) -> str:
        """What a browser would say."""
        return f"Origin: http://127.0.0.1:{self.port}"

    async def pause(self, seconds: float) -> None:
        """Rest for about so long, or until all is over."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.over.wait(), random.uniform(0.5, 1.5) * seconds)


Person = Callable[[World], Awaitable[str]]


async def _asked(world: World, client: Client, request: bytes) -> str:
    try:
        return str((await client.ask(request, timeout=40)).status)
    except Failed:
        return "cut off"


def reader() -> Person:
    """Asks for pages, on a connection that is kept."""
    client: Client | None = None

    async def go(world: World) -> str:
        nonlocal client
        client = client or Client(world.port)
        return await _asked(world, client, get(f"/app/items/{random.randrange(100)}", world.port, world.cookie()))

    return go


def writer() -> Person:
    """Posts something small or large."""

    async def go(world: World) -> str:
        client = Client(world.port)
        body = b"u" * random.choice((10, 1_000, 100_000))
        try:
            return await _asked(world, client, post("/app/items", world.port, body, world.cookie(), world.origin))
        finally:
            client.close()

    return go


def stranger() -> Person:
    """Has no session, a broken one, or asks for a service that is down."""
    broken = "Cookie: authjs.session-token=" + "x" * 300
    kinds = itertools.cycle((("/app/items",), ("/app/items", broken), ("/down/x",)))

    async def go(world: World) -> str:
        path, *lines = next(kinds)
        client = Client(world.port, fresh=True)
        try:
            return await _asked(world, client, get(path, world.port, *(lines or ([world.cookie()] if path == "/down/x" else []))))
        finally:
            client.close()

    return go


def member() -> Person:
    """Signs in, looks at the session, signs out."""

    async def go(world: World) -> str:
        client = Client(world.port, keep_body=True)
        try:
            jar: dict[bytes, bytes] = {}
            token = json.loads(_kept(jar, await client.ask(get("/api/auth/csrf", world.port))).body)["csrfToken"]
            fields = {"username": "ada", "password": PASSWORDS["ada"], "csrfToken": token}
            _kept(jar, await client.ask(_form(world, "callback/credentials", fields, jar)))
            session = await client.ask(get("/api/auth/session", world.port, _cookies(jar)))
            out = _kept(jar, await client.ask(_form(world, "signout", {"csrfToken": token}, jar)))
            return f"{out.status}" if b"Ada" in session.body else "not signed in"
        except Failed:
            return "cut off"
        finally:
            client.close()

    return go


def _form(world: World, action: str, fields: dict[str, str], jar: dict[bytes, bytes]) -> bytes:
    lines = (_cookies(jar), world.origin, "Content-Type: application/x-www-form-urlencoded")
    return post(f"/api/auth/{action}", world.port, urlencode(fields).encode(), *lines)


def _kept(jar: dict[bytes, bytes], answer: Answer) -> Answer:
    for line in answer.all(b"set-cookie"):
        name, _, value = line.partition(b";")[0].partition(b"=")
        jar[name] = value
    return answer


def _cookies(jar: dict[bytes, bytes]) -> str:
    return "Cookie: " + "; ".join(f"{name.decode()}={value.decode()}" for name, value in jar.items() if value)


def talker() -> Person:
    """Opens WebSockets, talks a little, and leaves without a word."""

    async def go(world: World) -> str:
        found = await echoes(world.port, world.cookies[:3], sockets=3, seconds=0.05)
        if found.bad:
            return "lost"
        return "echoed" if found.requests else "left before the first echo"

    return go


def listener() -> Person:
    """Listens to events, mostly not to the end."""

    async def go(world: World) -> str:
        client = Client(world.port)
        try:
            answer = await client.ask(get("/app/events", world.port, world.cookie()), timeout=random.choice((0.5, 2, 20)))
            return str(answer.status)
        except Failed:
            return "left"
        finally:
            client.close()

    return go


def downloader() -> Person:
    """Takes all five megabytes."""

    async def go(world: World) -> str:
        client = Client(world.port)
        try:
            return await _asked(world, client, get("/app/big", world.port, world.cookie()))
        finally:
            client.close()

    return go


def snail() -> Person:
    """Sends its head a few bytes at a time, or reads its answer so."""

    async def go(world: World) -> str:
        reader, writer = await asyncio.open_connection("127.0.0.1", world.port, limit=4096)
        request = get("/app/items", world.port, world.cookie())
        with contextlib.suppress(OSError):
            for start in range(0, len(request), 60):
                writer.write(request[start : start + 60])
                await asyncio.sleep(0.05)
            while await asyncio.wait_for(reader.read(100), 10):
                await asyncio.sleep(0.02)
                if reader.at_eof():
                    break
        writer.transport.abort()
        return "done"

    async def patient(world: World) -> str:
        try:
            return await go(world)
        except TimeoutError:
            return "nothing more came"

    return patient


def ghost() -> Person:
    """Vanishes: in its head, in its body, or in the middle of a download."""

    async def go(world: World) -> str:
        _, writer = await asyncio.open_connection("127.0.0.1", world.port)
        half = random.choice(
            (
                get("/app/items", world.port, world.cookie())[:60],
                post("/app/items", world.port, b"u" * 5000, world.cookie(), world.origin)[:-2500],
                get("/app/big", world.port, world.cookie()),
            )
        )
        writer.write(half)
        await asyncio.sleep(random.uniform(0, 0.5))
        writer.transport.abort()
        return "gone"

    return go


#: Who, how many of them, and how many seconds each rests between two things it does.
CROWD: tuple[tuple[str, Callable[[], Person], int, float], ...] = (
    ("reader", reader, 6, 0.8),
    ("writer", writer, 2, 1.0),
    ("stranger", stranger, 2, 1.0),
    ("member", member, 2, 2.0),
    ("talker", talker, 2, 5.0),
    ("listener", listener, 3, 1.0),
    ("downloader", downloader, 1, 10.0),
    ("snail", snail, 3, 1.0),
    ("ghost", ghost, 3, 1.0),
)


async def _live(world: World, name: str, person: Person, rest_s: float) -> None:
    while not world.over.is_set():
        try:
            outcome = await person(world)
        except OSError as error:
            outcome = type(error).__name__
        world.counted[name, outcome] += 1
        await world.pause(rest_s)


async def crowd(world: World) -> None:
    """All of them, until it is over."""
    await asyncio.gather(*(_live(world, name, make(), rest_s) for name, make, count, rest_s in CROWD for _ in range(count)))
