"""Whether the cost stays flat as routes and sessions become many."""

from __future__ import annotations

import contextlib
import statistics
import time
from collections.abc import Callable, Sequence

from tests.bench.load import Loaded
from tests.bench.modes.options import Options
from tests.bench.peers import GATEWAY, Target, gateway
from tests.bench.place import Place
from tests.bench.ratios import spread
from tests.bench.report import Table
from tests.bench.rounds import Sample, interleaved, sampled, say, targets
from tests.bench.sessions import minted
from tests.bench.shape import Shape

ROUTES = (1, 100, 10_000)
SESSIONS = (1, 1_000, 100_000)
WARM_S = 1.0
FIRST_SEEN_A_SECOND = 2500
START_S = 120.0
GOAL = "flat within 10 %"


def routes(at: Place, options: Options) -> Sequence[Table]:
    """The same requests to gateways that differ in the number of their routes; with the most of them, also to one route only, the last."""
    counts = [options.count(count) if count > 100 else count for count in ROUTES]
    notes: list[str] = []
    with contextlib.ExitStack() as stack:
        running: dict[str, tuple[Target, Shape]] = {}
        for count in counts:
            start = time.monotonic()
            try:
                started = stack.enter_context(gateway.process(at, f"routes-{count}", routes=_routes(count), start_s=START_S))
            except AssertionError:
                notes.append(f"With {count:,} routes the gateway did not start within {START_S:.0f} s.")
                say(notes[-1])
                break
            notes.append(f"With {count:,} routes it started in {time.monotonic() - start:.1f} s.")
            target = Target(f"{count} routes", "", started.address[1], started.process.pid, tuple(minted(8)))
            running[f"{count:,}, all asked in turn"] = (target, Shape(areas=count, path="/items"))
            last = f"{count:,}, the last one asked", (target, Shape(path=f"/area{count - 1}/items"))
        running[last[0]] = last[1]
        results = _compared(at, options, running)
    return [_table("routes", "Routes", results, *notes)]


def _routes(count: int) -> str:
    return "\n".join(
        f'[[routes]]\npath = "/area{number}/**"\naccess = "signed-in"\nupstream = "app"'
        + ('\nroles = ["admin"]' if number % 10 == 9 else "")
        for number in range(count)
    )


def sessions(at: Place, options: Options) -> Sequence[Table]:
    """So many people, each in turn: nobody comes twice before all others have come."""
    counts = [options.count(count) if count > 1_000 else count for count in SESSIONS]
    cookies = list(minted(counts[-1]))
    with targets(at, [GATEWAY]) as started:
        target = started["gateway"]
        running: dict[str, tuple[Target, Shape]] = {}
        for count in counts:
            known = Target(f"{count} people", "", target.port, target.pid, tuple(cookies[:count]))
            running[f"{count:,}, in turn"] = (known, Shape())
        results = _compared(at, options, running)
    note = "In turn is the worst order for a memory that is bounded: with more people than it holds, each is forgotten before coming back."
    return [_table("sessions", "Sessions", results, note)]


def _compared(at: Place, options: Options, running: dict[str, tuple[Target, Shape]]) -> dict[str, list[Sample]]:
    def load(key: str, seconds: float) -> Callable[[], Loaded]:
        target, shape = running[key]
        return lambda: at.load.run(target.port, target.cookies, shape, seconds=seconds)

    for key, (target, _) in running.items():
        seen = 0
        while seen < len(target.cookies):  # who comes for the first time is another mode's affair
            seen += load(key, max(WARM_S, len(target.cookies) / FIRST_SEEN_A_SECOND))().requests
    return interleaved(list(running), options.fewer(3), lambda key: sampled(at, running[key][0], load(key, options.seconds)))


def _table(name: str, title: str, results: dict[str, list[Sample]], *notes: str) -> Table:
    medians = {key: statistics.median(sample.cpu_us for sample in samples) for key, samples in results.items()}
    rows = [
        (key, median, f"{(median / min(medians.values()) - 1) * 100:+.0f} %", statistics.median(sample.p99_ms for sample in results[key]),
         statistics.median(sample.pss_mb for sample in results[key]), sum(sample.bad for sample in results[key]))
        for key, median in medians.items()
    ]  # fmt: skip
    grown = f"From the cheapest to the dearest: {spread(list(medians.values())) * 100:.0f} % (goal: {GOAL})."
    raw = {"samples": {key: [sample.as_json() for sample in samples] for key, samples in results.items()}}
    return Table(name, title, (name, "CPU µs a request", "over the cheapest", "p99 ms", "PSS MB", "bad"), rows, (grown, *notes), raw)
