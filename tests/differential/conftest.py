"""One pair of gateways for all differential tests of a worker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.differential.lanes import Pair, pair


@pytest.fixture(scope="session")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """A gateway with the express lane, and one without."""
    started = pair(tmp_path_factory.mktemp("lanes"))
    yield started
    started.stop()


@pytest.fixture(autouse=True)
def _clean(both: Pair) -> Iterator[None]:
    """Whatever a test sends, both upstreams see clean requests only (promise 8)."""
    yield
    assert not both.complaints(), "\n".join(both.complaints())
