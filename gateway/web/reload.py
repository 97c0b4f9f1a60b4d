"""Reload: the configuration is read again, and requests begin with the new one; all of it, or none of it (promise 61).

What this file decides: when (SIGHUP, or a file that changed and has been left alone since), and that whatever goes wrong leaves everything as it was.
How a good configuration takes the old one's place is left to whoever serves: one process, or a supervisor with several.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from gateway.assertion.keys import load
from gateway.core.errors import ConfigError
from gateway.core.problem import Problem
from gateway.sessions.keys import KeyRing
from gateway.settings.difference import changed_keys
from gateway.settings.load import Loaded
from gateway.settings.model import Settings
from gateway.web.app import keys_of
from gateway.web.log import event
from gateway.web.systemd import Notifier
from gateway.web.watch import files_of, stamps_of

log = logging.getLogger(__name__)
_LOOK_S = 1.0
#: What sockets and processes are made of at the start.
_FIXED = ("listen", "admin_listen", "workers")


@dataclass(frozen=True)
class Source:
    """Where settings can be read from again."""

    file: Path
    read: Callable[[], Loaded]


@dataclass(slots=True)
class ReloadCount:
    """What became of reloads.

    Attributes:
        last_at: When the last one was tried; Unix time, 0 before the first.
        valid: False while the files say something that was refused.
    """

    succeeded: int = 0
    refused: int = 0
    last_at: float = 0.0
    valid: bool = True


class Reloader:
    """Keeps what is served up to date.

    Args:
        source: Where settings come from.
        settings: What they are now.
        apply: Puts settings and keys in the place of those that are served; raises if it can't, and then nothing has changed.
        notifier: Told when a reload begins and ends.
    """

    def __init__(
        self, source: Source, settings: Settings, apply: Callable[[Settings, KeyRing], Awaitable[None]], notifier: Notifier
    ) -> None:
        self._source = source
        self._settings = settings
        self._apply = apply
        self._notifier = notifier
        self._asked = asyncio.Event()
        self._files = files_of(settings, source.file)
        self._read = self._seen = stamps_of(self._files)
        self.count = ReloadCount()

    def ask(self) -> None:
        """Reload now, whatever the files look like."""
        self._asked.set()

    async def run(self) -> None:
        """Watch, until cancelled."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_S):  # wait_for of Python 3.11 could lose the cancellation
                    await self._asked.wait()
            stamps = await asyncio.to_thread(stamps_of, self._files)  # a file system that hangs must hang nothing else
            # A file that is being written is left alone until it rests: half a configuration could be a valid one with fewer rules.
            rests, self._seen = stamps == self._seen, stamps
            if self._asked.is_set() or (rests and stamps != self._read):
                self._asked.clear()
                touched = [key for file, key in self._files.items() if key and stamps[file] != self._read[file]]
                self._read = stamps
                self._notifier.reloading()
                await self._reload(touched)
                self._notifier.ready()

    async def _reload(self, touched: list[str]) -> None:
        count = self.count
        count.last_at, valid = time.time(), False
        try:
            settings = await self._replace()
        except ConfigError as error:
            for problem in error.problems:
                _log_problem(problem)
        except Exception as error:
            # A provider's own code, for one, may raise anything; the text of an unknown error may hold a secret.
            event(log, "reload-refused", level=logging.ERROR, error=type(error).__name__)
        else:
            valid = True
            event(log, "reloaded", changed=",".join(dict.fromkeys([*settings, *touched])) or "nothing")
        # Only now: while files are read, what was known of them holds, and an alarm on the number does not go off at each reload.
        count.valid = valid
        if valid:
            count.succeeded += 1
        else:
            count.refused += 1

    async def _replace(self) -> list[str]:
        """Let what the files say now be served; gives the keys that differ.

        Raises:
            ConfigError: It can't be, and nothing has changed.
        """
        loaded = await asyncio.to_thread(self._source.read)
        self._watch(loaded.settings)
        keys = await asyncio.to_thread(_keys, self._settings, loaded.settings)
        await self._apply(loaded.settings, keys)
        old, self._settings = self._settings, loaded.settings
        for warning in loaded.warnings:
            _log_problem(warning)
        return list(changed_keys(old, loaded.settings))

    def _watch(self, settings: Settings) -> None:
        """Watch the files of these settings, also if they turn out to be no good: mending one of their files may be all they need."""
        self._files = files_of(settings, self._source.file)
        found = stamps_of(self._files)
        self._read = self._seen = {file: self._read[file] if file in self._read else found[file] for file in found}


@contextlib.contextmanager
def reloading(reloader: Reloader | None) -> Iterator[None]:
    """SIGHUP and the files are heeded meanwhile; without a reloader SIGHUP ends the process, as it does by default."""
    if reloader is None:
        yield
        return
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, reloader.ask)
    watch = loop.create_task(reloader.run(), name="reload")
    try:
        yield
    finally:
        watch.cancel()  # SIGHUP is still handled, and heeded no more


def _keys(old: Settings, new: Settings) -> KeyRing:
    for key in _FIXED:
        value = getattr(new.server, key)
        if value != getattr(old.server, key):
            text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
            what, cure = "it can't change while the gateway runs", "restart the gateway, or write what it was"
            raise ConfigError([Problem(key=f"server.{key}", value=text, what=what, cure=cure)])
    for key, was, becomes in (
        ("session.revocation", old.session.revocation, new.session.revocation),
        ("session.strategy", old.session.strategy, new.session.strategy),
        (new.store.sessions_key, old.store.for_sessions, new.store.for_sessions),
    ):
        named = key.startswith("session.")
        if was != becomes and (named or new.session.revocation == "store"):
            what = "it can't change while the gateway runs: who is signed in, and who signed out, would be forgotten"
            cure = "restart the gateway, or write what it was"
            raise ConfigError([Problem(key=key, value=becomes if named else None, what=what, cure=cure)])
    signed, signs = old.headers.assertion, new.headers.assertion
    if signed is not None and signs is not None and signed.keys_file == signs.keys_file:
        load(signs.keys_file, signs.algorithm)  # one that has gone is not made anew either: what it signed could not be verified
    # A file of secrets that has gone is not made anew, as at the first start: that would sign everybody out.
    return keys_of(new, make=False)


def _log_problem(problem: Problem) -> None:
    name, level = ("configuration-warning", logging.WARNING) if problem.warning else ("reload-refused", logging.ERROR)
    place = f"{problem.file}:{problem.line}:{problem.column}" if problem.line else problem.file
    key, cure = problem.key or None, problem.cure or None
    event(log, name, level=level, key=key, what=problem.what, value=problem.value, place=place or None, cure=cure)
