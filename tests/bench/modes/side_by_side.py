"""The table that matters: the same requests through the gateway and all its peers, processor time per request first."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from tests.bench.modes.options import Options
from tests.bench.place import Place
from tests.bench.ratios import best, paired
from tests.bench.report import Cell, Table
from tests.bench.rounds import OTHER, Sample, interleaved, sampled, say, targets
from tests.bench.shape import Shape

WARM_S = 1.0
COLUMNS = (
    "target", "CPU µs a request, median (best)", "of it kernel", "requests/s of one core", "seen/s", "p50 ms", "p99 ms", "PSS MB",
    "gateway's rate is, paired", "best against best", "bad",
)  # fmt: skip


def rotating(at: Place, options: Options) -> Sequence[Table]:
    """A path out of a thousand and a unique `traceparent` for each request."""
    return [_table(at, options, "rotating", "Rotating requests: no two alike", Shape())]


def fixed(at: Place, options: Options) -> Sequence[Table]:
    """The same bytes again and again, but for eight sessions in turn."""
    return [_table(at, options, "fixed", "Fixed requests: the same again and again", Shape(rotating=False))]


def _table(at: Place, options: Options, name: str, title: str, shape: Shape) -> Table:
    with targets(at, options.chosen(*options.peers)) as running:
        words = {key: target.words for key, target in running.items()}
        for target in running.values():
            at.load.run(target.port, target.cookies, shape, seconds=WARM_S)

        def one(key: str) -> Sample:
            target = running[key]
            return sampled(at, target, lambda: at.load.run(target.port, target.cookies, shape, seconds=options.seconds))

        results = interleaved(list(running), options.rounds, one)
    say("")
    raw = {key: [sample.as_json() for sample in samples] for key, samples in results.items()}
    rows = [_row(words[key], samples, results["gateway"]) for key, samples in results.items()]
    rows.sort(key=lambda row: float(str(row[1]).split()[0]))
    note = f"{options.rounds} rounds of {options.seconds:g} s, 64 keep-alive connections, load by {at.load.words}."
    disturbed = max(sample.other for samples in results.values() for sample in samples)
    if disturbed > OTHER:
        note += f" The machine was not quiet: others took up to {disturbed:.1f} of a core, so take these figures as a sketch."
    return Table(name, title, COLUMNS, rows, (note,), {"samples": raw, "words": words})


def _row(words: str, samples: Sequence[Sample], ours: Sequence[Sample]) -> tuple[Cell, ...]:
    def median(of: str) -> float:
        return float(statistics.median(getattr(sample, of) for sample in samples))

    costs = [sample.cpu_us for sample in samples]
    gateway = [sample.cpu_us for sample in ours]
    return (
        words, f"{median('cpu_us'):.1f} ({min(costs):.1f})", median("kernel_us"), 1e6 / median("cpu_us"), median("rate"), median("p50_ms"),
        median("p99_ms"), median("pss_mb"), f"{paired(gateway, costs):.2f}x", f"{best(gateway, costs):.2f}x",
        sum(sample.bad for sample in samples),
    )  # fmt: skip
