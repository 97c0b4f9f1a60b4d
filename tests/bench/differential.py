"""Made-up inputs through both lanes, as many as there is time for: `python tests/bench/differential.py [--inputs 100000] [--seed N]`.

Says the seed first, so that a run can be repeated, and ends with the first input whose outcomes differ, or with the figures.
"""

from __future__ import annotations

import argparse
import secrets
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from gateway.proxy.client.head import HeadLimits
from gateway.proxy.express.plain import PlainReader
from tests.differential.inputs import pipelines, scripts
from tests.differential.lanes import Pair, pair
from tests.differential.test_generated import END, check

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
        plain = done = 0
        try:
            while done < asked.inputs:
                count = min(ROUND, asked.inputs - done)
                plain += run(both, count, asked.seed + done)
                done += count
                took = time.monotonic() - begun
                print(f"{done} inputs, {plain} began with a plain request, {len(both.again)} tried again, {took:.0f} s", flush=True)
            assert not both.complaints(), both.complaints()[:5]
        finally:
            both.stop()
    print(f"{done} inputs, all outcomes equal (seed {asked.seed})")


def run(both: Pair, count: int, start: int) -> int:
    """One round; how many of its inputs began with a request that the express lane reads."""
    reader = PlainReader(lambda name: False, HeadLimits())
    plain = 0

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
        nonlocal plain
        pieces = data.draw(pipelines(both.cookies))
        check(both, pieces, data.draw(scripts()))
        plain += reader.read(b"".join(pieces).partition(END)[0] + END) is not None

    each()
    return plain


if __name__ == "__main__":
    main()
