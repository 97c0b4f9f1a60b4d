"""When a process clears up what is over in a store: soon after its start, then hourly, and not in the same moment as all others.

Soon, since a gateway that is restarted more often than hourly would never do it; and by the dice, since replicas are started together.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable

FIRST_S = (10.0, 60.0)
EVERY_S = (3000.0, 4200.0)


class Rounds:
    """See the module's docstring; it begins with its making.

    Args:
        seconds: A clock that is never set.
        dice: Gives a number between two.
    """

    def __init__(self, *, seconds: Callable[[], float] = time.monotonic, dice: Callable[[float, float], float] = random.uniform) -> None:
        self._seconds = seconds
        self._dice = dice
        self._next = seconds() + dice(*FIRST_S)

    def due(self) -> bool:
        """True once a round."""
        now = self._seconds()
        if now < self._next:
            return False
        self._next = now + self._dice(*EVERY_S)
        return True
