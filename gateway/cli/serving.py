"""How a command serves until it is told to stop: the event loop, the log, and the lines that programs wait for."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import select
from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import Any

import click

from gateway.cli.logs import logging_to_stderr

EXIT_INTERRUPTED = 130  # 128 + SIGINT, as shells count: Ctrl-C before the gateway was serving


def until_stopped(serving: Coroutine[Any, Any, None]) -> None:
    """Run the coroutine to its end, and say so. It handles SIGINT and SIGTERM itself once it serves."""
    try:
        run_to_the_end(serving)
    except KeyboardInterrupt:
        raise SystemExit(EXIT_INTERRUPTED) from None
    say("stopped")


def run_to_the_end(serving: Coroutine[Any, Any, None]) -> None:
    """Run the coroutine, on uvloop where there is one, with the log on standard error."""
    with logging_to_stderr(), asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(serving)


def say(line: str) -> None:
    """Say something on standard error, if it can be said at once: a pipe that nobody reads must not hold up the end."""
    with contextlib.suppress(OSError, ValueError):
        _, writable, _ = select.select([], [2], [], 0)
        if writable:  # there is room for a line in the pipe (POSIX: PIPE_BUF)
            click.echo(line, err=True)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        from uvloop import new_event_loop
    except ImportError:
        return asyncio.new_event_loop
    return new_event_loop


@contextlib.contextmanager
def if_anybody_reads() -> Iterator[None]:
    """Announce something; a standard output that was closed (`gateway run | head -1`) does not stop what is served."""
    try:
        yield
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)  # what is left in the buffer goes there at the end, without a complaint
        os.close(nowhere)


def say_listening(addresses: Sequence[str]) -> None:
    """One line an address on standard output, at once even into a pipe: programs wait for it."""
    for address in addresses:
        click.echo(f"listening on {address}")


def say_ready_as_json(**facts: object) -> None:
    """The same for programs that asked for JSON: one line."""
    click.echo(json.dumps(facts))


def say_draining() -> None:
    """What Ctrl-C has begun, and how to hurry it."""
    say("stopping: requests in flight are finished first; once more to cut them off")
