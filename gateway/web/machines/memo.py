"""Answers that are good for a while, and one asking at a time for each: what costs a hash or a query is not paid for every request."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

_Value = TypeVar("_Value")
#: What a new answer is, and for how many seconds; 0: it is given to those who wait, and not kept.
Fresh = tuple[_Value, float]
_MOST = 4096


class Memo(Generic[_Value]):
    """Bounded; when it is full, what was learned first goes."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic, most: int = _MOST) -> None:
        self._clock = clock
        self._most = most
        self._known: dict[bytes, tuple[_Value, float]] = {}
        self._asking: dict[bytes, asyncio.Task[_Value]] = {}

    async def get(self, key: bytes, ask: Callable[[], Awaitable[Fresh[_Value]]]) -> _Value:
        """What is known, or what `ask` says; several who want the same wait for one answer.

        Raises:
            Exception: What `ask` raises.
        """
        known = self._known.get(key)
        if known is not None and self._clock() < known[1]:
            return known[0]
        asking = self._asking.get(key)
        if asking is None:
            asking = self._asking[key] = asyncio.get_running_loop().create_task(self._ask(key, ask), name="memo")
            asking.add_done_callback(lambda task: self._asked(key, task))
        return await asyncio.shield(asking)  # whoever leaves takes nothing from the others

    def __contains__(self, key: bytes) -> bool:
        """True if something was learned of it, also if that is not good any more."""
        return key in self._known

    def forget(self, holds: Callable[[_Value], bool]) -> None:
        """Forget the answers of which `holds` is true."""
        for key in [key for key, (value, _) in self._known.items() if holds(value)]:
            del self._known[key]

    def _asked(self, key: bytes, task: asyncio.Task[_Value]) -> None:
        self._asking.pop(key, None)
        if not task.cancelled():
            task.exception()  # everybody may have left: then nobody else looks at it

    async def _ask(self, key: bytes, ask: Callable[[], Awaitable[Fresh[_Value]]]) -> _Value:
        value, seconds = await ask()
        self._known.pop(key, None)
        if seconds > 0:
            if len(self._known) >= self._most:
                for oldest in list(itertools.islice(self._known, self._most // 8 + 1)):
                    del self._known[oldest]
            self._known[key] = value, self._clock() + seconds
        return value
