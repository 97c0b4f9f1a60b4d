"""What runs out: descriptors, and whoever reads the log. Serving goes on, or comes back by itself."""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.gateway_process import GatewayProcess, configuration
from tests.recorder import Recorder
from tests.servers import free_port
from tests.wire import Answer, Connection, Ended

WAIT_S = 60.0
END_S = 20.0  # less than the drain limit: nothing holds it up
GET = b"GET /public/x HTTP/1.1\r\nHost: gateway.test\r\n\r\n"
BAD = b"GET /public/x HTTP/1.1\r\nHost: gateway.test\r\nHost: gateway.test\r\n\r\n"


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("connections", [60, 400])
def test_descriptors_that_run_out_come_back(connections: int, workers: int, tmp_path: Path, upstream: Recorder) -> None:
    """Fault matrix: 503 where possible, those who are connected are served on, and it recovers alone."""
    within = ("/bin/sh", "-c", 'ulimit -n 100 && exec "$@"', "sh")
    config = configuration({"app": upstream.port, "other": upstream.port}, server=f"workers = {workers}")
    gateway = GatewayProcess(tmp_path, config, within=within)
    try:
        with gateway.connect() as kept:
            assert kept.request(GET).status == 200
            crowd = [gateway.connect() for _ in range(connections)]
            waiting, heard = {connection.sock for connection in crowd}, b""
            while b"503" not in heard:  # where there is a descriptor to say it on; others see the end alone
                told, _, _ = select.select(waiting, [], [], WAIT_S)
                assert told, heard
                heard += b"".join(sock.recv(20) for sock in told)
                waiting -= set(told)
            assert kept.request(GET).status == 200
            for connection in crowd:
                connection.__exit__()
            end = time.monotonic() + WAIT_S
            while not _served(gateway):
                assert time.monotonic() < end, "it recovers alone"
                time.sleep(0.1)
            assert kept.request(GET).status == 200
        assert "connections-limited by=descriptors" in gateway.log
    finally:
        assert gateway.stop() == 0


def _served(gateway: GatewayProcess) -> bool:
    try:
        answer: Answer = gateway.request(GET)
    except (OSError, Ended):
        return False
    return answer.status == 200


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("pipe", ["full", "closed"])
def test_a_log_that_nobody_reads_stops_nothing(pipe: str, workers: int, tmp_path: Path, upstream: Recorder) -> None:
    """Fault matrix: lines are dropped and counted, the loop never waits, and the end is not held up either."""
    port, admin = free_port(), free_port()
    server = f'workers = {workers}\nadmin_listen = "127.0.0.1:{admin}"'
    text = configuration({"app": upstream.port, "other": upstream.port}, server=server, listen=f"127.0.0.1:{port}")
    (tmp_path / "gateway.toml").write_text(text)
    (tmp_path / "users.toml").write_text("")
    read, write = os.pipe()
    process = subprocess.Popen([sys.executable, "-m", "gateway", "run"], cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=write)
    try:
        _until_it_listens(port, process)
        _fill(write) if pipe == "full" else os.close(read)
        with Connection(("127.0.0.1", port)) as connection:
            for _ in range(20):
                assert connection.request(GET).status == 200
        for _ in range(50):
            with Connection(("127.0.0.1", port)) as connection:
                assert connection.request(GET.replace(b"public", b"private")).status in (302, 401)
        if pipe == "closed":
            end = time.monotonic() + WAIT_S
            while not _dropped(admin):  # the log is written by a thread of its own, and a worker is heard of later
                assert time.monotonic() < end
                time.sleep(0.1)
        process.terminate()
        assert process.wait(END_S) == 0
    finally:
        process.kill()
        process.wait()
        os.close(write)
        if pipe == "full":
            os.close(read)


def _dropped(admin: int) -> float:
    """How many lines were dropped, as the metrics say."""
    with Connection(("127.0.0.1", admin)) as connection:
        body = connection.request(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").body.decode()
    return float(next(line for line in body.splitlines() if line.startswith("gateway_log_lines_dropped_total")).split()[1])


def _fill(pipe: int) -> None:
    """Until not one byte more fits; the gateway's end of it blocks, as it did."""
    again = os.open(f"/proc/self/fd/{pipe}", os.O_WRONLY | os.O_NONBLOCK)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(again, b"x")
    os.close(again)


def _until_it_listens(port: int, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        assert process.poll() is None
        try:
            with Connection(("127.0.0.1", port)) as connection:
                if connection.request(GET).status == 200:
                    return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("it does not listen")
