"""How long somebody who ought to answer has been silent: counted in steps, so that it is nobody's fault if this process had no time.

A process that was stopped, or kept from its processor, goes on with one step, whatever a clock says; whoever was silent for all steps but
one by then has had its time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

_STEPS = 4


class Silence:
    """See the module's docstring. It counts from the first `broken`; use it on the running loop.

    Args:
        limit_s: How long silence may last.
        when_over: Called once when it has lasted that long.
    """

    def __init__(self, limit_s: float, when_over: Callable[[], None]) -> None:
        self._step_s = limit_s / _STEPS
        self._when_over = when_over
        self._timer: asyncio.TimerHandle | None = None

    def broken(self) -> None:
        """An answer has come: count anew from now."""
        self.stop()
        self._wait(_STEPS)

    def stop(self) -> None:
        """Count no more."""
        if self._timer is not None:
            self._timer.cancel()

    def _wait(self, steps: int) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._step_s, self._step, steps - 1)

    def _step(self, left: int) -> None:
        if left:
            self._wait(left)
        else:
            self._when_over()
