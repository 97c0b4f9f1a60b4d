"""The door to Redis and Valkey."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from gateway.store.valkey import asking, close_valkey, open_valkey
from tests.servers import Valkey


async def test_a_question_that_is_cancelled_at_any_moment_is_cancelled(valkey_server: Valkey):
    """A limit that is lost is none, and a process that ends would wait for a task that goes on."""
    client = open_valkey(valkey_server.url, wait_s=5)

    async def question() -> None:
        async with asking(valkey_server.url, 5):
            await cast(Any, client.ping())

    await question()
    lost = []
    for turns in range(20):
        asked = asyncio.create_task(question())
        for _ in range(turns):
            await asyncio.sleep(0)
        if asked.cancel():
            await asyncio.wait([asked])
            lost += [] if asked.cancelled() else [turns]
    await close_valkey(client)
    assert lost == []
