"""The arithmetic of a report: percentiles, medians, and how two targets compare.

Two ratios are given, because machines drift. *Paired*: within each round, as the two ran seconds apart, then the median over the rounds.
*Best against best*: the quietest round of each. Where they differ much, the machine was not quiet.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share of the values stays below; 0 if there are none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


def paired(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """How many times our cost theirs is: the median of the rounds' own ratios. Both in the order of the rounds."""
    return statistics.median(their / our for our, their in zip(ours, theirs, strict=True))


def best(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """How many times our cost theirs is, the cheapest round of each."""
    return min(theirs) / min(ours)


def spread(values: Sequence[float]) -> float:
    """How far the largest is above the smallest, as a share of it: 0.1 is ten per cent."""
    return max(values) / min(values) - 1
