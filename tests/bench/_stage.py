"""What all benches share: a gateway, an app behind it, somebody signed in, a table at the end. Loopback only; everything stops by itself."""

from __future__ import annotations

import contextlib
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.e2e.app_process import running
from tests.gateway_process import GatewayProcess, configuration
from tests.servers import free_port

ROUTES = """
[[routes]]
path = "/app/**"
access = "signed-in"
upstream = "app"
max_body = 0
streaming = true
[[routes]]
path = "/**"
access = "signed-in"
upstream = "app"
"""
MIB = 1024 * 1024


@dataclass(frozen=True)
class Stage:
    """The processes, and how to talk to them.

    Attributes:
        url: The gateway's address.
        headers: What makes a client ADA.
        process: The gateway, for its memory and its time.
        app_port: Where the app itself listens, to compare with.
    """

    url: str
    headers: dict[str, str]
    process: psutil.Process
    app_port: int
    gateway: GatewayProcess

    def rss(self) -> int:
        """Bytes of memory of the gateway."""
        return int(self.process.memory_info().rss)

    def cpu_s(self) -> float:
        """Seconds of processor time of the gateway, user and system."""
        times = self.process.cpu_times()
        return float(times.user + times.system)


@contextlib.contextmanager
def stage(*, limits: dict[str, str | int] | None = None, users: str | None = None) -> Iterator[Stage]:
    """Set the stage."""
    port, front_port = free_port(), free_port()
    app = [sys.executable, str(Path(__file__).with_name("_upstream.py")), str(port)]
    with tempfile.TemporaryDirectory() as name, running(app, port=port, log=Path(name) / "app.log"):
        address = f"127.0.0.1:{front_port}"
        defaults: dict[str, str | int] = {"connections_per_address": 5000, "upstream_connections": 2000}
        config = configuration(
            {"app": port}, routes=ROUTES, listen=address, public_url=f"http://{address}", limits=defaults | (limits or {})
        )
        gateway = GatewayProcess(Path(name) / "gateway", config, **({} if users is None else {"users": users}))
        try:
            headers = {"Cookie": gateway.sign_in("ada"), "Origin": gateway.origin}
            yield Stage(gateway.origin, headers, psutil.Process(gateway.process.pid), port, gateway)
        finally:
            gateway.stop()


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share of the values stays below."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print Markdown."""
    print(f"\n### {title}\n")
    print("| " + " | ".join(columns) + " |")
    print("|" + " --- |" * len(columns))
    for row in rows:
        print("| " + " | ".join(f"{cell:.1f}" if isinstance(cell, float) else str(cell) for cell in row) + " |")
