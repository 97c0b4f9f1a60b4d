"""How long the quick commands take, from the shell and back: mostly what they import."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence

from tests.bench.modes.options import Options
from tests.bench.place import Place
from tests.bench.report import Table

GOAL_MS = 150
COMMANDS = (("--help",), ("--version",), ("keys", "new"), ("check", "--help"))


def commands(at: Place, options: Options) -> Sequence[Table]:
    """The best of some fresh interpreters each."""
    rounds = options.rounds + 2
    bare = _best(rounds, at, "pass")
    rows = [("a bare interpreter", bare, 0.0)]
    for command in COMMANDS:
        took = _best(rounds, at, "from gateway.cli.main import main; main()", *command)
        rows.append((f"gateway {' '.join(command)}", took, took - bare))
    note = f"The goal for `gateway --help` is {GOAL_MS} ms."
    return [Table("commands", "Commands", ("command", "ms, whole process", "ms over a bare interpreter"), rows, (note,))]


def _best(rounds: int, at: Place, code: str, *arguments: str) -> float:
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        subprocess.run(at.cores.for_proxy(sys.executable, "-c", code, *arguments), stdout=subprocess.DEVNULL, check=True)
        times.append(time.perf_counter() - start)
    return min(times) * 1000
