"""New connections don't wait behind busy ones."""

from __future__ import annotations

import asyncio
import socket

import uvloop

from gateway.web.processes.acceptors import Acceptors
from gateway.web.processes.sockets import BACKLOG, Listening

CLIENTS = 200
TURNS = 8  # of the loop: one to see that somebody is there, and one for each sixty-four


class Counted(asyncio.Protocol):
    """Counts who has connected."""

    made = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        Counted.made += 1


async def _accepted() -> int:
    """How many of those who wait are accepted within a few turns of the loop."""
    Counted.made = 0
    listening = socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
    acceptors = Acceptors([Listening(sock=listening, slot=None, inherited=False)], Counted)
    await acceptors.accept(frozenset())
    clients = [socket.create_connection(listening.getsockname()) for _ in range(CLIENTS)]
    for _ in range(TURNS):
        await asyncio.sleep(0)
    made = Counted.made
    for client in clients:
        client.close()
    await acceptors.close()
    return made


def test_all_that_wait_are_accepted_at_once_and_not_one_in_each_turn_of_the_loop():
    assert uvloop.run(_accepted()) == CLIENTS


def test_also_without_uvloop():
    assert asyncio.run(_accepted()) == CLIENTS
