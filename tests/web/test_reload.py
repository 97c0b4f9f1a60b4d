"""The numbers of reloads: what is shown while one is under way is how the last one ended."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.core.errors import ConfigError
from gateway.core.problem import Problem
from gateway.sessions.keys import KeyRing
from gateway.settings.load import load
from gateway.settings.model import Settings
from gateway.web.reload import Reloader, Source
from gateway.web.systemd import Notifier
from tests.gateway_process import USERS, configuration

WAIT_S = 10.0


class Applying:
    """What takes the new configuration: it waits, and then takes it or not."""

    def __init__(self) -> None:
        self.begun, self.go_on, self.bad = asyncio.Event(), asyncio.Event(), False

    async def __call__(self, settings: Settings, keys: KeyRing) -> None:
        self.begun.set()
        await self.go_on.wait()
        self.begun.clear()
        self.go_on.clear()
        if self.bad:
            raise ConfigError([Problem(key="routes", what="it is no good", cure="mend it")])


async def until(ready: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not ready():
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("bad", [False, True])
async def test_a_reload_under_way_changes_no_number(bad: bool, tmp_path: Path) -> None:
    """An alarm on `gateway_configuration_valid` must not go off at each reload, nor fall silent at each try to mend it."""
    file = tmp_path / "gateway.toml"
    file.write_text(configuration({"app": 1, "other": 2}))
    (tmp_path / "users.toml").write_text(USERS)
    applying = Applying()
    reloader = Reloader(Source(file, lambda: load(file)), load(file).settings, applying, Notifier())
    watch = asyncio.create_task(reloader.run())
    try:
        applying.bad = bad
        for tries in (1, 2):
            shown = reloader.count.valid
            reloader.ask()
            async with asyncio.timeout(WAIT_S):
                await applying.begun.wait()
            assert reloader.count.valid is shown is (tries == 1 or not bad)
            applying.go_on.set()
            await until(lambda tries=tries: reloader.count.succeeded + reloader.count.refused == tries)
            assert reloader.count.valid is not bad
        assert (reloader.count.succeeded, reloader.count.refused) == ((0, 2) if bad else (2, 0))
    finally:
        watch.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watch
