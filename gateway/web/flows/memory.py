"""The flows of one process: its own and those that other workers tell it of; who waits for news; and what comes late.

A flow is recorded by the worker that did the sign-in. It tells the supervisor, which tells the others, so every worker can show it.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from gateway.web.clock import utc_now
from gateway.web.flows.flow_json import flow_of, flow_to_json, step_of, step_to_json, with_steps
from gateway.web.flows.ring import Bounds, Ring
from gateway.web.flows.steps import Flow, Lane, Step

if TYPE_CHECKING:
    from gateway.settings.sections.inspector import InspectorSettings

_NOTHING = Bounds(0, 0, 0.0)
#: Pages that may watch at a time, in one process.
MOST_WATCHERS = 32
#: What happened after a sign-in is added to it so often.
_MOST_ADDITIONS = 6
#: First requests whose sign-in is not known here yet: the worker that did it is about to tell.
_MOST_EARLY = 64


class Watcher:
    """A page that waits for news: `changed` is set when there are some, `gone` when it is to end."""

    def __init__(self) -> None:
        self.changed = asyncio.Event()
        self.gone = False


class Flows:
    """See the module's docstring. It holds nothing until `obey` allows it.

    Args:
        clock: Gives the time in UTC, aware.
    """

    def __init__(self, *, clock: Callable[[], datetime] = utc_now) -> None:
        self._ring = Ring(_NOTHING, clock=lambda: clock().timestamp())
        self._early: dict[str, tuple[Step, ...]] = {}
        self._arrived: dict[str, None] = {}
        self._watchers: set[Watcher] = set()
        #: Tells the other workers.
        self.tell: Callable[[dict[str, Any]], None] | None = None

    def obey(self, settings: InspectorSettings) -> None:
        """Take new bounds; where nothing is to be recorded, what is there is forgotten."""
        self._ring.bounds = Bounds(settings.flows, settings.bytes, settings.keep.total_seconds()) if settings.enabled else _NOTHING
        if not settings.enabled:
            self._early.clear()
            self._arrived.clear()
            self.end_watching()

    def __iter__(self) -> Iterator[Flow]:
        """The newest first."""
        return iter(self._ring)

    @property
    def bytes(self) -> int:
        """What they take, as JSON."""
        return self._ring.bytes

    def get(self, flow_id: str) -> Flow | None:
        """The flow of this id."""
        return self._ring.get(flow_id)

    def add(self, flow: Flow) -> None:
        """Keep a flow that was recorded here, and tell the others."""
        self._put(flow)
        if self.tell is not None:
            self.tell({"flow": flow_to_json(flow)})

    def later(self, sign_in: str, steps: Sequence[Step]) -> None:
        """Add to a sign-in what its browser did next."""
        self._add_to(sign_in, tuple(steps))
        if self.tell is not None:
            self.tell({"sign_in": sign_in, "steps": [step_to_json(step) for step in steps]})

    def is_first(self, sign_in: str) -> bool:
        """True once for each sign-in: this is its first request that is passed on, as far as this process knows."""
        if sign_in in self._arrived:
            return False
        self._arrived[sign_in] = None
        if len(self._arrived) > 4 * _MOST_EARLY:
            del self._arrived[next(iter(self._arrived))]
        return True

    def hear(self, news: dict[str, Any]) -> None:
        """What another worker told."""
        if self._ring.bounds.flows == 0:
            return
        if "flow" in news:
            self._put(flow_of(news["flow"]))
        else:
            sign_in, steps = str(news["sign_in"]), tuple(map(step_of, news["steps"]))
            if _reaches_the_app(steps):
                self.is_first(sign_in)  # it was elsewhere
            self._add_to(sign_in, steps)

    def watch(self) -> Watcher | None:
        """Begin to wait for news; None if too many do. End it with `unwatch`."""
        if len(self._watchers) >= MOST_WATCHERS:
            return None
        watcher = Watcher()
        self._watchers.add(watcher)
        return watcher

    def unwatch(self, watcher: Watcher) -> None:
        """End it."""
        self._watchers.discard(watcher)

    def end_watching(self) -> None:
        """Let all that wait go: the process drains."""
        for watcher in self._watchers:
            watcher.gone = True
            watcher.changed.set()

    def _put(self, flow: Flow) -> None:
        early = self._early.pop(flow.sign_in, ()) if flow.sign_in is not None else ()
        self._ring.put(with_steps(flow, early) if early else flow)
        self._wake()

    def _add_to(self, sign_in: str, steps: tuple[Step, ...]) -> None:
        found = next((flow for flow in self._ring if flow.sign_in == sign_in), None)
        if found is None:
            self._early[sign_in] = steps
            if len(self._early) > _MOST_EARLY:
                del self._early[next(iter(self._early))]
        elif found.version <= _MOST_ADDITIONS and not (_reaches_the_app(steps) and _reaches_the_app(found.steps)):
            self._ring.put(with_steps(found, steps))
            self._wake()

    def _wake(self) -> None:
        for watcher in self._watchers:
            watcher.changed.set()


def _reaches_the_app(steps: Sequence[Step]) -> bool:
    return any(step.target is Lane.UPSTREAM for step in steps)


def digest(text: str) -> str:
    """A stand-in that flows are found by: what it is made of is nobody's to see."""
    return hashlib.sha256(f"auth-gateway flow {text}".encode("utf-8", "surrogatepass")).hexdigest()[:32]
