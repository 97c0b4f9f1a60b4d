"""The room for flows: so many, so many bytes, for so long; and who fills it pays for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from gateway.web.flows.steps import Flow


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much there may be: flows, bytes, and seconds since a flow began."""

    flows: int
    bytes: int
    keep_s: float


class Ring:
    """Flows, the oldest first.

    Args:
        clock: Gives Unix time.
    """

    def __init__(self, bounds: Bounds, *, clock: Callable[[], float]) -> None:
        self._bounds = bounds
        self._clock = clock
        self._flows: dict[str, Flow] = {}
        self._bytes = 0

    @property
    def bounds(self) -> Bounds:
        """What holds now."""
        return self._bounds

    @bounds.setter
    def bounds(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._make_room()

    @property
    def bytes(self) -> int:
        """What all of them take, as JSON."""
        return self._bytes

    def __len__(self) -> int:
        return len(self._flows)

    def __iter__(self) -> Iterator[Flow]:
        """Those that are not too old, the newest first."""
        self._forget_old()
        return reversed(self._flows.values())

    def put(self, flow: Flow) -> None:
        """Take a flow in, or a newer version in the place of the one that is there."""
        old = self._flows.get(flow.id)
        if old is not None and old.version >= flow.version:
            return
        self._bytes += flow.size - (old.size if old else 0)
        self._flows[flow.id] = flow
        self._make_room()

    def get(self, flow_id: str) -> Flow | None:
        """The flow of this id, unless it is too old."""
        self._forget_old()
        return self._flows.get(flow_id)

    def clear(self) -> None:
        """Forget all."""
        self._flows.clear()
        self._bytes = 0

    def _make_room(self) -> None:
        self._forget_old()
        while len(self._flows) > self._bounds.flows or self._bytes > self._bounds.bytes:
            self._drop(self._who_goes())

    def _who_goes(self) -> Flow:
        """The oldest of the address that has the most: a storm of attempts from one place pushes out its own, not other people's."""
        most = Counter(flow.share for flow in self._flows.values()).most_common(1)[0][0]
        return next(flow for flow in self._flows.values() if flow.share == most)

    def _forget_old(self) -> None:
        start = self._clock() - self._bounds.keep_s
        for flow in [flow for flow in self._flows.values() if flow.began <= start]:
            self._drop(flow)

    def _drop(self, flow: Flow) -> None:
        del self._flows[flow.id]
        self._bytes -= flow.size
