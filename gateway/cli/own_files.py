"""What stands beside a configuration and has to be there for a start: users files, functions of the operator's own, callbacks. Nothing is written."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from gateway.core.errors import ConfigError

if TYPE_CHECKING:
    from gateway.core.problem import Problem
    from gateway.settings.model import Settings


def require_own_files(settings: Settings) -> None:
    """Read and import them as the start does. Databases are left alone: a start would wait for them, and write to them.

    Raises:
        ConfigError: The gateway would not start with them; the problems of all of them.
    """
    with _no_bytecode():
        problems = asyncio.run(_problems(settings))
    if problems:
        raise ConfigError(problems)


async def _problems(settings: Settings) -> list[Problem]:
    from gateway.callbacks.module import Callbacks
    from gateway.providers.build import build_chain

    chain = build_chain(settings)
    starts = [provider.start for provider, entry in zip(chain.providers, settings.providers, strict=True) if entry.type != "sql"]
    problems: list[Problem] = []
    for start in (*starts, Callbacks(settings.callbacks.module, folder=settings.folder).start):
        try:
            await start()
        except ConfigError as error:
            problems += error.problems
    await chain.close()
    return problems


@contextmanager
def _no_bytecode() -> Iterator[None]:
    """Importing a module leaves no `__pycache__` beside it."""
    before = sys.dont_write_bytecode
    sys.dont_write_bytecode = True
    try:
        yield
    finally:
        sys.dont_write_bytecode = before
