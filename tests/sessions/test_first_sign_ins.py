"""Who has signed in before: in SQLite and in PostgreSQL the same."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from gateway.core.errors import ConfigError
from gateway.sessions.first_sign_ins import FirstSignIns


@pytest.fixture(params=["sqlite", "postgresql"])
async def url(request, tmp_path: Path):
    if request.param == "postgresql":
        return await request.getfixturevalue("postgres").new_database()
    return f"sqlite:///{tmp_path}/gateway.db"


@pytest.fixture
async def make():
    made: list[FirstSignIns] = []

    def one(url: str) -> FirstSignIns:
        made.append(FirstSignIns(url))
        return made[-1]

    yield one
    for record in made:
        await record.close()


async def test_each_user_of_each_provider_is_new_once(url, make):
    record = make(url)
    await record.start()
    asked = [("credentials", "ada"), ("credentials", "bob"), ("ldap", "ada"), ("credentials", "ada"), ("ldap", "ada")]
    assert [await record.note(*who) for who in asked] == [True, True, True, False, False]


async def test_a_restart_forgets_nobody_and_a_question_writes_nothing(url, make):
    asking = make(url)
    assert await asking.knows("credentials", "ada") is False
    first = make(url)
    await first.start()
    assert await asking.knows("credentials", "ada") is False
    assert await first.note("credentials", "ada") is True
    await first.close()
    second = make(url)
    await second.start()
    assert await second.note("credentials", "ada") is False
    assert await asking.knows("credentials", "ada") is True
    assert await asking.knows("credentials", "bob") is False


async def test_of_many_at_once_in_several_processes_one_is_the_first(url, make):
    records = [make(url) for _ in range(4)]
    await asyncio.gather(*(record.start() for record in records))
    said = await asyncio.gather(*(record.note("credentials", "ada") for record in records * 3))
    assert sorted(said) == [False] * 11 + [True]


async def test_no_name_lies_in_the_database(tmp_path, make):
    record = make(f"sqlite:///{tmp_path}/gateway.db")
    await record.start()
    await record.note("credentials", "ada.lovelace@example.com")
    await record.close()
    assert b"lovelace" not in (tmp_path / "gateway.db").read_bytes()


async def test_while_the_database_gives_no_answer_nobody_can_say_and_later_it_is_still_the_first_time(tmp_path, make, caplog):
    record = make(f"sqlite:///{tmp_path}/gateway.db")
    await record.start()
    blocker = sqlite3.connect(tmp_path / "gateway.db", isolation_level=None)
    blocker.execute("BEGIN EXCLUSIVE")
    try:
        assert await record.note("credentials", "ada") is None
    finally:
        blocker.execute("ROLLBACK")
        blocker.close()
    assert "first-sign-in-unknown" in caplog.text
    assert await record.note("credentials", "ada") is True


async def test_a_database_that_can_never_work_stops_the_start(tmp_path, make):
    (tmp_path / "gateway.db").mkdir()
    with pytest.raises(ConfigError) as caught:
        await make(f"sqlite:///{tmp_path}/gateway.db").start()
    assert "store.url" in str(caught.value)


async def test_somebody_elses_table_is_never_used(tmp_path, make):
    with sqlite3.connect(tmp_path / "gateway.db") as database:
        database.execute("CREATE TABLE sign_ins (id INTEGER)")
    with pytest.raises(ConfigError) as caught:
        await make(f"sqlite:///{tmp_path}/gateway.db").start()
    assert "sign_ins" in str(caught.value)
