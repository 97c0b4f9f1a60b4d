"""Failed sign-ins counted over all replicas, besides this gateway's own count: where the store of sessions is Redis or Valkey.

The own count comes first: it queues what comes at once from one address, and it goes on alone while the store is away.
"""

from __future__ import annotations

import asyncio
import logging
import math
import secrets
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from gateway.sessions.valkey_failures import Entered, Entry, ValkeyFailures
from gateway.settings.sections.limits import LimitSettings
from gateway.store.errors import StoreAway
from gateway.web.auth.attempts import ACCOUNT_DELAY_S, Attempts, Turn, address_key
from gateway.web.log import event

log = logging.getLogger(__name__)
_AGAIN_S = 0.1
_SAY_EVERY_S = 60.0


class StoreAttempts(Attempts):
    """See the module's docstring.

    Args:
        own: The count of this gateway.
        failures: That of all.
        available: False while the store does not answer; nobody waits for it then.
        salt: The same on all replicas, so that they mean the same account by the same stand-in.
    """

    def __init__(self, own: Attempts, failures: ValkeyFailures, *, available: Callable[[], bool], salt: bytes) -> None:
        super().__init__(salt=salt)
        self._own = own
        self._failures = failures
        self._available = available
        self._said_at: float | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def turn(self, address: str, limits: LimitSettings) -> AsyncIterator[Turn]:
        """See `Attempts.turn`."""
        attempt, key = secrets.token_hex(8), address_key(address)
        async with self._own.turn(address, limits) as turn:
            refused = None if turn.refused else await self._refused(key, attempt, limits)
            if refused is not None:
                yield refused  # what was not tried has not failed here
                return
            try:
                yield turn
            finally:
                if not turn.refused:
                    self._later(self._failures.leave(key, attempt, failed=turn.failed))

    async def delay_of(self, account: str, limits: LimitSettings) -> float:
        """See `Attempts.delay_of`."""
        own = await self._own.delay_of(account, limits)
        if own or not self._available():
            return own
        try:
            failed = await self._failures.account(account, within_s=limits.failed_sign_ins_account_window.total_seconds())
        except StoreAway:
            self._say()
            return own
        return ACCOUNT_DELAY_S if failed >= limits.failed_sign_ins_per_account else 0.0

    def account_delay_s(self, account: str, limits: LimitSettings) -> float:
        """See `Attempts.account_delay_s`: by this gateway's own count."""
        return self._own.account_delay_s(account, limits)

    def account_failed(self, account: str, limits: LimitSettings) -> None:
        """See `Attempts.account_failed`."""
        self._own.account_failed(account, limits)
        window, keep = limits.failed_sign_ins_account_window.total_seconds(), limits.failed_sign_ins_per_account
        self._later(self._failures.account(account, within_s=window, failure=secrets.token_hex(8), keep=keep))

    async def _refused(self, key: str, attempt: str, limits: LimitSettings) -> Turn | None:
        """Why the attempt may not be made, by the count of all; None if it may, or if nobody can say."""
        limit, window = limits.failed_sign_ins_per_address, limits.failed_sign_ins_window.total_seconds()
        until = time.monotonic() + limits.hash_wait.total_seconds()
        while True:
            try:
                entered = (
                    await self._failures.enter(key, attempt, limit=limit, within_s=window) if self._available() else Entered(Entry.YES)
                )
            except StoreAway:
                self._say()
                return None
            if entered.entry is Entry.YES:
                return None
            if entered.entry is Entry.NO:
                return Turn(retry_after_s=max(1, math.ceil(entered.free_in_s)))
            if time.monotonic() >= until:
                return Turn(busy=True)
            await asyncio.sleep(_AGAIN_S)

    def _later(self, telling: Coroutine[Any, Any, object]) -> None:
        """Tell the store, with nobody waiting for it."""
        task = asyncio.get_running_loop().create_task(self._tell(telling))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _tell(self, telling: Coroutine[Any, Any, object]) -> None:
        try:
            await telling
        except StoreAway:
            self._say()

    def _say(self) -> None:
        """That only this gateway counts now; once a minute."""
        now = time.monotonic()
        if self._said_at is None or now - self._said_at >= _SAY_EVERY_S:
            self._said_at = now
            event(log, "sign-in-limits-not-shared", level=logging.WARNING, database=self._failures.place)
