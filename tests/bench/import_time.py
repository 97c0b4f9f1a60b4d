"""How long the quick commands take to be imported: best of some fresh interpreters, in milliseconds. The goal for --help is 150."""

from __future__ import annotations

import subprocess
import sys
import time

ROUNDS = 7
COMMANDS = (["--help"], ["--version"], ["keys", "new"], ["check", "--help"])


def measure(code: str, *arguments: str) -> float:
    """The best time of a fresh interpreter, whole."""
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", code, *arguments], stdout=subprocess.DEVNULL, check=True)
        times.append(time.perf_counter() - start)
    return min(times) * 1000


def main() -> None:
    """Print a table."""
    bare = measure("pass")
    print("| command | ms, whole process | ms over a bare interpreter |\n| --- | --- | --- |")
    print(f"| python -c pass | {bare:.0f} | 0 |")
    for command in COMMANDS:
        took = measure("from gateway.cli.main import main; main()", *command)
        print(f"| gateway {' '.join(command)} | {took:.0f} | {took - bare:.0f} |")


if __name__ == "__main__":
    main()
