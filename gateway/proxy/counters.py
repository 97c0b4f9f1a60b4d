"""What the lanes count: plain integers, bumped in place, read by whoever shows them. One for each process."""

from __future__ import annotations

from collections import Counter

_CLASSES = 10  # what an upstream may say, up to 999


class Counters:
    """Numbers of answers and decisions since the process started. Nothing a client sends becomes a key, so there are few keys.

    Attributes:
        express: Answers of the express lane: `express[status // 100] += 1`.
        general: Answers of the general lane, by class of status and reason ("" for an upstream's answer).
        decisions: Decisions of the policy in the general lane, by reason.
    """

    __slots__ = ("decisions", "express", "general")

    def __init__(self) -> None:
        self.express = [0] * _CLASSES
        self.general: Counter[tuple[int, str]] = Counter()
        self.decisions: Counter[str] = Counter()

    def answered(self, status: int, reason: str | None) -> None:
        """Count an answer of the general lane; `reason` is what it says in `X-Gateway-Reason`, None where an upstream gave it."""
        self.general[status // 100, reason or ""] += 1
