"""From which of the listening sockets this process accepts: it can begin, stop and begin again without losing what waits in one.

The event loop is only ever given a duplicate. Closing that leaves the socket listening, and its queue as it is.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections.abc import Callable, Sequence

from gateway.web.log import event
from gateway.web.processes.sockets import BACKLOG, Listening

log = logging.getLogger(__name__)
_QUIET_S = 10.0
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
        self._last: set[asyncio.Task[object]] = set()

    async def accept(self, slots: frozenset[int]) -> None:
        """Accept from the sockets of these slots and from those without one; from no other."""
        wanted = {index for index, listening in enumerate(self._sockets) if listening.slot is None or listening.slot in slots}
        for index in wanted - self._servers.keys():
            self._servers[index] = await self._serve(self._sockets[index].sock)
        for index in self._servers.keys() - wanted:
            self._servers.pop(index).close()

    async def close(self) -> None:
        """Accept what waits, then close: whoever has connected to a socket of ours is answered. An inherited one is left as it is."""
        for server in self._servers.values():
            server.close()
        self._servers.clear()
        for listening in self._sockets:
            if not listening.inherited:
                self._accept_the_last(listening.sock)
            listening.sock.close()
        if self._last:
            await asyncio.wait(self._last)

    async def _serve(self, sock: socket.socket) -> asyncio.Server:
        loop = asyncio.get_running_loop()
        if sock.family == socket.AF_UNIX:
            return await loop.create_unix_server(self._make, sock=sock.dup(), backlog=BACKLOG)
        return await loop.create_server(self._make, sock=sock.dup(), backlog=BACKLOG)

    def _accept_the_last(self, sock: socket.socket) -> None:
        """Closing a listening socket resets what waits in it; nothing comes between the last look and the close but by a hair."""
        loop = asyncio.get_running_loop()
        sock.setblocking(False)
        while True:
            try:
                connection, _ = sock.accept()
            except OSError:
                return
            connection.setblocking(False)
            self._last.add(loop.create_task(loop.connect_accepted_socket(self._make, connection)))


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
