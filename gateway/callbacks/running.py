"""Calling a function that somebody else wrote: on the loop if it is async, aside if not, never for longer than a limit."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import inspect
import threading
from collections.abc import Callable
from pathlib import Path

#: Plain functions that run at a time, each in a thread. One that never returns keeps its place; the others go on.
MOST_THREADS = 8
_FRAMES = 6
#: asyncio would hand these to whoever runs the loop, and the gateway would end.
_ENDS = (SystemExit, KeyboardInterrupt)


class NoAnswer(Exception):
    """The function gave no answer in time, or was cancelled from within; `timed_out` says which."""

    def __init__(self, *, timed_out: bool) -> None:
        self.timed_out = timed_out
        super().__init__("it took too long" if timed_out else "it was cancelled from within")


class Runner:
    """Runs functions, each within a time limit. What a function raises is raised here.

    Args:
        name: For the names of threads.
        time_limit_s: Seconds.
    """

    def __init__(self, name: str, time_limit_s: float) -> None:
        self._name = name
        self.time_limit_s = time_limit_s
        self._threads = asyncio.Semaphore(MOST_THREADS)

    async def run(self, call: Callable[[], object]) -> object:
        """Call it and wait for its answer. A function that swallows its cancellation is left behind, not waited for.

        Raises:
            NoAnswer: There is none.
        """
        task = asyncio.ensure_future(self._call(call))
        try:
            done, _ = await asyncio.wait({task}, timeout=self.time_limit_s)
        except asyncio.CancelledError:
            task.cancel()
            raise
        if not done:
            task.add_done_callback(_forget)
            task.cancel()
            raise NoAnswer(timed_out=True)
        if task.cancelled():
            raise NoAnswer(timed_out=False)
        error = task.exception()
        if error is not None and not isinstance(error, Exception):  # a group of what ends programs, for one
            raise RuntimeError(f"it raised {type(error).__name__}").with_traceback(error.__traceback__) from error
        return task.result()

    async def _call(self, call: Callable[[], object]) -> object:
        try:
            given = call() if inspect.iscoroutinefunction(call) else await self._in_thread(call)
            return await given if inspect.isawaitable(given) else given
        except _ENDS as error:
            raise _harmless(error) from error

    async def _in_thread(self, call: Callable[[], object]) -> object:
        """Run a plain function in a daemon thread: one that hangs must not keep the process from ending, as an executor's would."""
        await self._threads.acquire()
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[object] = loop.create_future()

        def run() -> None:
            try:
                given, error = call(), None
            except BaseException as raised:  # handed over, not swallowed
                given, error = None, _harmless(raised)
            with contextlib.suppress(RuntimeError):  # the loop is gone
                loop.call_soon_threadsafe(self._done, outcome, given, error)

        try:
            threading.Thread(target=contextvars.copy_context().run, args=(run,), name=self._name, daemon=True).start()
        except RuntimeError:  # the system has no thread to spare
            self._threads.release()
            raise
        return await outcome

    def _done(self, outcome: asyncio.Future[object], given: object, error: BaseException | None) -> None:
        self._threads.release()
        if outcome.cancelled():
            return
        if error is None:
            outcome.set_result(given)
        else:
            outcome.set_exception(error)


def _harmless(raised: BaseException) -> BaseException:
    """It; or, of what a loop or a future (PEP 479) can't hold, an error with the same places."""
    if isinstance(raised, (*_ENDS, StopIteration)):
        return RuntimeError(f"it raised {type(raised).__name__}").with_traceback(raised.__traceback__)
    return raised


def place_of(error: BaseException) -> str:
    """Where it was raised: file and line, without the text, which may hold what was typed."""
    return places_of(error)[-1] if error.__traceback__ is not None else "?"


def places_of(error: BaseException) -> list[str]:
    """The traceback as files and lines, the innermost last."""
    places = []
    trace = error.__traceback__
    while trace is not None:
        places.append(f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}")
        trace = trace.tb_next
    return places[-_FRAMES:]


def _forget(task: asyncio.Future[object]) -> None:
    """Look at what a task that was left behind came to, so that nobody complains that nobody did."""
    if not task.cancelled():
        task.exception()
