"""Ending everything at once: whatever a user, or everybody, signed in to before a moment is over, whether or not anybody wrote it down.

A cutoff travels as an entry in the record of sign-outs, in the place of a sign-in's id. Those ids hold no space.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

_PREFIX = "before "


@dataclass(frozen=True, slots=True)
class Cutoff:
    """Who has to sign in again, if they signed in at `before` or earlier; without a user, everybody."""

    before: datetime
    user_id: str | None = None

    @property
    def entry(self) -> str:
        """How it is written down."""
        whose = "all" if self.user_id is None else f"user {self.user_id}"
        return f"{_PREFIX}{int(self.before.timestamp())} {whose}"

    @classmethod
    def of(cls, entry: str) -> Self | None:
        """What an entry says; None if it is the id of one sign-in."""
        if not entry.startswith(_PREFIX):
            return None
        seconds, _, whose = entry.removeprefix(_PREFIX).partition(" ")
        kind, _, user_id = whose.partition(" ")
        try:
            before = datetime.fromtimestamp(int(seconds), UTC)
        except (ValueError, OverflowError, OSError):
            return None
        if kind == "all" and not user_id:
            return cls(before)
        return cls(before, user_id) if kind == "user" and user_id else None
