from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from gateway.providers.passwords import Passwords
from tests.providers.counting import CountingPasswords
from tests.servers import PostgreSQL, postgresql


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgreSQL]:
    with postgresql(tmp_path_factory.mktemp("postgresql")) as server:
        yield server


@pytest.fixture
async def passwords() -> AsyncIterator[Passwords]:
    made = Passwords()
    yield made
    await made.close()


@pytest.fixture
async def counting() -> AsyncIterator[CountingPasswords]:
    made = CountingPasswords()
    yield made
    await made.close()
