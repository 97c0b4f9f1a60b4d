"""The gateway that a worker has made ready for an order, and that waits to be obeyed: for that order, and for no other.

To make one may take longer than the supervisor waits. What comes then is nobody's any more, and is closed; a later order gets its own.
"""

from __future__ import annotations

from gateway.web.state import Gateway


class Staged:
    """See the module's docstring. Whatever a method gives back is to be closed by its caller, except for `take`'s."""

    def __init__(self) -> None:
        self._wanted: int | None = None
        self._made: Gateway | None = None

    def order(self, number: int) -> Gateway | None:
        """One is being made; gives what was made for an order before it."""
        left, self._made, self._wanted = self._made, None, number
        return left

    def made(self, number: int, gateway: Gateway) -> Gateway | None:
        """It is made; gives it back if nobody waits for it any more."""
        if number != self._wanted:
            return gateway
        left, self._made = self._made, gateway
        return left

    def take(self, number: int) -> Gateway | None:
        """It is to be obeyed: gives what was made for the order."""
        return self.drop() if number == self._wanted else None

    def drop(self) -> Gateway | None:
        """Nobody waits for any."""
        left, self._made, self._wanted = self._made, None, None
        return left
