"""From which of the listening sockets this process accepts: it can begin, stop and begin again without losing what waits in one.

The event loop is only ever given a duplicate. Closing that leaves the socket listening, and its queue as it is.

uvloop accepts one connection in a turn of the loop (libuv does since 1.45). Where a turn is long, because a thousand connections are busy,
new ones would wait for seconds; so whatever waits behind one that was accepted is taken in the same turn.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections.abc import Callable, Sequence

from gateway.web.log import event
from gateway.web.processes.sockets import BACKLOG, Listening, turn_away

log = logging.getLogger(__name__)
_QUIET_S = 10.0
_AT_ONCE = 64  # accepted in one turn of the loop: the others' requests are due, too
_NONE_LEFT = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class Acceptors:
    """All that one process accepts from.

    Args:
        sockets: Every listening socket that the process has.
        make: Gives the protocol of a new connection.
    """

    def __init__(self, sockets: Sequence[Listening], make: Callable[[], asyncio.Protocol]) -> None:
        self._sockets = sockets
        self._make = make
        self._servers: dict[int, asyncio.Server] = {}
        self._opening: set[asyncio.Task[None]] = set()
        self._looking: set[int] = set()

    async def accept(self, slots: frozenset[int]) -> None:
        """Accept from the sockets of these slots and from those without one; from no other."""
        wanted = {index for index, listening in enumerate(self._sockets) if listening.slot is None or listening.slot in slots}
        for index in wanted - self._servers.keys():
            self._servers[index] = await self._serve(index, self._sockets[index].sock)
        for index in self._servers.keys() - wanted:
            self._servers.pop(index).close()

    def turn_away(self) -> None:
        """See `sockets.turn_away`; what waits is still accepted."""
        turn_away(self._sockets)

    async def close(self) -> None:
        """Accept what waits, then close: whoever has connected to a socket of ours is answered. An inherited one is left as it is."""
        for server in self._servers.values():
            server.close()
        self._servers.clear()
        for listening in self._sockets:
            if not listening.inherited:
                self._accept_the_last(listening.sock)
            listening.sock.close()
        if self._opening:
            await asyncio.wait(self._opening)

    async def _serve(self, index: int, sock: socket.socket) -> asyncio.Server:
        loop = asyncio.get_running_loop()

        def make() -> asyncio.Protocol:
            if index not in self._looking:
                self._looking.add(index)
                loop.call_soon(self._look, index)
            return self._make()

        if sock.family == socket.AF_UNIX:
            return await loop.create_unix_server(make, sock=sock.dup(), backlog=BACKLOG)
        return await loop.create_server(make, sock=sock.dup(), backlog=BACKLOG)

    def _look(self, index: int) -> None:
        """Accept what waits behind a connection that was just accepted; if that is much, the rest in the next turn."""
        if index in self._servers and self._accept_waiting(self._sockets[index].sock, _AT_ONCE):
            asyncio.get_running_loop().call_soon(self._look, index)
        else:
            self._looking.discard(index)

    def _accept_the_last(self, sock: socket.socket) -> None:
        """The last process that closes a listening socket resets what waits in it."""
        while self._accept_waiting(sock, _AT_ONCE):
            pass

    def _accept_waiting(self, sock: socket.socket, most: int) -> bool:
        """Accept so many at the most; True if more may wait."""
        loop = asyncio.get_running_loop()
        sock.setblocking(False)
        for _ in range(most):
            try:
                connection = sock.accept()[0]
            except OSError:
                return False
            connection.setblocking(False)
            if connection.family != socket.AF_UNIX:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            task = loop.create_task(self._open(connection))
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)
        return True

    async def _open(self, connection: socket.socket) -> None:
        try:
            await asyncio.get_running_loop().connect_accepted_socket(self._make, connection)
        except OSError:
            connection.close()  # the client is gone already


class NoDescriptors:
    """An exception handler of the loop: accepting that fails for want of descriptors is one line now and then; all else is as usual."""

    def __init__(self) -> None:
        self._quiet_until = 0.0

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        """See the class."""
        error = context.get("exception")
        if not (isinstance(error, OSError) and error.errno in _NONE_LEFT):
            loop.default_exception_handler(context)
        elif loop.time() >= self._quiet_until:
            self._quiet_until = loop.time() + _QUIET_S
            event(log, "out-of-descriptors", level=logging.ERROR, error=error.strerror)
