"""Measure the gateway side by side with its peers: `make bench`, or `python -m tests.bench --help`."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path

from tests.bench import docs
from tests.bench.machine import Cores, allow_descriptors, described
from tests.bench.modes import MODES, Options
from tests.bench.peers import PEERS
from tests.bench.place import place
from tests.bench.report import Table
from tests.bench.rounds import say


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two rounds of one second, and a tenth of everything large")
    parser.add_argument(
        "--mode", "--only", action="append", choices=sorted(MODES), metavar="MODE", help=f"of: {' '.join(MODES)}; repeatable"
    )
    parser.add_argument("--peers", help=f"a list with commas, of: {' '.join(PEERS)}; default: all that can be had")
    parser.add_argument("--rounds", type=int, help="of each target; default 5")
    parser.add_argument("--seconds", type=float, help="of each run; default 3")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every single run there")
    parser.add_argument("--chart", type=Path, metavar="FILE.svg", help="draw the rotating requests there")
    parser.add_argument("--docs", action="store_true", help="write the tables and the chart into docs/benchmarks.md")
    arguments = parser.parse_args()
    unknown = set((arguments.peers or "").split(",")) - {"", *PEERS}
    if unknown:
        parser.error(f"no such peer: {', '.join(sorted(unknown))}; there are: {', '.join(PEERS)}")
    if arguments.chart and arguments.mode and "rotating" not in arguments.mode:
        parser.error("--chart draws the rotating requests: add --mode rotating")
    return arguments


def options(arguments: argparse.Namespace) -> Options:
    """What a run was asked for."""
    quick = arguments.quick
    return Options(
        peers=tuple(arguments.peers.split(",")) if arguments.peers else tuple(PEERS),
        rounds=arguments.rounds or (2 if quick else 5),
        seconds=arguments.seconds or (1.0 if quick else 3.0),
        scale=0.1 if quick else 1.0,
    )


def measured(modes: Sequence[str], asked: Options) -> list[Table]:
    """The tables of these modes; each is printed as soon as it is there."""
    tables: list[Table] = []
    with place() as at:
        for mode in modes:
            say(f"== {mode}")
            for table in MODES[mode](at, asked):
                print(table.markdown(), flush=True)
                tables.append(table)
    return tables


def main() -> None:
    """Measure, print, write."""
    arguments = parsed()
    allow_descriptors()
    machine = described(Cores.of())
    when = time.strftime("%Y-%m-%d", time.gmtime())
    print(f"{machine}; {when}\n")
    tables = measured(arguments.mode or list(MODES), options(arguments))
    if arguments.json:
        found = {"machine": machine, "tables": {table.name: {"rows": list(table.rows), **table.raw} for table in tables}}
        arguments.json.write_text(json.dumps(found, indent=1) + "\n")
    rotating = next((table for table in tables if table.name == "rotating"), None)
    if arguments.chart and rotating:
        arguments.chart.write_text(docs.chart(rotating))
    if arguments.docs:
        docs.write(tables, f"{when}: {machine}.", list(MODES))


if __name__ == "__main__":
    main()
