from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from gateway.providers.passwords import Passwords
from tests.providers.counting import CountingPasswords


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
