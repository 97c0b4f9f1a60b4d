"""Two gateways behind a balancer: requests go on while both reload and are restarted one after the other, and none fails (promises 60, 61)."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.bench.installed import NotInstalled
from tests.bench.place import place
from tests.bench.replicas import FRONTS, replicas
from tests.bench.steady import load
from tests.servers import missing

REQUESTS, RATE = 2_000, 200.0


@pytest.mark.timeout(240)
@pytest.mark.parametrize("front", sorted(FRONTS))
def test_none_fails_through_reloads_and_a_rolling_restart(front: str, tmp_path: Path) -> None:
    try:
        with place(pinned=False) as at, replicas(tmp_path, at.upstream, front) as pair:
            steady = asyncio.run(load(pair, requests=REQUESTS, rate=RATE, reloads=2))
    except NotInstalled as why:
        missing(str(why))
        return
    assert steady.sent >= REQUESTS
    assert all(found.delays_ms for found in steady.found.values())
    assert not steady.failures
