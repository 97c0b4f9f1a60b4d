"""Promise 60: whoever could connect is answered; nobody comes between the last look into a queue and its closing."""

from __future__ import annotations

import asyncio
import errno
import select
import socket
from pathlib import Path

import pytest

from gateway.settings.values.listen_address import ListenAddress
from gateway.web.processes import sockets
from gateway.web.processes.acceptors import Acceptors
from gateway.web.processes.sockets import Listening

WAIT_S = 20.0


class Answers(asyncio.Protocol):
    """Says one word to whoever connects."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(b"word")
        transport.close()


async def _bound(path: str = "", *, host: str = "127.0.0.1", inherited: bool = False) -> Listening:
    (listening,) = await sockets.bind([ListenAddress(path=path) if path else ListenAddress(host=host, port=0)])
    return Listening(listening.sock, inherited=inherited, path=listening.path, made=listening.made)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_who_waits_is_answered_and_who_comes_later_is_refused(host: str) -> None:
    listening = await _bound(host=host)
    name = listening.sock.getsockname()
    acceptors = Acceptors([listening], Answers)
    with socket.create_connection(name[:2], timeout=WAIT_S) as waits, socket.socket(listening.sock.family) as late:
        acceptors.turn_away()
        late.setblocking(False)
        assert late.connect_ex(name) == errno.EINPROGRESS
        assert not select.select([], [late], [], 0.05)[1], "not let in, and not told anything yet"
        await acceptors.close()
        assert await asyncio.to_thread(waits.recv, 9) == b"word"
        assert await asyncio.to_thread(select.select, [], [late], [], WAIT_S) == ([], [late], [])
        assert late.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNREFUSED


async def test_a_unix_socket_has_no_path_any_more(tmp_path: Path) -> None:
    listening = await _bound(str(tmp_path / "s"))
    acceptors = Acceptors([listening], Answers)
    with socket.socket(socket.AF_UNIX) as waits, socket.socket(socket.AF_UNIX) as late:
        waits.connect(listening.path)
        acceptors.turn_away()
        with pytest.raises(FileNotFoundError):
            late.connect(listening.path)
        await acceptors.close()
        assert await asyncio.to_thread(waits.recv, 9) == b"word"


async def test_the_path_of_the_next_gateway_is_left_alone(tmp_path: Path) -> None:
    old = await _bound(str(tmp_path / "s"))
    old.sock.close()  # as a gateway that died: the path is free for the next one
    new = await _bound(str(tmp_path / "s"))
    sockets.turn_away([old])
    sockets.close([old])
    assert Path(new.path or "").is_socket()
    sockets.close([new])
    assert not Path(new.path or "").exists()


@pytest.mark.parametrize("whose", ["somebody else keeps it", "other workers go on"])
async def test_a_socket_that_others_have_still_lets_everybody_in(whose: str) -> None:
    listening = await _bound(inherited=whose.startswith("somebody"))
    name, others = listening.sock.getsockname(), listening.sock.dup()
    acceptors = Acceptors([listening], Answers)
    if listening.inherited:
        acceptors.turn_away()
    await acceptors.close()
    with others, socket.create_connection(name, timeout=WAIT_S):
        others.settimeout(WAIT_S)
        others.accept()[0].close()
