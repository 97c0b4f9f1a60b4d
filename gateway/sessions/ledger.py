"""The port to wherever sign-outs are written down for other processes and later times."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


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

    async def prepare(self) -> None:
        """Make ready, once, and again after a failure: tables, for example."""

    async def read(self, *, alive_at: datetime, limit_s: float) -> Page:
        """Read on."""

    async def write(self, ended: Mapping[str, datetime], *, limit_s: float) -> None:
        """Add entries; twice the same does no harm."""

    async def prune(self, *, before: datetime, limit_s: float) -> None:
        """Drop what has not mattered since."""

    async def close(self) -> None:
        """Let go of everything; safe to call twice."""
