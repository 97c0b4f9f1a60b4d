"""Rounds: every target in turn, forwards and then backwards, so that a machine that warms up or slows down treats all alike."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from tests.bench.cpu import Watch, pss_bytes
from tests.bench.installed import NotInstalled
from tests.bench.load import Loaded
from tests.bench.peers import Peer, Target, check
from tests.bench.place import Place

OTHER = 0.1  # of a core: what others may take before a run counts as disturbed
TRIES = 2

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Sample:
    """One run of one target.

    Attributes:
        cpu_us, kernel_us: Processor time of its processes for one request, and the kernel's part of it, in microseconds.
        other: What others took meanwhile, as a share of a core.
    """

    cpu_us: float
    kernel_us: float
    requests: int
    rate: float
    p50_ms: float
    p99_ms: float
    bad: int
    pss_mb: float
    bytes: int
    cpu_s: float
    other: float

    def as_json(self) -> dict[str, float]:
        """All of it."""
        return dataclasses.asdict(self)


def say(text: str) -> None:
    """Tell who watches; tables go to the standard output."""
    print(text, file=sys.stderr, flush=True)


def sampled(at: Place, target: Target, run: Callable[[], Loaded]) -> Sample:
    """One run, once more if others disturbed it; the quieter one counts."""
    tries: list[Sample] = []
    while not tries or (tries[-1].other > OTHER and len(tries) < TRIES):
        tries.append(_one(at, target, run))
    best = min(tries, key=lambda sample: sample.other)
    again = f", {len(tries)} tries" if len(tries) > 1 else ""
    say(
        f"  {target.name:<12} {best.cpu_us:8.1f} µs {best.rate:8.0f}/s p99 {best.p99_ms:7.2f} ms bad {best.bad} other {best.other:.2f}{again}"
    )
    return best


def _one(at: Place, target: Target, run: Callable[[], Loaded]) -> Sample:
    with Watch(target.pid, ours=at.ours, cores=at.cores.watched) as watch:
        loaded = run()
    each = 1e6 / max(1, loaded.requests)
    return Sample(
        cpu_us=watch.spent.all_s * each, kernel_us=watch.spent.system_s * each, requests=loaded.requests,
        rate=loaded.requests / loaded.seconds, p50_ms=loaded.p50_ms, p99_ms=loaded.p99_ms, bad=loaded.bad,
        pss_mb=pss_bytes(target.pid) / 1e6, bytes=loaded.bytes, cpu_s=watch.spent.all_s, other=watch.other,
    )  # fmt: skip


def interleaved(names: Sequence[str], rounds: int, run: Callable[[str], T]) -> dict[str, list[T]]:
    """Run each name once a round; the results in the order of the rounds."""
    results: dict[str, list[T]] = {name: [] for name in names}
    for number in range(rounds):
        say(f"round {number + 1} of {rounds}")
        for name in names if number % 2 == 0 else reversed(names):
            results[name].append(run(name))
    return results


@contextlib.contextmanager
def targets(at: Place, peers: Sequence[Peer]) -> Iterator[Mapping[str, Target]]:
    """Start and check those that can be had here; why one can't is said."""
    with contextlib.ExitStack() as stack:
        started: dict[str, Target] = {}
        for peer in peers:
            try:
                started[peer.name] = stack.enter_context(peer.start(at))
            except NotInstalled as why:
                say(f"left out: {peer.name}: {why}")
                continue
            asyncio.run(check(started[peer.name]))
        yield started
