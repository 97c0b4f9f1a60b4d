"""SIGTERM drains: what is in flight is finished, uploads too; idle connections close; the exit status is 0 (promise 60)."""

from __future__ import annotations

import signal
import socket
import subprocess
import threading
import time

import pytest

from tests.gateway_process import GatewayProcess
from tests.recorder import Exchange, Recorder
from tests.web.raw.conftest import Start

WAIT_S = 15.0


def refuses(gateway: GatewayProcess) -> bool:
    """True once nobody listens any more."""
    until = time.monotonic() + WAIT_S
    while time.monotonic() < until:
        try:
            socket.create_connection(gateway.address, timeout=1).close()
        except ConnectionRefusedError:
            return True
        except OSError:
            pass
        time.sleep(0.02)
    return False


def test_an_upload_in_flight_is_finished(start: Start, upstream: Recorder) -> None:
    gateway = start()
    with gateway.connect() as connection:
        connection.send(b"POST /public/x HTTP/1.1\r\nHost: gateway.test\r\nContent-Length: 10\r\n\r\nhello")
        upstream.wait_for()
        gateway.signal(signal.SIGTERM)
        assert refuses(gateway)
        connection.send(b"world")
        answer = connection.answer("POST")
        assert (answer.status, answer.body) == (200, b"recorded")
        assert connection.ends()
    assert upstream.only().body == b"helloworld"
    assert gateway.wait() == 0


def test_a_download_in_flight_is_finished(start: Start, upstream: Recorder) -> None:
    go_on = threading.Event()

    def script(exchange: Exchange) -> None:
        exchange.read_body()
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
        assert go_on.wait(WAIT_S)
        exchange.send(b"world")

    upstream.script = script
    gateway = start()
    with gateway.connect() as connection:
        connection.send(b"GET /public/x HTTP/1.1\r\nHost: gateway.test\r\n\r\n")
        answer = connection.head()
        gateway.signal(signal.SIGTERM)
        assert refuses(gateway)
        go_on.set()
        connection.body(answer)
        assert answer.body == b"helloworld"
        assert connection.ends()
    assert gateway.wait() == 0


def test_idle_connections_close_and_the_end_is_quick(start: Start, upstream: Recorder) -> None:
    gateway = start()
    fresh, used = gateway.connect(), gateway.connect()
    with fresh, used:
        assert used.request(b"GET /public/x HTTP/1.1\r\nHost: gateway.test\r\n\r\n").status == 200
        gateway.signal(signal.SIGTERM)
        assert used.ends()
        assert fresh.ends()
    assert gateway.wait(WAIT_S) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_second_signal_cuts_what_hangs(number: int, start: Start, upstream: Recorder) -> None:
    upstream.script = lambda exchange: (exchange.left(60), exchange.close())[1]
    gateway = start()
    with gateway.connect() as connection:
        connection.send(b"GET /stream/x HTTP/1.1\r\nHost: gateway.test\r\n\r\n")
        upstream.wait_for()
        gateway.signal(number)
        assert refuses(gateway)
        gateway.signal(number)
        assert gateway.wait(WAIT_S) == 0


def test_the_drain_has_an_end(start: Start, upstream: Recorder) -> None:
    upstream.script = lambda exchange: (exchange.left(60), exchange.close())[1]
    gateway = start(limits={"drain": "1s"})
    with gateway.connect() as connection:
        connection.send(b"GET /stream/x HTTP/1.1\r\nHost: gateway.test\r\n\r\n")
        upstream.wait_for()
        gateway.signal(signal.SIGTERM)
        assert gateway.wait(WAIT_S) == 0


def test_sessions_survive_a_restart(start: Start, upstream: Recorder) -> None:
    """Fault matrix, SIGKILL: state is in cookies and keys."""
    first = start()
    cookie = first.sign_in("ada")
    first.process.kill()
    first.process.wait(WAIT_S)
    first.process.returncode = 0  # it was killed on purpose; the fixture looks for an orderly end
    second = start()
    assert second.get("/private/x", f"Cookie: {cookie}").status == 200
    assert upstream.only().one("X-Forwarded-User") == "ada"


def test_an_address_that_is_taken_is_said_and_nothing_listens(start: Start, gateway: GatewayProcess) -> None:
    with pytest.raises(AssertionError, match=r"exit status 78"):
        start(listen=f"127.0.0.1:{gateway.address[1]}")
    with pytest.raises(subprocess.TimeoutExpired):
        gateway.wait(0.01)
