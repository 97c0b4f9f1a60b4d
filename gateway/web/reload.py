"""Reload: the configuration is read again, and requests begin with the new one; all of it, or none of it (promise 61).

What this file decides: when (SIGHUP, or a file that changed and has been left alone since), and that whatever goes wrong leaves everything as it was.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gateway.core.errors import ConfigError
from gateway.core.problem import Problem
from gateway.settings.difference import changed_keys
from gateway.settings.load import Loaded
from gateway.settings.model import Settings
from gateway.web.app import build_gateway, keys_of
from gateway.web.log import event
from gateway.web.state import Current, Gateway
from gateway.web.watch import files_of, stamps_of

log = logging.getLogger(__name__)
_LOOK_S = 1.0


@dataclass(frozen=True)
class Source:
    """Where settings can be read from again."""

    file: Path
    read: Callable[[], Loaded]


class Reloader:
    """Keeps one gateway up to date.

    Args:
        source: Where its settings come from.
        current: What holds it.
        obey: Called with a new gateway, for whatever does not ask `current` at each request.
    """

    def __init__(self, source: Source, current: Current, obey: Callable[[Gateway], None]) -> None:
        self._source = source
        self._current = current
        self._obey = obey
        self._asked = asyncio.Event()
        self._files = files_of(current.gateway.settings, source.file)
        self._read = self._seen = stamps_of(self._files)

    def ask(self) -> None:
        """Reload now, whatever the files look like."""
        self._asked.set()

    async def run(self) -> None:
        """Watch, until cancelled."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._asked.wait(), _LOOK_S)
            stamps = await asyncio.to_thread(stamps_of, self._files)  # a file system that hangs must hang nothing else
            # A file that is being written is left alone until it rests: half a configuration could be a valid one with fewer rules.
            rests, self._seen = stamps == self._seen, stamps
            if self._asked.is_set() or (rests and stamps != self._read):
                self._asked.clear()
                touched = [key for file, key in self._files.items() if key and stamps[file] != self._read[file]]
                self._read = stamps
                await self._reload(touched)

    async def _reload(self, touched: list[str]) -> None:
        try:
            settings = await self._replace()
        except ConfigError as error:
            for problem in error.problems:
                _log_problem(problem)
        except Exception as error:
            # A provider's own code, for one, may raise anything; the text of an unknown error may hold a secret.
            event(log, "reload-refused", level=logging.ERROR, error=type(error).__name__)
        else:
            event(log, "reloaded", changed=",".join(dict.fromkeys([*settings, *touched])) or "nothing")

    async def _replace(self) -> list[str]:
        """Put the gateway that the files describe now in the place of the old one; gives the keys that differ.

        Raises:
            ConfigError: There is none, and nothing has changed.
        """
        old = self._current.gateway
        loaded = await asyncio.to_thread(self._source.read)
        self._watch(loaded.settings)
        gateway = await asyncio.to_thread(_build, old, loaded.settings)
        await gateway.chain.start()
        # No await from here on: every request begins with all of the old one, or all of the new one.
        self._obey(gateway)
        self._current.replace(gateway)
        for warning in loaded.warnings:
            _log_problem(warning)
        return list(changed_keys(old.settings, gateway.settings))

    def _watch(self, settings: Settings) -> None:
        """Watch the files of these settings, also if they turn out to be no good: mending one of their files may be all they need."""
        self._files = files_of(settings, self._source.file)
        found = stamps_of(self._files)
        self._read = self._seen = {file: self._read[file] if file in self._read else found[file] for file in found}


def _build(old: Gateway, new: Settings) -> Gateway:
    if new.server.listen != old.settings.server.listen:
        value = ",".join(map(str, new.server.listen))
        what, cure = "it can't change while the gateway runs", "restart the gateway, or write what it was"
        raise ConfigError([Problem(key="server.listen", value=value, what=what, cure=cure)])
    # A file of secrets that has gone is not made anew, as at the first start: that would sign everybody out.
    return build_gateway(new, clock=old.clock, keys=keys_of(new, make=False))


def _log_problem(problem: Problem) -> None:
    name, level = ("configuration-warning", logging.WARNING) if problem.warning else ("reload-refused", logging.ERROR)
    place = f"{problem.file}:{problem.line}:{problem.column}" if problem.line else problem.file
    key, cure = problem.key or None, problem.cure or None
    event(log, name, level=level, key=key, what=problem.what, value=problem.value, place=place or None, cure=cure)
