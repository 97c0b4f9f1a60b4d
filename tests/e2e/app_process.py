"""Apps that nobody here wrote, started in processes of their own and awaited on their port."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.wire import Connection, Ended, Malformed

START_S = 60.0
CHECKOUT = Path(__file__).parents[2]


@contextlib.contextmanager
def running(
    command: list[str], *, port: int, log: Path, ready: str = "/", env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run an app until the block ends, and give its process; `ready` is a path that it answers, with whatever status below 500."""
    leash = ["setpriv", "--pdeathsig", "KILL", "--"] if shutil.which("setpriv") else []
    environment = os.environ | {"PYTHONPATH": str(CHECKOUT)} | dict(env or {})
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*leash, *command], stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment, cwd=cwd, start_new_session=True
        )
    try:
        until = time.monotonic() + START_S
        while not _answers(port, ready):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.1)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


def _answers(port: int, path: str) -> bool:
    try:
        with Connection(("127.0.0.1", port), timeout=5) as connection:
            return connection.request(f"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n".encode()).status < 500
    except (OSError, Ended, Malformed):
        return False
