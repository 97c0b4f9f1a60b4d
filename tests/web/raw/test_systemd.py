"""What systemd and the gateway tell each other, with a real notify socket, and with sockets passed as systemd passes them."""

from __future__ import annotations

import contextlib
import re
import signal
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gateway_process import GatewayProcess, configuration
from tests.recorder import Recorder
from tests.web.raw.steady import steady
from tests.wire import Connection

WAIT_S = 60.0
GET = b"GET /public/x HTTP/1.1\r\nHost: gateway.test\r\n\r\n"
#: Does what systemd does between fork and exec: the descriptors from 3 on, and the variables with the process's own id.
ACTIVATE = """
import os, sys
descriptors, names, *command = sys.argv[1:]
numbers = [int(number) for number in descriptors.split(",")]
high = [os.dup2(number, 100 + index) for index, number in enumerate(numbers)]
for index, number in enumerate(high):
    os.dup2(number, 3 + index)
    os.close(number)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(len(numbers)), "LISTEN_FDNAMES": names}
os.execv(command[0], command)
"""


def listening(family: int = socket.AF_INET, address: object = ("127.0.0.1", 0)) -> socket.socket:
    sock = socket.socket(family)
    sock.bind(address)
    sock.listen(512)
    return sock


class Manager:
    """The socket that a service manager reads, and what was written there."""

    def __init__(self, address: str) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(address)
        self.sock.settimeout(WAIT_S)

    def hears(self) -> str:
        return self.sock.recv(4096).decode()


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Manager, str]]:
    name = str(tmp_path / "notify")
    made = Manager(name if request.param == "path" else f"\0{name}")
    yield made, name if request.param == "path" else f"@{name}"
    made.sock.close()


@contextlib.contextmanager
def running(folder: Path, upstream: Recorder, *, server: str = "", **how: object) -> Iterator[GatewayProcess]:
    gateway = GatewayProcess(folder, configuration({"app": upstream.port, "other": upstream.port}, server=server), **how)
    try:
        yield gateway
    finally:
        assert gateway.stop() == 0


@contextlib.contextmanager
def activated(folder: Path, upstream: Recorder, sockets: dict[str, socket.socket], *, server: str = "") -> Iterator[GatewayProcess]:
    numbers = tuple(sock.fileno() for sock in sockets.values())
    within = (sys.executable, "-c", ACTIVATE, ",".join(map(str, numbers)), ":".join(sockets))
    with running(folder, upstream, server=server, within=within, pass_fds=numbers) as gateway:
        yield gateway


@pytest.mark.parametrize("workers", [1, 2])
def test_a_service_manager_hears_of_start_reload_and_end(
    workers: int, manager: tuple[Manager, str], tmp_path: Path, upstream: Recorder
) -> None:
    listener, address = manager
    with running(tmp_path / "g", upstream, server=f"workers = {workers}", environment={"NOTIFY_SOCKET": address}) as gateway:
        assert listener.hears() == "READY=1"
        assert gateway.request(GET).status == 200
        before = time.monotonic_ns() // 1000
        gateway.signal(signal.SIGHUP)
        begun = re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=(\d+)", listener.hears())
        assert begun and before <= int(begun[1]) <= time.monotonic_ns() // 1000
        assert listener.hears() == "READY=1"
        gateway.signal(signal.SIGTERM)
        assert listener.hears() == "STOPPING=1"


def test_a_refused_reload_is_over_as_well(tmp_path: Path, upstream: Recorder) -> None:
    listener = Manager(str(tmp_path / "notify"))
    with listener.sock, running(tmp_path / "g", upstream, environment={"NOTIFY_SOCKET": str(tmp_path / "notify")}) as gateway:
        assert listener.hears() == "READY=1"
        (tmp_path / "g" / "gateway.toml").write_text("nonsense = 1")
        gateway.signal(signal.SIGHUP)
        assert listener.hears().startswith("RELOADING=1")
        assert listener.hears() == "READY=1", "it serves on, as before"


def test_the_watchdog_hears_that_the_loop_turns(tmp_path: Path, upstream: Recorder) -> None:
    listener = Manager(str(tmp_path / "notify"))
    environment = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "400000"}
    with listener.sock, running(tmp_path / "g", upstream, environment=environment):
        assert [listener.hears() for _ in range(4)] == ["READY=1", "WATCHDOG=1", "WATCHDOG=1", "WATCHDOG=1"]


