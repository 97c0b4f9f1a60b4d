"""Make load, and say what came of it: wrk where it is installed, our own generator elsewhere."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.machine import Cores
from tests.bench.shape import Shape

HERE = Path(__file__).parent
CHECKOUT = HERE.parents[1]


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a load saw. `bad` counts statuses of 400 and more, and connections that failed; `bytes` is what came back."""

    requests: int
    seconds: float
    bytes: int
    p50_ms: float
    p99_ms: float
    bad: int


class Load:
    """Makes load from the core that is set aside for it.

    Args:
        cores: Who has which core.
        folder: Where the cookies of a run are put for the other process.
        wrk: Where wrk is; None for our own generator.
    """

    def __init__(self, cores: Cores, folder: Path, *, wrk: str | None) -> None:
        self._cores, self._folder, self._wrk = cores, folder, wrk
        self.words = "wrk" if self._wrk else "our own generator, as wrk is not installed"

    def run(self, port: int, cookies: Sequence[str], shape: Shape, *, connections: int = 64, seconds: float = 3.0) -> Loaded:
        """Load a port for so long.

        Raises:
            RuntimeError: The generator failed; what it printed.
        """
        file = self._folder / "cookies"
        file.write_text("".join(f"{cookie}\n" for cookie in cookies))
        if self._wrk:
            return self._by_wrk(self._wrk, port, file, shape, connections, seconds)
        order = {"port": port, "cookies": str(file), "shape": dataclasses.asdict(shape), "connections": connections, "seconds": seconds}
        command = self._cores.for_load(sys.executable, "-m", "tests.bench.generator")
        return Loaded(**json.loads(_output(command, json.dumps(order))))

    def _by_wrk(self, wrk: str, port: int, file: Path, shape: Shape, connections: int, seconds: float) -> Loaded:
        asked = [f"{shape.rotating:d}", str(shape.areas), f"{shape.fresh:d}", str(shape.upload), shape.path, str(file), f"{shape.asks:d}"]
        length = f"{max(1, round(seconds))}s"  # wrk knows whole seconds only
        options = ["-t1", f"-c{connections}", f"-d{length}", "--timeout", "30s", "-s", str(HERE / "load.lua")]
        output = _output(self._cores.for_load(wrk, *options, f"http://127.0.0.1:{port}/", "--", *asked))
        found = re.search(r"^RESULT (.*)$", output, re.MULTILINE)
        if found is None:
            raise RuntimeError(output)
        return Loaded(**json.loads(found[1]))


def _output(command: list[str], stdin: str = "") -> str:
    ran = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, cwd=CHECKOUT)
    if ran.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {ran.returncode}:\n{ran.stdout}{ran.stderr}"[-4000:])
    return ran.stdout
