"""Failed sign-ins of several workers, counted as if there were one.

The limit per address must be exact, also for guesses that come in one burst to all workers at once, so the supervisor lets attempts in,
one book for all. The delay per account is soft: there the workers tell each other, and each decides alone.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from gateway.settings.sections.limits import LimitSettings
from gateway.web.auth.attempts import Attempts, Turn
from gateway.web.processes.channel import Message

_PATIENCE_S = 2.0  # beyond what an attempt may have to wait there


class SharedAttempts(Attempts):
    """A worker's view of the one book.

    Args:
        salt: The same in all workers, so that they mean the same account by the same stand-in.
        send: Sends a message to the supervisor.
    """

    def __init__(self, salt: bytes, send: Callable[[Message], None]) -> None:
        super().__init__(salt=salt)
        self._send = send
        self._numbers = itertools.count(1)
        self._asked: dict[int, asyncio.Future[Turn]] = {}

    @asynccontextmanager
    async def turn(self, address: str, limits: LimitSettings) -> AsyncIterator[Turn]:
        """See `Attempts.turn`. Without an answer there is no attempt."""
        number = next(self._numbers)
        self._asked[number] = asyncio.get_running_loop().create_future()
        self._send({"is": "enter", "number": number, "address": address})
        turn = Turn(failed=True)
        try:
            try:
                async with asyncio.timeout(limits.hash_wait.total_seconds() + _PATIENCE_S):
                    turn = await self._asked[number]
            except TimeoutError:
                turn = Turn(busy=True)
            yield turn
        finally:
            del self._asked[number]
            self._send({"is": "leave", "number": number, "failed": turn.failed and not turn.refused})

    def account_failed(self, account: str, limits: LimitSettings) -> None:
        """Count it here, and let the others know."""
        super().account_failed(account, limits)
        self._send({"is": "news", "what": "account-failed", "account": account})

    def heard(self, account: str, limits: LimitSettings) -> None:
        """A sign-in on the account failed in another worker."""
        super().account_failed(account, limits)

    def answered(self, message: Message) -> None:
        """The supervisor's answer to an attempt."""
        asked = self._asked.get(message["number"])
        if asked is not None and not asked.done():
            asked.set_result(Turn(retry_after_s=message["retry_after_s"], busy=message["busy"]))


class Desk:
    """The supervisor's side, for one worker.

    Args:
        attempts: The one book.
        limits: Gives the limits of now.
        send: Sends a message to the worker.
    """

    def __init__(self, attempts: Attempts, limits: Callable[[], LimitSettings], send: Callable[[Message], None]) -> None:
        self._attempts = attempts
        self._limits = limits
        self._send = send
        self._inside: dict[int, asyncio.Future[bool]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def enter(self, message: Message) -> None:
        """Somebody tries to sign in there."""
        number, address = int(message["number"]), str(message["address"])
        loop = asyncio.get_running_loop()
        self._inside[number] = loop.create_future()
        task = loop.create_task(self._attend(number, address))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def leave(self, message: Message) -> None:
        """The attempt is over."""
        left = self._inside.get(int(message["number"]))
        if left is not None and not left.done():
            left.set_result(bool(message["failed"]))

    def close(self) -> None:
        """The worker is gone: what was tried there counts as failed, for nobody knows."""
        for left in self._inside.values():
            if not left.done():
                left.set_result(True)

    async def _attend(self, number: int, address: str) -> None:
        left = self._inside[number]
        try:
            async with self._attempts.turn(address, self._limits()) as turn:
                self._send({"is": "turn", "number": number, "retry_after_s": turn.retry_after_s, "busy": turn.busy})
                if not turn.refused:
                    turn.failed = await left
        finally:
            del self._inside[number]
