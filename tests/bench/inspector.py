"""What the flow inspector costs: the same requests with `[inspector]` off and on, in turns.

    python -m tests.bench.inspector --rounds 5 --seconds 3

Requests per second, and processor time for each, which other people's work on the machine disturbs less. The median of each is compared.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from tests.bench.cpu import Watch
from tests.bench.peers.gateway import ROUTES, process
from tests.bench.place import Place, place
from tests.bench.sessions import minted
from tests.bench.shape import Shape
from tests.gateway_process import GatewayProcess

ON = ROUTES + '[inspector]\nenabled = true\nroles = ["admin"]\n'
WARM_S = 1.0
SHAPES = {"the same page again": Shape(rotating=False), "a thousand pages, a hundred people": Shape()}


@dataclass(frozen=True, slots=True)
class Sample:
    """One run."""

    rate: float
    cpu_us: float


def measure(at: Place, gateway: GatewayProcess, cookies: Sequence[str], shape: Shape, seconds: float) -> Sample:
    """One run.

    Raises:
        RuntimeError: A request failed.
    """
    with Watch(gateway.process.pid, ours=at.ours, cores=frozenset()) as watch:
        loaded = at.load.run(gateway.address[1], cookies, shape, seconds=seconds)
    if loaded.bad:
        raise RuntimeError(f"{loaded.bad} of {loaded.requests} requests failed")
    return Sample(loaded.requests / loaded.seconds, 1e6 * watch.spent.all_s / loaded.requests)


def compare(rounds: int, seconds: float) -> None:
    """Measure, and print a line for each kind of request.

    Each round has processes of its own: where one happens to lie in memory makes up to a tenth of what it costs, for as long as it lives.
    """
    found: dict[tuple[str, str], list[Sample]] = {(words, name): [] for words in SHAPES for name in ("off", "on")}
    cookies = list(minted(100))
    with place() as at:
        for number in range(rounds):
            with contextlib.ExitStack() as stack:
                routes = {"off": ROUTES, "on": ON}
                gateways = {name: stack.enter_context(process(at, f"{name}-{number}", routes=routes[name])) for name in routes}
                for words, shape in SHAPES.items():
                    for name in sorted(gateways, reverse=bool(number % 2)):
                        asked = cookies if shape.rotating else cookies[:1]
                        measure(at, gateways[name], asked, shape, WARM_S)
                        found[words, name].append(measure(at, gateways[name], asked, shape, seconds))
    for words in SHAPES:
        rate = {name: statistics.median(sample.rate for sample in found[words, name]) for name in ("off", "on")}
        cpu = {name: statistics.median(sample.cpu_us for sample in found[words, name]) for name in ("off", "on")}
        print(
            f"{words}: off {rate['off']:,.0f} requests/s, on {rate['on']:,.0f} ({rate['on'] / rate['off'] - 1:+.1%}); "
            f"processor time off {cpu['off']:.1f} µs, on {cpu['on']:.1f} µs ({cpu['on'] / cpu['off'] - 1:+.1%})"
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0)
    compare(**vars(parser.parse_args()))
