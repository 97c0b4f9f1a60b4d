"""Which PostgreSQL of several it is, and how long one is waited for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from gateway.sessions.ledger import Ledger
from gateway.sessions.stores import ports_of
from gateway.store.errors import StoreAway
from tests.servers import PostgreSQL, postgresql

LATER = datetime.now(UTC) + timedelta(days=1)


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory):
    with postgresql(tmp_path_factory.mktemp("other")) as server:
        yield server


async def say(server: PostgreSQL, *statements: str) -> object:
    """The answer to the last one."""
    connection = await asyncpg.connect(server.url("postgres"))
    try:
        for statement in statements:
            found = await connection.fetchval(statement)
        return found
    finally:
        await connection.close()


async def allow_writing(server: PostgreSQL, allowed: bool) -> None:
    """One that does not allow it refuses to write as a standby does; and says so to whoever connects."""
    setting = "off" if allowed else "on"
    await say(server, f"alter system set default_transaction_read_only = {setting}", "select pg_reload_conf()")
    while await say(server, "show default_transaction_read_only") != setting:
        pass


@pytest.fixture
async def both(postgres: PostgreSQL, other: PostgreSQL) -> AsyncIterator[str]:
    """Their hosts, in this order."""
    for server in (postgres, other):
        await say(server, "set default_transaction_read_only = off", "drop schema public cascade", "create schema public")
    yield f"postgresql://postgres@127.0.0.1:{postgres.port},127.0.0.1:{other.port}/postgres"
    for server in (postgres, other):
        await allow_writing(server, True)


async def written(ledger: Ledger) -> bool:
    try:
        await ledger.prepare()
        await ledger.write({"ada": LATER}, limit_s=5)
    except StoreAway:
        return False
    return True


async def test_of_several_hosts_the_one_that_can_be_written_to_is_taken(postgres, other, both):
    await allow_writing(postgres, False)
    ledger, _ = ports_of(both)
    assert await written(ledger)
    await ledger.close()
    assert await say(other, "select count(*) from revocations") == 1


async def test_who_asks_for_any_of_them_gets_any(postgres, both):
    await allow_writing(postgres, False)
    ledger, _ = ports_of(f"{both}?target_session_attrs=any")
    assert not await written(ledger)
    await ledger.close()


async def test_one_that_can_not_be_written_to_any_more_is_left_for_the_other(postgres, other, both):
    """A failover in which no connection breaks."""
    ledger, _ = ports_of(both)
    assert await written(ledger)
    await allow_writing(postgres, False)
    assert [await written(ledger), await written(ledger)] == [False, True]
    await ledger.close()
    assert await say(other, "select count(*) from revocations") == 1
