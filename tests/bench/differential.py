"""Made-up inputs through both lanes, as many as there is time for: `python tests/bench/differential.py [--inputs 100000] [--seed N]`.

Says the seed first, so that a run can be repeated, and ends with the first input whose outcomes differ, or with the figures.
"""

from __future__ import annotations

import argparse
import secrets
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from gateway.proxy.client.head import HeadLimits
from gateway.proxy.client.plain import PlainReader
from tests.differential.inputs import pipelines, scripts
from tests.differential.lanes import Pair, pair
from tests.differential.test_generated import brings_a_body, check, first_head

ROUND = 2000  # hypothesis keeps what it tried, so a long run is many short ones


def main() -> None:
    """Run, and print figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=secrets.randbits(32))
    asked = parser.parse_args()
    print(f"seed {asked.seed}, {asked.inputs} inputs", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        both = pair(Path(folder))
        begun = time.monotonic()
        done = 0
        counts: Counter[str] = Counter()
        try:
            while done < asked.inputs:
                count = min(ROUND, asked.inputs - done)
                counts += run(both, count, asked.seed + done)
                done += count
                took = time.monotonic() - begun
                print(
                    f"{done} inputs, {counts['plain']} began with a plain request, {counts['uploads']} of them an upload, {len(both.again)} tried again, {took:.0f} s",
                    flush=True,
                )
            assert not both.complaints(), both.complaints()[:5]
        finally:
            both.stop()
    print(f"{done} inputs, all outcomes equal (seed {asked.seed})")


def run(both: Pair, count: int, start: int) -> Counter[str]:
    """One round; how many of its inputs began with a request that the express lane reads, and how many of these with an upload."""
    reader = PlainReader(lambda name: False, HeadLimits())
    counts: Counter[str] = Counter()

    @seed(start)
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(st.data())
    def each(data: st.DataObject) -> None:
        pieces = data.draw(pipelines(both.cookies))
        check(both, pieces, data.draw(scripts()))
        head = first_head(pieces)
        if reader.read(head) is not None:
            counts["plain"] += 1
            counts["uploads"] += brings_a_body(head)

    each()
    return counts


if __name__ == "__main__":
    main()
