"""Processor time of the gateway for one proxied request of a signed-in user, beside a naive aiohttp proxy and, where installed, nginx.

The time of the process is read, not the clock on the wall, so that other work on the machine hardly matters. nginx checks nothing here.
argv: requests (default 20 000).
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from tests.bench._stage import Stage, stage, table
from tests.e2e.app_process import running
from tests.servers import free_port
from tests.wire import Connection

CONNECTIONS = 32
ROUNDS = 3
BROWSER = (
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0\r\nAccept: text/html,application/xhtml+xml;q=0.9,*/*;q=0.8\r\n"
    "Accept-Language: en-GB,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br\r\nX-Forwarded-User: mallory\r\nSec-Fetch-Mode: navigate\r\n"
)


async def load(port: int, head: str, count: int) -> float:
    """Send so many requests over some connections; requests a second."""
    left = count

    async def one_connection() -> None:
        nonlocal left
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while left > 0:
            left -= 1
            writer.write(f"GET /app/x?{left} HTTP/1.1\r\n{head}\r\n".encode())
            answer = await reader.readuntil(b"\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 200"), answer
            fields = answer.lower()
            if b"content-length: " in fields:
                await reader.readexactly(int(fields.split(b"content-length: ")[1].split(b"\r\n")[0]))
            else:
                while size := int((await reader.readline()).split(b";")[0], 16):
                    await reader.readexactly(size + 2)
                await reader.readline()
        writer.close()

    start = time.perf_counter()
    await asyncio.gather(*(one_connection() for _ in range(CONNECTIONS)))
    return count / (time.perf_counter() - start)


def cpu_s(pid: int) -> float:
    """Processor time of a process and its children."""
    everybody = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    return sum(times.user + times.system for times in (process.cpu_times() for process in everybody))


@contextlib.contextmanager
def nginx(app_port: int, folder: Path) -> Iterator[tuple[int, int] | None]:
    """nginx with a plain `proxy_pass`; its port and process id."""
    if (found := shutil.which("nginx")) is None:
        yield None
        return
    port = free_port()
    temporary = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    (folder / "nginx.conf").write_text(
        f"daemon off; pid {folder}/pid; worker_processes 1; events {{}} http {{ access_log off; {temporary} keepalive_requests 1000000;"
        f" upstream app {{ server 127.0.0.1:{app_port}; keepalive 64; }}"
        f" server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection ''; }} }} }}"
    )
    command = [found, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
    with running(command, port=port, log=folder / "nginx.log"):
        yield port, int((folder / "pid").read_text())


@contextlib.contextmanager
def naive(app_port: int, folder: Path) -> Iterator[tuple[int, int, str]]:
    """The naive proxy; its port, process id and a cookie."""
    port = free_port()
    command = [sys.executable, str(Path(__file__).with_name("_naive.py")), str(port), str(app_port)]
    with running(command, port=port, log=folder / "naive.log", ready="/enter"):
        with Connection(("127.0.0.1", port)) as connection:
            cookie = (
                connection.request(f"GET /enter HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()).all("set-cookie")[0].partition(";")[0]
            )
        pid = next(
            found.pid
            for found in psutil.process_iter(["cmdline"])
            if str(port) in (found.info["cmdline"] or []) and "_naive" in str(found.info["cmdline"])
        )
        yield port, pid, cookie


async def measure(at: Stage, count: int) -> list[tuple[object, ...]]:
    """All ways, in turn, several times; the best round of each."""
    folder = Path(tempfile.mkdtemp())
    port = int(at.url.rpartition(":")[2])
    signed_in = f"Host: 127.0.0.1:{port}\r\nCookie: {at.headers['Cookie']}\r\n{BROWSER}"
    try:
        with naive(at.app_port, folder) as (naive_port, naive_pid, naive_cookie), nginx(at.app_port, folder) as plain:
            ways = {
                "gateway": (port, at.process.pid, signed_in),
                "gateway, what only its general lane serves": (port, at.process.pid, f"{signed_in}Max-Forwards: 5\r\n"),
                "naive aiohttp proxy": (naive_port, naive_pid, f"Host: 127.0.0.1:{naive_port}\r\nCookie: {naive_cookie}\r\n{BROWSER}"),
            }
            if plain is not None:
                ways["nginx, which checks nothing"] = (*plain, f"Host: 127.0.0.1:{plain[0]}\r\n{BROWSER}")
            best: dict[str, tuple[float, float]] = {}
            for _ in range(ROUNDS):
                for name, (to, pid, head) in ways.items():
                    await load(to, head, 200)
                    before = cpu_s(pid)
                    rate = await load(to, head, count)
                    spent = (cpu_s(pid) - before) / count * 1e6
                    best[name] = min(best.get(name, (spent, rate)), (spent, rate))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return [(name, spent, f"{rate:.0f}") for name, (spent, rate) in best.items()]


def main() -> None:
    """Measure."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    with stage() as at:
        rows = asyncio.run(measure(at, count))
    table("Processor time per proxied request, 1 KiB answers", ("way", "CPU µs a request", "requests/s of this load generator"), rows)


if __name__ == "__main__":
    main()
