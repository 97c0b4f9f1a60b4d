"""The record of sign-outs: in memory, in SQLite and in PostgreSQL the same; and what only the databases promise."""

from __future__ import annotations

import asyncio
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from gateway.core.errors import ConfigError
from gateway.core.reason import Reason
from gateway.sessions.revocation import EVERYBODY, MemoryRevocations, Revocations
from gateway.sessions.sql_revocations import HISTORY, SqlRevocations
from gateway.store.engine import open_engine

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=7)
KINDS = ("memory", "sqlite", "postgresql")


class Clock:
    now = NOW

    def __call__(self) -> datetime:
        return self.now


async def until(holds, seconds: float = 10.0) -> None:
    """Wait for what another task does."""
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.02)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def url(request, tmp_path: Path):
    if request.param == "postgresql":
        return await request.getfixturevalue("postgres").new_database()
    return f"sqlite:///{tmp_path}/gateway.db"


@pytest.fixture
async def make(clock):
    """Make and start a record of a URL; None is memory."""
    made: list[Revocations] = []

    async def start(url: str | None) -> Revocations:
        made.append(MemoryRevocations(clock=clock) if url is None else SqlRevocations(url, clock=clock))
        await made[-1].start()
        return made[-1]

    yield start
    for one in made:
        await one.close()


@pytest.fixture(params=KINDS)
async def record(request, make, tmp_path):
    """One of each kind."""
    if request.param == "postgresql":
        return await make(await request.getfixturevalue("postgres").new_database())
    return await make(None if request.param == "memory" else f"sqlite:///{tmp_path}/gateway.db")


async def test_a_sign_in_is_good_until_it_is_ended_and_no_other_ends_with_it(record):
    assert record.refusal("ada") is None
    await record.revoke("ada", until=LATER)
    assert (record.refusal("ada"), record.refusal("bob")) == (Reason.SESSION_REVOKED, None)


async def test_it_may_be_ended_twice(record):
    await record.revoke("ada", until=LATER)
    await record.revoke("ada", until=LATER)
    assert record.refusal("ada") is Reason.SESSION_REVOKED


async def test_whoever_remembers_sessions_is_told_once(record):
    told = []
    record.watchers.append(lambda ids: told.append(list(ids)))
    await record.revoke("ada", until=LATER)
    await record.revoke("ada", until=LATER)
    assert told == [["ada"]]


async def test_what_has_ended_by_itself_is_forgotten(clock):
    record = MemoryRevocations(clock=clock)
    await record.revoke("ada", until=LATER)
    clock.now = LATER + timedelta(seconds=1)
    await record.revoke("bob", until=clock.now + timedelta(days=1))
    assert len(record) == 1


async def test_everybody_is_in_everybody():
    assert "anybody" in EVERYBODY


@pytest.mark.parametrize("url", ["sqlite", "postgresql"], indirect=True)
class TestStored:
    async def test_a_restart_forgets_nothing(self, url, make):
        first = await make(url)
        await first.revoke("ada", until=LATER)
        await first.close()
        assert (await make(url)).refusal("ada") is Reason.SESSION_REVOKED

    async def test_another_process_learns_within_seconds_and_tells_its_watchers(self, url, make):
        """Promise 38."""
        here, there = await make(url), await make(url)
        told = []
        there.watchers.append(lambda ids: told.extend(ids))
        await here.revoke("ada", until=LATER)
        await until(lambda: there.refusal("ada"), 5)
        assert told == ["ada"]

    async def test_a_row_that_was_numbered_early_and_committed_late_is_not_missed(self, url, make):
        here = await make(url)
        await here.revoke("bob", until=LATER)
        there = await make(url)
        engine = open_engine(url)
        async with engine.begin() as connection:
            await connection.execute(sa.text("update revocations set seq = 500 where sign_in_id = 'bob'"))
            await until(lambda: there._last >= 1)
        async with engine.begin() as connection:
            await connection.execute(
                sa.text("insert into revocations (seq, sign_in_id, ends_at) values (7, 'ada', :ends)"), {"ends": int(LATER.timestamp())}
            )
        await engine.dispose()
        await until(lambda: there.refusal("ada"), 5)

    async def test_those_that_have_ended_are_not_read(self, url, make, clock):
        first = await make(url)
        await first.revoke("ada", until=LATER)
        clock.now = LATER + timedelta(hours=2)
        assert (await make(url)).refusal("ada") is None

    async def test_processes_that_start_together_make_one_table(self, url, make):
        records = await asyncio.gather(*(make(url) for _ in range(4)))
        await records[0].revoke("ada", until=LATER)
        assert records[0].available

    async def test_the_newest_migration_is_the_one_that_is_looked_for(self, url, make):
        from alembic.config import Config
        from alembic.script import ScriptDirectory

        config = Config()
        config.set_main_option("script_location", str(HISTORY.scripts))
        config.set_main_option("path_separator", "os")
        assert ScriptDirectory.from_config(config).get_heads() == [HISTORY.head]


class TestOutage:
    """The fault matrix: 503, not a sign-in loop; the circuit opens in about a second, and recovers alone."""

    async def test_while_it_cannot_be_read_sessions_are_refused_and_then_accepted_again(self, tmp_path, make):
        file = tmp_path / "gateway.db"
        record = await make(f"sqlite:///{file}")
        told = []
        record.watchers.append(told.append)
        other = sqlite3.connect(file, isolation_level=None)
        other.execute("begin exclusive")
        await until(lambda: record.refusal("ada"))
        assert record.refusal("ada") is Reason.SESSION_STORE_UNAVAILABLE
        assert told == [EVERYBODY]
        other.execute("rollback")
        await until(lambda: record.refusal("ada") is None)
        other.close()

    async def test_a_sign_out_holds_at_once_and_is_written_when_it_can_be(self, tmp_path, make):
        file = tmp_path / "gateway.db"
        record, there = await make(f"sqlite:///{file}"), await make(f"sqlite:///{file}")
        other = sqlite3.connect(file, isolation_level=None)
        other.execute("begin immediate")
        await record.revoke("ada", until=LATER)
        assert record.refusal("ada") is Reason.SESSION_REVOKED
        other.execute("rollback")
        other.close()
        await until(lambda: there.refusal("ada") is Reason.SESSION_REVOKED)

    async def test_a_database_that_is_not_there_at_the_start_is_waited_for(self, unused_tcp_port, make):
        record = await make(f"postgresql://gateway@127.0.0.1:{unused_tcp_port}/gateway")
        assert record.refusal("ada") is Reason.SESSION_STORE_UNAVAILABLE

    async def test_a_database_that_can_not_be_right_stops_the_start(self, tmp_path, make):
        with pytest.raises(ConfigError, match=r"store\.url"):
            await make(f"sqlite:///{tmp_path}/nowhere/gateway.db")
