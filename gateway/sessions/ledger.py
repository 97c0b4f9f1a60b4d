"""The port to wherever sign-outs are written down for other processes and later times."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

#: A server answers at once, or not at all.
SERVER_PATIENCE_S = 1.0
#: A file is as slow as its disk, and its lock is held for as long as somebody else's commit takes; a sign-out is still seen in time.
FILE_PATIENCE_S = 3.0


@dataclass(frozen=True, slots=True)
class Page:
    """What was written since the page before; entries may come more than once.

    Attributes:
        ended: Who is over, and until when that matters.
        more: There is another page already.
        lost: What was read before is not there any more: the store has forgotten, and has to be told again.
    """

    ended: Mapping[str, datetime]
    more: bool = False
    lost: bool = False


class Ledger(Protocol):
    """Every method may raise `StoreAway` or `WrongDatabase`, and nothing else; none takes longer than its limit.

    Much is written and pruned in steps, each with that limit: one that fails has done those before it.
    """

    @property
    def place(self) -> str:
        """Its address, as logs may show it."""

    @property
    def patience_s(self) -> float:
        """How long it may give no answer; when that is over, nobody relies on what it said before."""

    async def prepare(self, *, again: bool = False) -> None:
        """Make ready: tables, for example. Does nothing once that has worked.

        Args:
            again: Look all the same, as after an outage.
        """

    async def read(self, *, alive_at: datetime, limit_s: float) -> Page:
        """Read on."""

    async def write(self, ended: Mapping[str, datetime], *, limit_s: float) -> None:
        """Add entries; twice the same does no harm."""

    async def prune(self, *, before: datetime, limit_s: float) -> None:
        """Drop what has not mattered since."""

    async def close(self) -> None:
        """Let go of everything; safe to call twice."""
