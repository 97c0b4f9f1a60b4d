"""What systemd and the gateway tell each other: the sockets that were opened for it, and how it is (sd_listen_fds(3), sd_notify(3)).

A few bytes to a datagram socket and three variables of the environment, so no library. Any other supervisor may speak the same.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import time
from collections.abc import MutableMapping
from dataclasses import dataclass

from gateway.core.errors import ConfigError
from gateway.core.problem import Problem
from gateway.web.log import event

log = logging.getLogger(__name__)
_FIRST = 3  # SD_LISTEN_FDS_START
ADMIN_NAME = "admin"


class Notifier:
    """Tells the service manager how the gateway is. Without one, every call does nothing.

    Args:
        address: A datagram socket; None: nobody listens. A name that begins with `@` is an abstract one.
        watchdog_s: How often the manager wants to hear that the gateway lives; None: it does not.
    """

    def __init__(self, address: str | None = None, watchdog_s: float | None = None) -> None:
        self._address = "\0" + address[1:] if address and address.startswith("@") else address
        self.watchdog_s = watchdog_s

    @classmethod
    def taken_from(cls, environment: MutableMapping[str, str]) -> Notifier:
        """Read the environment, and take it out there: it is not meant for the processes that the gateway starts."""
        address = environment.pop("NOTIFY_SOCKET", None)
        usec, pid = environment.pop("WATCHDOG_USEC", ""), environment.pop("WATCHDOG_PID", "")
        wanted = usec.isascii() and usec.isdigit() and int(usec) > 0 and pid in ("", str(os.getpid()))
        return cls(address if address and address[0] in "/@" else None, int(usec) / 1e6 if wanted else None)

    def ready(self) -> None:
        """It serves."""
        self._send("READY=1")

    def reloading(self) -> None:
        """A reload begins; it ends with `ready`. The manager wants to know by its clock which one."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """It drains."""
        self._send("STOPPING=1")

    async def keep_alive(self) -> None:
        """Say twice in each span of the watchdog that the event loop turns, until cancelled."""
        if self.watchdog_s is not None:
            while True:
                self._send("WATCHDOG=1")
                await asyncio.sleep(self.watchdog_s / 2)

    def _send(self, state: str) -> None:
        if not self._address:
            return
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
            sock.setblocking(False)  # a manager that does not read must not stop the event loop
            sock.sendto(state.encode(), self._address)


@dataclass(frozen=True, slots=True)
class Activated:
    """The sockets that were opened for the gateway.

    Attributes:
        public: They take the place of `server.listen`.
        admin: The one called "admin" takes the place of `server.admin_listen`.
    """

    public: tuple[socket.socket, ...] = ()
    admin: socket.socket | None = None


def activated(environment: MutableMapping[str, str]) -> Activated:
    """Take the sockets, and the variables that name them. Those for another process (`LISTEN_PID`) are left alone.

    Raises:
        ConfigError: Something else than a listening stream socket was passed.
    """
    pid, count, names = (environment.get(f"LISTEN_{key}", "") for key in ("PID", "FDS", "FDNAMES"))
    if pid != str(os.getpid()) or not (count.isascii() and count.isdigit()):
        return Activated()
    for key in ("PID", "FDS", "FDNAMES"):
        environment.pop(f"LISTEN_{key}", None)
    public: list[socket.socket] = []
    admin: socket.socket | None = None
    listed = names.split(":")
    for index in range(int(count)):
        sock = _listening(_FIRST + index)
        if index < len(listed) and listed[index] == ADMIN_NAME and admin is None:
            admin = sock
        else:
            public.append(sock)
    if public:
        event(log, "sockets-inherited", count=len(public), instead_of="server.listen")
    return Activated(tuple(public), admin)


def _listening(descriptor: int) -> socket.socket:
    try:
        os.set_inheritable(descriptor, False)
        sock = socket.socket(fileno=descriptor)
        if sock.type == socket.SOCK_STREAM and sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            sock.setblocking(False)
            return sock
        why = "it is no listening stream socket (Accept=yes, or a datagram socket)"
    except OSError as error:
        why = error.strerror or str(error)
    cure = "pass sockets as systemd does: ListenStream= and Accept=no in the socket unit"
    raise ConfigError([Problem(key="LISTEN_FDS", value=str(descriptor), what=f"a passed descriptor can't be used: {why}", cure=cure)])
