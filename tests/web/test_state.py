"""The gateway of now is replaced in flight: a request keeps the one that it began with, which is closed after its last request."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.providers.chain import Chain
from gateway.providers.passwords import Passwords
from gateway.sessions.keys import KeyRing
from gateway.settings.load import load
from gateway.web.app import build_gateway
from gateway.web.state import Current, Gateway
from tests.gateway_process import USERS, configuration

WAIT_S = 10.0


class Listening:
    """A provider that says when it is closed."""

    id, name, fields = "people", "People", ()

    def __init__(self) -> None:
        self.closed = asyncio.Event()

    async def start(self) -> None: ...

    async def close(self) -> None:
        self.closed.set()


Made = tuple[Gateway, asyncio.Event]


@pytest.fixture
async def make(tmp_path: Path) -> Callable[..., Made]:
    """A gateway, and what is set when it was closed."""

    def made(*, app: int = 1) -> Made:
        (tmp_path / "gateway.toml").write_text(configuration({"app": app, "other": 2}))
        (tmp_path / "users.toml").write_text(USERS)
        keys = KeyRing.of(["a-test-secret-that-is-long-enough-for-anybody"])
        provider = Listening()
        gateway = build_gateway(load(tmp_path / "gateway.toml").settings, keys=keys)
        return replace(gateway, chain=Chain([provider], Passwords())), provider.closed

    return made


async def test_a_request_keeps_the_gateway_that_it_began_with(make: Callable[..., Made]) -> None:
    (old, old_closed), (new, new_closed) = make(), make()
    current = Current(old)
    with current.term as first, current.term as second:
        assert first is second is old
        current.replace(new)
        with current.term as third:
            assert third is new
        for _ in range(3):
            await asyncio.sleep(0.5)
            assert not old_closed.is_set()
    await asyncio.wait_for(old_closed.wait(), WAIT_S)
    assert not new_closed.is_set()
    await current.close()
    assert new_closed.is_set()


async def test_a_connection_in_use_counts_as_a_request(make: Callable[..., Made]) -> None:
    """The express lane has no request to count."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    (old, old_closed), (new, _) = make(app=server.sockets[0].getsockname()[1]), make()
    current = Current(old)
    connection = await old.pools["app"].acquire()
    current.replace(new)
    await asyncio.sleep(1.2)
    assert not old_closed.is_set()
    connection.abort()
    await asyncio.wait_for(old_closed.wait(), WAIT_S)
    await current.close()
    server.close()


async def test_the_end_waits_for_nobody(make: Callable[..., Made]) -> None:
    (old, old_closed), (new, new_closed) = make(), make()
    current = Current(old)
    with current.term:
        current.replace(new)
        await asyncio.sleep(0)
        await current.close()
        assert old_closed.is_set()
        assert new_closed.is_set()


async def test_a_reload_that_is_replaced_at_once_is_closed_too(make: Callable[..., Made]) -> None:
    made = [make() for _ in range(3)]
    current = Current(made[0][0])
    for gateway, _ in made[1:]:
        current.replace(gateway)
    await current.close()
    assert all(closed.is_set() for _, closed in made)
