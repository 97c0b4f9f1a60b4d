"""Which sign-ins are over although their tokens still open: the record of sign-outs.

A token proves that somebody signed in, not that they did not sign out since. So each sign-out is remembered, by the `sid` that all tokens
of one sign-in share, until the last of them would have ended by itself. Lookups are on the way of every request, so they are answered
from memory; where the memory comes from is each implementation's own affair. `MemoryRevocations` forgets at a restart; the one over a
store (`stored_revocations.py`) does not, and shares with other processes.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Container, Iterable, Mapping
from datetime import UTC, datetime
from typing import Protocol

from gateway.core.identity import Session
from gateway.core.reason import Reason
from gateway.sessions.cutoff import Cutoff

#: Is told of sign-ins to be forgotten by whoever remembers sessions: a container of their ids.
Watcher = Callable[[Container[str]], None]


class Everybody:
    """A container of all ids."""

    def __contains__(self, _: object) -> bool:
        return True


EVERYBODY = Everybody()


class Revocations(Protocol):
    """The port."""

    @property
    def watchers(self) -> list[Watcher]:
        """Each is told when sign-ins end, or can't be told from ended ones any more. Whoever adds one takes it out again."""

    def refusal(self, sign_in_id: str) -> Reason | None:
        """Why tokens of a sign-in are refused now; None if they are not. Asks nobody."""

    def refusal_of(self, session: Session) -> Reason | None:
        """The same for a session, which may be over with all others of its user, too."""

    async def revoke(self, sign_in_id: str, *, until: datetime) -> None:
        """End a sign-in: at once here, within seconds elsewhere.

        Args:
            until: When the last of its tokens ends by itself; aware.
        """

    async def revoke_all(self, ended: Mapping[str, datetime]) -> None:
        """End several, each until its own moment."""

    def hear(self, sign_in_id: str, *, until: datetime) -> None:
        """Learn of a sign-in that another process of this gateway has ended, and written down."""

    async def start(self) -> None:
        """Learn what is known. A store that does not answer yet is no error: sessions are refused until it does.

        Raises:
            ConfigError: It can't work as configured.
        """

    async def close(self) -> None:
        """Let go of everything; safe to call twice."""


class MemoryRevocations:
    """In this process alone: right for one process whose secrets end with it. About 200 bytes a sign-out, until its tokens have ended.

    Args:
        clock: The time in UTC, aware.
    """

    def __init__(self, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.watchers: list[Watcher] = []
        self._clock = clock
        self._ended: dict[str, datetime] = {}
        self._by_end: list[tuple[datetime, str]] = []
        self._cutoffs: dict[str | None, datetime] = {}  # by user; None: for everybody

    def refusal(self, sign_in_id: str) -> Reason | None:
        """See `Revocations.refusal`."""
        return Reason.SESSION_REVOKED if sign_in_id in self._ended else None

    def refusal_of(self, session: Session) -> Reason | None:
        """See `Revocations.refusal_of`."""
        return Reason.SESSION_REVOKED if session.sign_in_id in self._ended or (self._cutoffs and self._is_cut_off(session)) else None

    async def revoke(self, sign_in_id: str, *, until: datetime) -> None:
        """See `Revocations.revoke`."""
        self.add({sign_in_id: until})

    async def revoke_all(self, ended: Mapping[str, datetime]) -> None:
        """See `Revocations.revoke_all`."""
        self.add(dict(ended))

    def hear(self, sign_in_id: str, *, until: datetime) -> None:
        """See `Revocations.hear`."""
        self.add({sign_in_id: until})

    def add(self, ended: dict[str, datetime]) -> None:
        """Remember several, and tell the watchers of those that are new."""
        self._forget_ended()
        new = {sign_in_id: until for sign_in_id, until in ended.items() if sign_in_id not in self._ended}
        self._ended |= new
        for sign_in_id, until in new.items():
            heapq.heappush(self._by_end, (until, sign_in_id))
        cutoffs = self._cut_off(new)
        if new:
            for watcher in self.watchers:
                watcher(EVERYBODY if cutoffs else new.keys())

    def _cut_off(self, entries: Iterable[str]) -> bool:
        """Obey the cutoffs among some entries; False if there are none."""
        cutoffs = [cutoff for entry in entries if (cutoff := Cutoff.of(entry)) is not None]
        for cutoff in cutoffs:
            self._cutoffs[cutoff.user_id] = max(cutoff.before, self._cutoffs.get(cutoff.user_id, cutoff.before))
        return bool(cutoffs)

    def _is_cut_off(self, session: Session) -> bool:
        return any(
            before is not None and session.signed_in_at <= before
            for before in (self._cutoffs.get(None), self._cutoffs.get(session.user.id))
        )

    async def start(self) -> None:
        """Nothing is known yet."""

    async def close(self) -> None:
        """Nothing is open."""

    def living(self) -> dict[str, datetime]:
        """All that still matter."""
        self._forget_ended()
        return dict(self._ended)

    def __len__(self) -> int:
        return len(self._ended)

    def _forget_ended(self) -> None:
        now = self._clock()
        while self._by_end and self._by_end[0][0] < now:
            over = heapq.heappop(self._by_end)[1]
            del self._ended[over]
            if Cutoff.of(over) is not None:
                self._cutoffs = {}
                self._cut_off(self._ended)
