"""A loop whose clock leaps to whatever is waited for: what takes seconds is over at once, and always takes just as long."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any


class _Leaping(selectors.DefaultSelector):
    now = 1000.0

    def select(self, timeout: float | None = None) -> Any:
        self.now += timeout or 0.0
        return super().select(0)


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self.leaping = _Leaping()
        super().__init__(self.leaping)

    def time(self) -> float:
        return self.leaping.now


def run(story: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """Run something that waits for time alone: no socket, no thread, no process."""
    with asyncio.Runner(loop_factory=_Loop) as runner:
        return runner.run(story())


def stop_for(seconds: float) -> None:
    """As if the process had been stopped."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, _Loop)
    loop.leaping.now += seconds
