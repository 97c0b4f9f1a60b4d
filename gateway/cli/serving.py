"""How a command serves until it is told to stop: the event loop, the address lines, and what goes wrong on the way."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import click

from gateway.cli.logs import logging_to_stderr

EXIT_INTERRUPTED = 130  # 128 + SIGINT, as shells count: Ctrl-C before the gateway was serving
_ADDRESS_ERRORS = {
    errno.EADDRINUSE: "something else listens there already",
    errno.EADDRNOTAVAIL: "this machine does not have that address",
    errno.EACCES: "this user may not listen there",
}


def until_stopped(serving: Coroutine[Any, Any, None]) -> None:
    """Run the coroutine to its end, on uvloop where there is one.

    Raises:
        click.ClickException: It can't listen where it should; exit code 1.
    """
    try:
        from uvloop import new_event_loop
    except ImportError:
        new_event_loop = None  # type: ignore[assignment]  # not on this platform: asyncio's own loop
    try:
        with logging_to_stderr(), asyncio.Runner(loop_factory=new_event_loop) as runner:
            runner.run(serving)
    except KeyboardInterrupt:
        raise SystemExit(EXIT_INTERRUPTED) from None
    except OSError as error:
        why = _ADDRESS_ERRORS.get(error.errno or 0)
        if why is None:
            raise
        raise click.ClickException(f"{error.strerror or error}: {why}. Choose another address with server.listen.") from error


def say_listening(addresses: Sequence[str]) -> None:
    """One line an address on standard output, at once even into a pipe: programs wait for it."""
    for address in addresses:
        click.echo(f"listening on {address}")


def then(*steps: Callable[[list[str]], None]) -> Callable[[list[str]], None]:
    """One `on_ready` of several."""

    def ready(addresses: list[str]) -> None:
        for step in steps:
            step(addresses)

    return ready