@pytest.mark.parametrize(
    "environment",
    [
        pytest.param({"NOTIFY_SOCKET": "/nowhere/at/all"}, id="a-socket-that-is-not-there"),
        pytest.param({"NOTIFY_SOCKET": "nonsense"}, id="no-address"),
        pytest.param({"NOTIFY_SOCKET": "/tmp/x", "WATCHDOG_USEC": "soon"}, id="no-number"),
        pytest.param({"LISTEN_FDS": "2", "LISTEN_PID": "1"}, id="sockets-of-another-process"),
        pytest.param({"LISTEN_FDS": "many", "LISTEN_PID": ""}, id="no-count"),
    ],
)
def test_what_is_not_meant_for_it_changes_nothing(environment: dict[str, str], tmp_path: Path, upstream: Recorder) -> None:
    with running(tmp_path, upstream, environment=environment) as gateway:
        assert gateway.request(GET).status == 200


@pytest.mark.parametrize("workers", [1, 2])
def test_passed_sockets_take_the_place_of_the_addresses(workers: int, tmp_path: Path, upstream: Recorder) -> None:
    public, admin = listening(), listening()
    path = tmp_path / "u"
    unix = listening(socket.AF_UNIX, str(path))
    sockets = {"gateway": public, "admin": admin, "unix": unix}
    with public, admin, unix, activated(tmp_path / "g", upstream, sockets, server=f"workers = {workers}") as gateway:
        assert gateway.address == public.getsockname()
        assert gateway.request(GET).status == 200
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(WAIT_S)
            client.connect(str(path))
            client.sendall(GET)
            assert client.recv(100).startswith(b"HTTP/1.1 200")
        with Connection(admin.getsockname()) as client:
            assert client.request(b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n").status == 200
    assert path.exists(), "it is not the gateway's to remove"


@pytest.mark.parametrize("workers", [1, 2])
def test_a_restart_behind_a_passed_socket_loses_no_request(workers: int, tmp_path: Path, upstream: Recorder) -> None:
    """Promise 60: new connections and kept ones, while one instance ends and the next begins."""
    with listening() as public, contextlib.ExitStack() as stack:
        load = None
        for number in range(3):
            with activated(tmp_path / str(number), upstream, {"gateway": public}, server=f"workers = {workers}") as gateway:
                load = load or stack.enter_context(steady(public.getsockname(), GET, kept=2, fresh=3))
                assert gateway.request(GET).status == 200
                answered = load.answers
                end = time.monotonic() + WAIT_S
                while load.answers < answered + 100:
                    assert time.monotonic() < end
                    time.sleep(0.02)
        with activated(tmp_path / "last", upstream, {"gateway": public}):
            load.go_on = False
            stack.close()
        assert (load.failures, load.refused) == ([], 0)


def test_a_passed_descriptor_that_does_not_listen_is_a_problem(tmp_path: Path, upstream: Recorder) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wrong:
        wrong.bind(("127.0.0.1", 0))
        with pytest.raises(AssertionError, match=r"exit status 78") as told, activated(tmp_path, upstream, {"gateway": wrong}):
            pass
    assert "LISTEN_FDS" in str(told.value)
    assert "Accept=no" in str(told.value)


def test_a_socket_for_both_families_names_an_ipv4_client_as_any_other_does(tmp_path: Path, upstream: Recorder) -> None:
    """`ListenStream=8080` is such a socket. All of IPv4 would be one address otherwise, and share what one may have (promise 54)."""
    both = socket.socket(socket.AF_INET6)
    both.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    both.bind(("::", 0))
    both.listen(512)
    port = both.getsockname()[1]
    config = configuration({"app": upstream.port, "other": upstream.port}, limits={"connections_per_address": 1})
    within = (sys.executable, "-c", ACTIVATE, str(both.fileno()), "gateway")
    gateway = GatewayProcess(tmp_path, config, within=within, pass_fds=(both.fileno(),))
    try:
        with contextlib.ExitStack() as stack:
            for address in ("127.0.0.1", "127.0.0.2"):
                client = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=WAIT_S, source_address=(address, 0)))
                client.sendall(GET)
                assert client.recv(65536).startswith(b"HTTP/1.1 200")
        assert [request.all("X-Forwarded-For") for request in upstream.requests] == [["127.0.0.1"], ["127.0.0.2"]]
    finally:
        assert gateway.stop() == 0
        both.close()
