"""The listening sockets: bound here, or inherited from whoever started the gateway (systemd's socket activation).

With several processes each has a socket of its own on the same port (SO_REUSEPORT: the kernel deals connections out evenly). All of them
belong to the supervisor and are inherited by every worker, so a worker that dies closes none: what waits in the dead one's queue is
accepted by another. Where there is only one socket, a unix or an inherited one, all accept from it. (docs/adr/0008.)
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.core.errors import ConfigError
from gateway.core.problem import Problem
from gateway.settings.values.listen_address import ListenAddress
from gateway.web.processes.syn_filter import let_nobody_connect

BACKLOG = 4096


@dataclass(frozen=True, slots=True)
class Listening:
    """One listening socket.

    Attributes:
        slot: Which worker accepts from it; None: all of them.
        inherited: True if somebody else keeps it open and goes on listening when the gateway has gone.
        path: The unix socket's path if the gateway made it, and removes it at the end.
        made: That path's number and time (inodes are used again), so that the next gateway's socket is not taken for it.
    """

    sock: socket.socket
    slot: int | None = None
    inherited: bool = False
    path: str | None = None
    made: tuple[int, int] | None = None

    @property
    def url(self) -> str:
        """The bound address, as a person would write it."""
        name = self.sock.getsockname()
        if not isinstance(name, tuple):
            text = name.decode(errors="replace") if isinstance(name, bytes) else name
            return f"unix:{text}"
        host = f"[{name[0]}]" if ":" in name[0] else name[0]
        return f"http://{host}:{name[1]}"


async def bind(addresses: Iterable[ListenAddress], *, workers: int = 1, key: str = "server.listen") -> list[Listening]:
    """Bind and listen; from here on no connection is refused, though none is accepted yet.

    Args:
        workers: How many processes will share each address.
        key: The setting that names the addresses.

    Raises:
        ConfigError: An address can't be bound; all that were bound are closed again.
    """
    bound: list[Listening] = []
    for address in addresses:
        try:
            bound += [_bind_unix(address.path)] if address.path else await _bind_tcp(address, workers)
        except OSError as error:
            close(bound)
            what = f"nothing can listen there: {error.strerror or error}"
            raise ConfigError([Problem(key=key, value=str(address), what=what, cure=_cure(error, address))]) from error
    return bound


def _cure(error: OSError, address: ListenAddress) -> str:
    if isinstance(error, socket.gaierror):
        return "write an address of this machine, or a name that has one: 127.0.0.1, [::1], or 0.0.0.0 for all"
    match error.errno:
        case errno.EADDRINUSE:
            return "stop what uses the address, or choose another" + ("" if address.path else " (a port of 0 takes any free one)")
        case errno.EADDRNOTAVAIL:
            return "write an address of this machine: 127.0.0.1, [::1], or 0.0.0.0 for all"
        case errno.EACCES | errno.EPERM if not address.path:
            return "choose a port above 1023, or give the gateway the capability CAP_NET_BIND_SERVICE"
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return f"let the gateway's user write {Path(address.path).parent}, or choose another path"
        case errno.ENOENT | errno.ENOTDIR:
            return f"make the folder {Path(address.path).parent}, or choose another path"
    return "choose a shorter path" if address.path else "choose another address"


def close(sockets: Iterable[Listening]) -> None:
    """Close them, and remove the paths that were made for them."""
    for listening in sockets:
        listening.sock.close()
        _remove(listening)


def turn_away(sockets: Iterable[Listening]) -> None:
    """Let no new connection into their queues, in this process or any other; what is in them can still be accepted.

    The path of a unix socket is removed; the others drop what would open a connection. An inherited one is left as it is.
    """
    for listening in sockets:
        if listening.inherited:
            continue
        if listening.sock.family == socket.AF_UNIX:
            _remove(listening)
        else:
            let_nobody_connect(listening.sock)


def _remove(listening: Listening) -> None:
    """Remove a path that the gateway made, if that is still what is there: the next gateway may have made its own."""
    if listening.path is not None:
        with contextlib.suppress(OSError):
            if _identity(listening.path) == listening.made:
                Path(listening.path).unlink()


def urls(sockets: Sequence[Listening]) -> list[str]:
    """The addresses, each once."""
    return list(dict.fromkeys(listening.url for listening in sockets))


async def _bind_tcp(address: ListenAddress, workers: int) -> list[Listening]:
    found = await asyncio.get_running_loop().getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    bound: list[Listening] = []
    try:
        for family, _, protocol, _, name in dict.fromkeys(found):
            # Alone first, also where several will share it: two gateways on one port must not take turns unnoticed.
            first = _bound(family, protocol, name, shared=False)
            if workers == 1:
                bound.append(_listen(first))
                continue
            name = first.getsockname()  # with the port that was chosen
            first.close()
            bound += [_listen(_bound(family, protocol, name, shared=True), slot) for slot in range(workers)]
    except OSError:
        close(bound)
        raise
    return bound


def _bound(family: int, protocol: int, name: object, *, shared: bool) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM, protocol)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(name)  # type: ignore[arg-type]  # as getaddrinfo gave it
    except OSError:
        sock.close()
        raise
    return sock


def _listen(sock: socket.socket, slot: int | None = None) -> Listening:
    sock.setblocking(False)
    try:
        sock.listen(BACKLOG)
    except OSError:
        sock.close()
        raise
    return Listening(sock, slot)


def _bind_unix(path: str) -> Listening:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _remove_stale(path)
        sock.bind(path)
        made = _identity(path)
        sock.setblocking(False)
        sock.listen(BACKLOG)
    except OSError:
        sock.close()
        raise
    return Listening(sock, path=path, made=made)


def _identity(path: str) -> tuple[int, int]:
    found = Path(path).stat()
    return found.st_ino, found.st_mtime_ns


def _remove_stale(path: str) -> None:
    """Remove the socket of a process that has died, and no other: nobody answers at it."""
    try:
        if not stat.S_ISSOCK(Path(path).stat().st_mode):
            return
    except OSError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            Path(path).unlink()
