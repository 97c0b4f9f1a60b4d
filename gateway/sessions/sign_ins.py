"""Who is signed in, as one process writes it down and asks for it: what has to be in the store before an answer goes out, and what may wait.

A session that lives in the store (`strategy = "server"`) is written first: without it, the sign-in fails. A session in a cookie needs no
record to live, so its record may be late: it is tried again until the store takes it. That somebody was seen is gathered, and written once
a second.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from gateway.core.identity import Session
from gateway.sessions.register import MAX_BROWSER, Kept, Register, Seen, SignIn
from gateway.sessions.rounds import Rounds
from gateway.sessions.stored_revocations import RECOVERY_LIMIT_S, TIME_LIMIT_S
from gateway.store.errors import StoreAway, WrongDatabase

_log = logging.getLogger(__name__)
WRITE_LIMIT_S = 1.0  # of what is written once, at a sign-in or an update: a busy disk takes longer than a request may wait
_TICK_S = 1.0
_AGAIN_S = 5.0
_PRUNED_AFTER = timedelta(hours=1)
_MOST_WAITING = 10_000
_AT_ONCE = 250
MOST_LISTED = 1000
_Late = tuple[SignIn, Kept | None]


class SignIns:
    """See the module's docstring.

    Args:
        register: Where they are kept. Whoever owns the store closes it.
        available: False while the store does not answer; nobody waits for it then.
        clock: The time in UTC, aware.
        rounds: When to prune.
    """

    def __init__(
        self, register: Register, *, available: Callable[[], bool] = lambda: True,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC), rounds: Rounds | None = None,
    ) -> None:  # fmt: skip
        self._register = register
        self._available = available
        self._clock = clock
        self._late: dict[str, _Late] = {}
        self._seen: dict[str, Seen] = {}
        self._ended: set[str] = set()
        self._task: asyncio.Task[None] | None = None
        self._rounds = rounds or Rounds()
        self._failed = False

    async def start(self) -> None:
        """Begin to write what may wait. A store that is away is no error."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._keep_writing(), name="sign-ins")

    async def close(self) -> None:
        """Write what is left, if that is quick."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            if self._available():
                await self._attempt(TIME_LIMIT_S)

    async def add(self, session: Session, *, address: str, browser: str, kept: Kept | None = None) -> None:
        """Note a new sign-in.

        Args:
            kept: It lives in the store.

        Raises:
            StoreAway: It lives in the store, and the store did not take it.
        """
        moment = session.signed_in_at
        sign_in = SignIn(
            id=session.sign_in_id, user_id=session.user.id, provider=session.provider, signed_in_at=moment, seen_at=moment,
            ends_at=session.expires_at, address=address, browser=browser[:MAX_BROWSER].encode("utf-8", "replace").decode("utf-8"),
        )  # fmt: skip
        try:
            if not self._available():
                raise StoreAway
            await self._register.add(sign_in, kept, limit_s=WRITE_LIMIT_S)
        except (StoreAway, WrongDatabase) as error:
            if kept is not None:
                raise StoreAway from error
            if len(self._late) < _MOST_WAITING:
                self._late[sign_in.id] = sign_in, kept
            _log.warning("sign-in-not-recorded-yet database=%s waiting=%d", self._register.place, len(self._late))

    def seen(self, session: Session, kept: Kept | None = None) -> None:
        """Note that a session was renewed."""
        if len(self._seen) < _MOST_WAITING or session.sign_in_id in self._seen:
            self._seen[session.sign_in_id] = replace(_seen(session, kept), late=True)

    async def renew(self, session: Session, kept: Kept) -> None:
        """Write down at once what became of a session that lives in the store.

        Raises:
            StoreAway: The store did not take it.
        """
        try:
            await self._register.renew([_seen(session, kept)], limit_s=WRITE_LIMIT_S)
            self._seen.pop(session.sign_in_id, None)
        except WrongDatabase as error:
            raise StoreAway from error

    async def remove(self, ids: Collection[str]) -> None:
        """Forget sign-ins that were ended; if the store does not take it now, it is told later."""
        for id in ids:
            self._late.pop(id, None)
            self._seen.pop(id, None)
        if len(self._ended) < _MOST_WAITING:
            self._ended |= set(ids)
        if self._available():
            await self._attempt(TIME_LIMIT_S)

    async def token(self, key: str) -> str | None:
        """The sealed session of a key.

        Raises:
            StoreAway: The store did not say.
        """
        try:
            return await self._register.token(key, limit_s=TIME_LIMIT_S)
        except WrongDatabase as error:
            raise StoreAway from error

    async def of(self, user_id: str) -> Sequence[SignIn]:
        """The sign-ins of a user that have not ended, last seen first.

        Raises:
            StoreAway: The store did not say.
        """
        try:
            found = await self._register.of(user_id, limit_s=TIME_LIMIT_S * 4, most=MOST_LISTED)
        except WrongDatabase as error:
            raise StoreAway from error
        return living(found, now=self._clock())

    async def _keep_writing(self) -> None:
        while True:
            await asyncio.sleep(_AGAIN_S if self._failed else _TICK_S)
            if self._available():
                self._failed = not await self._attempt(RECOVERY_LIMIT_S)

    async def _attempt(self, limit_s: float) -> bool:
        """Write what waits; False if the store did not take all of it."""
        try:
            if self._ended:
                ended = set(self._ended)
                await self._register.remove(ended, limit_s=limit_s)
                self._ended -= ended
            await self._renew_noted(limit_s)
            if self._rounds.due():
                await self._register.prune(before=self._clock() - _PRUNED_AFTER, limit_s=limit_s)
            await self._add_late(limit_s)
        except Exception as error:  # whatever it is: what waits is tried again
            _log.warning("sign-ins-not-stored-yet database=%s error=%s", self._register.place, type(error).__name__)
            return False
        return True

    async def _renew_noted(self, limit_s: float) -> None:
        """In steps: after an outage there are many, and nobody else shall wait for all of them."""
        noted, self._seen = self._seen, {}
        while noted:
            some = dict(itertools.islice(noted.items(), _AT_ONCE))
            try:
                await self._register.renew(list(some.values()), limit_s=limit_s)
            except BaseException:
                self._seen = noted | self._seen
                raise
            for id in some:
                del noted[id]

    async def _add_late(self, limit_s: float) -> None:
        now = self._clock()
        for id, (sign_in, kept) in list(self._late.items()):
            try:
                if sign_in.ends_at > now:
                    await self._register.add(sign_in, kept, limit_s=limit_s)
            except Exception:  # raised again below: whatever it is, this one goes behind the others
                if self._late.pop(id, None) is not None:
                    self._late[id] = sign_in, kept  # one that no store ever takes holds up none of them
                raise
            self._late.pop(id, None)


def living(found: Sequence[SignIn], *, now: datetime) -> list[SignIn]:
    """Those of a register's answer that have not ended."""
    return [sign_in for sign_in in found if sign_in.ends_at > now]


def _seen(session: Session, kept: Kept | None) -> Seen:
    return Seen(id=session.sign_in_id, seen_at=session.issued_at, ends_at=session.expires_at, kept=kept)
