"""How a gateway is told to stop: the first SIGTERM or SIGINT drains, the second one cuts."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Iterator
from datetime import timedelta


class Stop:
    """What was asked for so far.

    Attributes:
        asked: Set once the gateway should stop.
        hurry: Set once it should not wait for anything any more.
    """

    def __init__(self, asked: asyncio.Event | None = None) -> None:
        self.asked = asked or asyncio.Event()
        self.hurry = asyncio.Event()

    def ask(self) -> None:
        """Once more."""
        if self.asked.is_set():
            self.hurry.set()
        self.asked.set()

    async def pause(self, span: timedelta | float) -> None:
        """Wait, unless there is a hurry."""
        seconds = span.total_seconds() if isinstance(span, timedelta) else span
        if seconds > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self.hurry.wait()

    @contextlib.contextmanager
    def on_signals(self) -> Iterator[None]:
        """SIGTERM and SIGINT ask."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.ask)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)
