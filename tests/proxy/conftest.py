"""Upstream tests run on asyncio's own event loop and on uvloop, which the gateway uses where it is installed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio
import uvloop

from gateway.proxy.upstream.limits import UpstreamLimits
from gateway.proxy.upstream.pool import UpstreamPool
from tests.proxy.scripted import Script, ScriptedUpstream

#: Short enough for tests, long enough for a busy machine.
LIMITS = UpstreamLimits(connect_s=5, response_head_s=5, body_idle_s=5, wait_s=5, idle_s=5)

Make = Callable[..., Awaitable[tuple[UpstreamPool, ScriptedUpstream]]]


def pytest_asyncio_loop_factories(config: pytest.Config, item: pytest.Item) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    if item.path.name.startswith("test_client"):
        return {"asyncio": asyncio.new_event_loop}
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest_asyncio.fixture
async def play() -> AsyncIterator[Make]:
    """Start a scripted upstream and a pool in front of it; further keywords are limits."""
    async with AsyncExitStack() as stack:

        async def make(script: Script, *, upstream: dict[str, Any] | None = None, **limits: Any) -> tuple[UpstreamPool, ScriptedUpstream]:
            scripted = await stack.enter_async_context(ScriptedUpstream(script, **(upstream or {})))
            pool = UpstreamPool(scripted.address(), replace(LIMITS, **limits))
            stack.push_async_callback(pool.close)
            return pool, scripted

        yield make
