"""Sign-outs in a store: what survives a restart, and what other processes learn within seconds.

Every process keeps all of them in memory and reads what is new each second, so no request waits for the store. While it can't be read,
nobody knows whether a session was signed out elsewhere: after a second of failures the circuit opens, and sessions are refused with 503
until a reading succeeds. A sign-out itself never fails: it holds in this process at once, and is written until it is read back.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from gateway.core.errors import ConfigError
from gateway.core.identity import Session
from gateway.core.problem import Problem
from gateway.core.reason import Reason
from gateway.sessions.ledger import Ledger
from gateway.sessions.revocation import EVERYBODY, MemoryRevocations, Watcher
from gateway.store.errors import StoreAway, WrongDatabase

_log = logging.getLogger(__name__)

LOOK_S = 1.0
#: Between readings that fail; when they have failed for `PATIENCE_S`, the circuit opens.
RETRY_S = 0.2
PATIENCE_S = 1.0
TIME_LIMIT_S = 0.25
#: Of a reading while the circuit is open, or nothing is known yet: a store that comes back needs longer for its first connection.
RECOVERY_LIMIT_S = 5.0
_PRUNE_S = 3600.0


class StoredRevocations:
    """See the module's docstring.

    Args:
        ledger: Where they are kept.
        key: The setting that names it.
        clock: The time in UTC, aware.
        time_limit_s: Of one question with everything around it.
    """

    def __init__(
        self,
        ledger: Ledger,
        *,
        key: str = "store.url",
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        time_limit_s: float = TIME_LIMIT_S,
    ) -> None:
        self._ledger = ledger
        self._key = key
        self._clock = clock
        self._time_limit_s = time_limit_s
        self._memory = MemoryRevocations(clock=clock)
        self._prepared = False
        self._task: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._known = False  # what the store holds, as of a second ago
        self._failing_since: float | None = None
        self._pending: dict[str, datetime] = {}  # written here, and not read back yet
        self._pruned_at = time.monotonic()
        self._said = ""  # of what fails

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
            self._wake.set()

    def hear(self, sign_in_id: str, *, until: datetime) -> None:
        """See `Revocations.hear`: a second earlier than by reading it."""
        self._memory.add({sign_in_id: until})

    async def start(self) -> None:
        """See `Revocations.start`."""
        if self._task is not None:
            return
        try:
            await self._read()
        except StoreAway as error:
            self._open_circuit(error)
        except WrongDatabase as error:
            await self.close()
            raise ConfigError([Problem(key=self._key, what=str(error), cure=error.cure, value=self._ledger.place)]) from error
        self._task = asyncio.get_running_loop().create_task(self._keep_reading(), name="revocations")

    async def close(self) -> None:
        """See `Revocations.close`."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await self._write_what_is_left()
        await self._ledger.close()

    async def _keep_reading(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                # Not wait_for: up to Python 3.11 it loses a cancellation that meets what it waits for, and `close` would wait for ever.
                async with asyncio.timeout(LOOK_S if self._failing_since is None else RETRY_S):
                    await self._wake.wait()
            self._wake.clear()
            began = time.monotonic()
            try:
                await self._read()
                await self._write()
                await self._prune()
                self._said = ""
            except Exception as error:
                # Whatever it is, this task must not end: nobody would learn of sign-outs any more.
                self._say(error)
                self._failing_since = began if self._failing_since is None else self._failing_since
                if self._known and time.monotonic() - self._failing_since >= PATIENCE_S:
                    self._open_circuit(error)

    def _open_circuit(self, error: Exception) -> None:
        self._known = self._prepared = False
        _log.error("revocations-unavailable database=%s error=%s", self._ledger.place, str(error) or type(error).__name__)
        for watcher in self.watchers:
            watcher(EVERYBODY)

    def _say(self, error: Exception) -> None:
        """What is more than a store that is away, once for each kind of it: it may go on for as long as nobody mends it."""
        if not isinstance(error, StoreAway) and self._said != type(error).__name__:
            self._said = type(error).__name__
            _log.error("revocations-failed database=%s error=%s", self._ledger.place, self._said)

    @property
    def _limit_s(self) -> float:
        return self._time_limit_s if self._known else RECOVERY_LIMIT_S

    async def _read(self) -> None:
        if not self._prepared:
            await self._ledger.prepare()
            self._prepared = True
        while True:
            page = await self._ledger.read(alive_at=self._clock(), limit_s=self._limit_s)
            if page.lost:
                known = self._memory.living()
                _log.error("revocations-lost database=%s written-again=%d", self._ledger.place, len(known))
                self._pending |= known
            self._memory.add(dict(page.ended))
            for sign_in_id in page.ended:
                self._pending.pop(sign_in_id, None)
            if not page.more:
                break
        if not self._known:
            _log.info("revocations-available database=%s", self._ledger.place)
        self._known, self._failing_since = True, None

    async def _write(self) -> None:
        """What has not been read back may be lost: it is written again, until it is, or until it does not matter any more."""
        now = self._clock()
        self._pending = {sign_in_id: until for sign_in_id, until in self._pending.items() if until > now}
        if self._pending:
            await self._ledger.write(dict(self._pending), limit_s=self._limit_s)

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
        if time.monotonic() - self._pruned_at < _PRUNE_S:
            return
        self._pruned_at = time.monotonic()
        await self._ledger.prune(before=self._clock() - timedelta(seconds=_PRUNE_S), limit_s=self._limit_s)
