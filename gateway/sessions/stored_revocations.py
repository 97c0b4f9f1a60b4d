"""Sign-outs in a store: what survives a restart, and what other processes learn within seconds.

Every process keeps all of them in memory and reads what is new twice a second, so no request waits for the store. While it can't be read,
nobody knows whether a session was signed out elsewhere: when the store has been silent for as long as it may (`Ledger.patience_s`: a second
for a server), whichever way it fails, the circuit opens, and sessions are refused with 503 until a reading succeeds. A sign-out itself never
fails: it holds in this process at once, and is written until it is read back.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from gateway.core.errors import ConfigError
from gateway.core.identity import Session
from gateway.core.problem import Problem
from gateway.core.reason import Reason
from gateway.sessions.ledger import Ledger
from gateway.sessions.revocation import EVERYBODY, MemoryRevocations, Watcher
from gateway.sessions.rounds import Rounds
from gateway.sessions.silence import Silence
from gateway.store.errors import StoreAway, WrongDatabase

_log = logging.getLogger(__name__)

#: Between readings: a store that dies right after one is asked twice more before the circuit opens.
LOOK_S = 0.5
#: Between readings that fail.
RETRY_S = 0.1
TIME_LIMIT_S = 0.25
#: Of a reading while the circuit is open, or nothing is known yet: a store that comes back needs longer for its first connection. And of what
#: is written when nobody waits for it.
RECOVERY_LIMIT_S = 5.0
_PRUNED_AFTER = timedelta(hours=1)


class StoredRevocations:
    """See the module's docstring.

    Args:
        ledger: Where they are kept.
        key: The setting that names it.
        clock: The time in UTC, aware.
        time_limit_s: Of a sign-out that is written while its request waits.
        rounds: When to prune.
    """

    def __init__(
        self,
        ledger: Ledger,
        *,
        key: str = "store.url",
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        time_limit_s: float = TIME_LIMIT_S,
        rounds: Rounds | None = None,
    ) -> None:
        self._ledger = ledger
        self._key = key
        self._clock = clock
        self._time_limit_s = time_limit_s
        self._memory = MemoryRevocations(clock=clock)
        self._prepared = False
        self._tasks: list[asyncio.Task[None]] = []
        self._silence = Silence(ledger.patience_s, self._when_silent)
        self._known = False  # what the store holds, as of a moment ago
        self._was_read = asyncio.Event()
        self._why: Exception | None = None  # a reading failed, the last one
        self._pending: dict[str, datetime] = {}  # written here, or to be, and not read back yet
        self._unread: set[str] = set()  # those among them that a reading ought to have brought
        self._rounds = rounds or Rounds()
        self._said: dict[str, str] = {}  # of what fails

    @property
    def watchers(self) -> list[Watcher]:
        """See `Revocations.watchers`."""
        return self._memory.watchers

    @property
    def available(self) -> bool:
        """False while sessions are refused because nobody can say which were signed out."""
        return self._known

    def refusal(self, sign_in_id: str) -> Reason | None:
        """See `Revocations.refusal`."""
        return self._memory.refusal(sign_in_id) or (None if self._known else Reason.SESSION_STORE_UNAVAILABLE)

    def refusal_of(self, session: Session) -> Reason | None:
        """See `Revocations.refusal_of`."""
        return self._memory.refusal_of(session) or (None if self._known else Reason.SESSION_STORE_UNAVAILABLE)

    async def revoke(self, sign_in_id: str, *, until: datetime) -> None:
        """See `Revocations.revoke`. If the store does not take it now, it is written later."""
        await self.revoke_all({sign_in_id: until})

    async def revoke_all(self, ended: Mapping[str, datetime]) -> None:
        """See `Revocations.revoke_all`."""
        self._memory.add(dict(ended))
        self._pending |= ended
        try:
            if not self._known:  # nobody shall wait for what is not there
                raise StoreAway
            await self._ledger.write(ended, limit_s=self._time_limit_s)
        except (StoreAway, WrongDatabase):
            _log.error("sign-out-not-stored-yet database=%s waiting=%d", self._ledger.place, len(self._pending))

    def hear(self, sign_in_id: str, *, until: datetime) -> None:
        """See `Revocations.hear`: a second earlier than by reading it."""
        self._memory.add({sign_in_id: until})

    async def start(self) -> None:
        """See `Revocations.start`."""
        if self._tasks:
            return
        try:
            await self._read()
        except StoreAway as error:
            self._why = error
            self._open_circuit()
        except WrongDatabase as error:
            await self.close()
            raise ConfigError([Problem(key=self._key, what=str(error), cure=error.cure, value=self._ledger.place)]) from error
        loop = asyncio.get_running_loop()
        self._tasks = [
            loop.create_task(self._keep_reading(), name="revocations"),
            loop.create_task(self._keep_writing(), name="revocations-written"),
        ]

    async def close(self) -> None:
        """See `Revocations.close`."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if tasks:
            await self._write_what_is_left()
        self._silence.stop()
        await self._ledger.close()

    async def _keep_reading(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S if self._why is None else RETRY_S)
            try:
                await self._read()
                self._said.pop("reading", None)
            except Exception as error:
                # Whatever it is, this task must not end: nobody would learn of sign-outs any more.
                self._why = error
                self._say("reading", error)

    async def _keep_writing(self) -> None:
        """Apart from the reading: what takes long to be written says nothing of what is known."""
        while True:
            await self._was_read.wait()
            try:
                await self._write()
                await self._prune()
                self._said.pop("writing", None)
            except Exception as error:  # whatever it is: what waits is tried again
                self._say("writing", error)
            self._was_read.clear()  # what was just written is not unread: the next reading says what is

    def _when_silent(self) -> None:
        if self._known:
            self._open_circuit()

    def _open_circuit(self) -> None:
        self._known = self._prepared = False
        why = "no answer" if self._why is None else str(self._why) or type(self._why).__name__
        _log.error("revocations-unavailable database=%s error=%s", self._ledger.place, why)
        for watcher in self.watchers:
            watcher(EVERYBODY)

    def _say(self, doing: str, error: Exception) -> None:
        """What is more than a store that is away, once for each kind of it: it may go on for as long as nobody mends it."""
        if not isinstance(error, StoreAway) and self._said.get(doing) != type(error).__name__:
            self._said[doing] = type(error).__name__
            _log.error("revocations-failed database=%s error=%s", self._ledger.place, self._said[doing])

    async def _read(self) -> None:
        await self._ledger.prepare(again=not self._prepared)
        self._prepared = True
        written_before = set(self._pending)
        while True:
            limit_s = self._ledger.patience_s / 4 if self._known else RECOVERY_LIMIT_S
            page = await self._ledger.read(alive_at=self._clock(), limit_s=limit_s)
            self._silence.broken()
            if page.lost:
                known = self._memory.living()
                _log.error("revocations-lost database=%s written-again=%d", self._ledger.place, len(known))
                self._pending |= known
                written_before |= known.keys()
            self._memory.add(dict(page.ended))
            for sign_in_id in page.ended:
                self._pending.pop(sign_in_id, None)
            if not page.more:
                break
        if not self._known:
            _log.info("revocations-available database=%s", self._ledger.place)
        self._unread = {id for id in written_before if id in self._pending}
        self._known, self._why = True, None
        self._was_read.set()

    async def _write(self) -> None:
        """What has not been read back may be lost: it is written again, until it is, or until it does not matter any more."""
        now = self._clock()
        self._pending = {sign_in_id: until for sign_in_id, until in self._pending.items() if until > now}
        if lost := {sign_in_id: self._pending[sign_in_id] for sign_in_id in self._unread if sign_in_id in self._pending}:
            await self._ledger.write(lost, limit_s=RECOVERY_LIMIT_S)

    async def _write_what_is_left(self) -> None:
        """Nobody else knows of a sign-out that the store did not take."""
        if not self._pending:
            return
        try:
            await self._read()  # what is there already need not be written again
            await self._write()
        except Exception as error:  # whatever it is: the process ends
            _log.error("sign-outs-lost database=%s count=%d error=%s", self._ledger.place, len(self._pending), type(error).__name__)

    async def _prune(self) -> None:
        if self._rounds.due():
            await self._ledger.prune(before=self._clock() - _PRUNED_AFTER, limit_s=RECOVERY_LIMIT_S)
