"""What a cookie costs that was never seen before: the gateway alone, each request with a session of its own."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from tests.bench.load import Loaded
from tests.bench.modes.options import Options
from tests.bench.peers import GATEWAY
from tests.bench.place import Place
from tests.bench.ratios import paired
from tests.bench.report import Table
from tests.bench.rounds import Sample, interleaved, sampled, targets
from tests.bench.sessions import minted
from tests.bench.shape import Shape

GOAL_US = 15.0
WARM_S = 1.0


def first_seen(at: Place, options: Options) -> Sequence[Table]:
    """Eight known sessions in turn, against as many new ones as there are requests."""
    serial = 0
    with targets(at, [GATEWAY]) as running:
        gateway = running["gateway"]
        known = at.load.run(gateway.port, gateway.cookies, Shape(), seconds=WARM_S)
        # One that must open each cookie is slower than this, so there are enough of them.
        enough = math.ceil(known.requests / known.seconds * options.seconds * 1.3)

        def one(kind: str) -> Sample:
            def run() -> Loaded:
                nonlocal serial
                if kind == "known":
                    return at.load.run(gateway.port, gateway.cookies, Shape(), seconds=options.seconds)
                serial += 1  # also when a disturbed run is made once more: the gateway knows the cookies of the first
                return at.load.run(gateway.port, list(minted(enough, prefix=f"new-{serial}")), Shape(), seconds=options.seconds)

            return sampled(at, gateway, run)

        results = interleaved(["known", "new"], options.rounds, one)
    known_us, new_us = ([sample.cpu_us for sample in results[kind]] for kind in ("known", "new"))
    dearer = (paired(known_us, new_us) - 1) * min(known_us)
    ran_out = sum(sample.requests > enough for sample in results["new"])
    rows = [
        (words, statistics.median(sample.cpu_us for sample in results[kind]), sum(sample.bad for sample in results[kind]))
        for kind, words in (("known", "known sessions"), ("new", "a session never seen before, each time"))
    ]
    notes = [
        f"A first-seen cookie is {dearer:.1f} µs dearer (goal: at most {GOAL_US:.0f}): the median of the rounds' own ratios, at the cheapest round."
    ]
    if ran_out:
        notes.append(f"In {ran_out} runs there were more requests than new cookies: those runs flatter.")
    raw = {"dearer_us": dearer, "samples": {kind: [sample.as_json() for sample in samples] for kind, samples in results.items()}}
    return [Table("first-seen", "Cookies seen for the first time", ("cookies", "CPU µs a request", "bad"), rows, notes, raw)]
