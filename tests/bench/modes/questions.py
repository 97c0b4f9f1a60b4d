"""Forward-auth: what the gateway's answer to a proxy's question costs, beside what Caddy takes to proxy a request that nobody checks."""

from __future__ import annotations

import contextlib
import statistics
from collections.abc import Sequence

from tests.bench.modes.options import Options
from tests.bench.peers import PEERS, Target, gateway
from tests.bench.peers.peer import PEOPLE
from tests.bench.place import Place
from tests.bench.ratios import paired
from tests.bench.report import Table
from tests.bench.rounds import Sample, interleaved, sampled, targets
from tests.bench.sessions import minted
from tests.bench.shape import Shape

WARM_S = 1.0
GOAL = 3


def questions(at: Place, options: Options) -> Sequence[Table]:
    """Questions as Caddy asks them, to both lanes; and whole requests through Caddy and nginx."""
    with contextlib.ExitStack() as stack:
        asked: dict[str, tuple[Target, Shape]] = {}
        for name, express in (("at once", True), ("general lane", False)):
            running = stack.enter_context(gateway.process(at, f"asked-{express}", express=express, proxies=True))
            asked[name] = Target(name, "", running.address[1], running.process.pid, tuple(minted(PEOPLE))), Shape(asks=True)
        proxying = stack.enter_context(targets(at, [PEERS[name] for name in ("caddy", "nginx")]))
        asked |= {f"{name} proxies": (target, Shape()) for name, target in proxying.items()}

        def one(key: str, seconds: float = options.seconds) -> Sample:
            target, shape = asked[key]
            return sampled(at, target, lambda: at.load.run(target.port, target.cookies, shape, seconds=seconds))

        for key in asked:
            one(key, WARM_S)
        results = interleaved(list(asked), options.rounds, one)
    ours = [sample.cpu_us for sample in results["at once"]]
    rows = [
        (name, *(statistics.median(getattr(sample, of) for sample in samples) for of in ("cpu_us", "kernel_us", "p99_ms")),
         f"{paired(ours, [sample.cpu_us for sample in samples]):.2f}x", sum(sample.bad for sample in samples))
        for name, samples in results.items()
    ]  # fmt: skip
    note = f"A question at once against a request through Caddy: goal {GOAL}x. The proxy that asks is not charged."
    raw = {"samples": {key: [sample.as_json() for sample in samples] for key, samples in results.items()}}
    columns = ("what", "CPU µs", "of it kernel", "p99 ms", "answers at once, per core, are", "bad")
    return [Table("questions", "Forward-auth: questions of a proxy", columns, rows, (note,), raw)]
