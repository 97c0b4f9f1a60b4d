"""What a message over a WebSocket costs there and back."""

from __future__ import annotations

import dataclasses
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path

import uvloop

from tests.bench.modes.options import Options
from tests.bench.place import Place
from tests.bench.report import Table
from tests.bench.rounds import Sample, interleaved, sampled, targets
from tests.bench.websocket_client import PAYLOAD, echoes
from tests.e2e.app_process import running
from tests.servers import free_port

SOCKETS = 64
APP = Path(__file__).parents[1] / "echo_app.py"


def websocket(at: Place, options: Options) -> Sequence[Table]:
    """Echo round trips, 64 sockets at once, each with one message under way."""
    port = free_port()
    with running(at.cores.for_load(sys.executable, str(APP), str(port)), port=port, log=at.folder / "echo.log") as app:
        behind = dataclasses.replace(at, upstream=port, ours=(*at.ours, app.pid))
        with targets(behind, options.chosen("gateway", "general", "nginx", "caddy")) as started:

            def one(name: str) -> Sample:
                target = started[name]
                return sampled(
                    behind, target, lambda: uvloop.run(echoes(target.port, target.cookies, sockets=SOCKETS, seconds=options.seconds))
                )

            results = interleaved(list(started), options.fewer(3), one)
    rows = [
        (name, *(statistics.median(getattr(sample, of) for sample in samples) for of in ("cpu_us", "kernel_us", "rate", "p99_ms")),
         sum(sample.bad for sample in samples))
        for name, samples in results.items()
    ]  # fmt: skip
    raw = {"samples": {key: [sample.as_json() for sample in samples] for key, samples in results.items()}}
    columns = ("target", "CPU µs a round trip", "of it kernel", "seen/s", "p99 ms", "lost")
    return [Table("websocket", f"WebSocket, {SOCKETS} sockets, echo of {PAYLOAD} bytes", columns, rows, (), raw)]
