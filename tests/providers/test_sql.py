from __future__ import annotations

import asyncio
import sqlite3
import stat
from pathlib import Path

import pytest
import sqlalchemy as sa

from gateway.core.errors import ConfigError, ProviderUnavailable
from gateway.providers.accounts import DEFAULT_FIELDS
from gateway.providers.base import Accepted, NotMine, Rejected
from gateway.providers.directory import IdTaken, UserExists
from gateway.providers.passwords import TODAY, Passwords
from gateway.providers.sql import SqlUsers
from gateway.providers.sql_table import HISTORY, METADATA, VERSION_TABLE, UserTable
from gateway.store.engine import open_engine, shown_url
from tests.providers.counting import BCRYPT, OLD_HASHES, PASSWORD, TODAY_HASH, TODAY_KIND, CountingPasswords, posted
from tests.servers import PostgreSQL


@pytest.fixture(params=["sqlite", "postgresql"])
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgresql":
        return await request.getfixturevalue("postgres").new_database()
    return f"sqlite:///{tmp_path}/users.db"


async def refused_at_start(url: str, passwords: Passwords) -> ConfigError:
    users = made(url, passwords)
    with pytest.raises(ConfigError) as caught:
        await users.start()
    await users.close()
    return caught.value


def made(url: str, passwords: Passwords) -> SqlUsers:
    return SqlUsers(id="table", name="Table", fields=DEFAULT_FIELDS, table=UserTable(url, "table"), passwords=passwords)


async def run(url: str, *statements: str) -> None:
    engine = open_engine(url)
    try:
        async with engine.begin() as connection:
            for statement in statements:
                await connection.execute(sa.text(statement))
    finally:
        await engine.dispose()


async def stored(url: str, name: str = "ada") -> str:
    table = UserTable(url)
    account = await table.by_username(name)
    await table.close()
    assert account is not None
    return account.password


# --- migrations ---


async def test_the_migrations_make_the_table_that_the_statements_expect(url: str):
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext

    table = UserTable(url)
    await table.prepare()
    await table.close()

    def differences(connection: sa.Connection) -> object:
        def ours(thing: object, name: str | None, kind: str, *_: object) -> bool:
            return kind != "table" or name != VERSION_TABLE

        return compare_metadata(MigrationContext.configure(connection, opts={"include_object": ours}), METADATA)

    engine = open_engine(url)
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
        assert (await connection.execute(sa.text(f"select version_num from {VERSION_TABLE}"))).scalar() == HISTORY.head
    await engine.dispose()


def test_the_newest_revision_is_the_one_that_the_code_looks_for():
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    import gateway.providers.migrations as migrations

    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_heads() == [HISTORY.head]


async def test_processes_that_start_together_migrate_once(url: str):
    tables = [UserTable(url) for _ in range(6)]
    await asyncio.gather(*(table.prepare() for table in tables))
    await tables[0].add("ada", TODAY_HASH, {})
    assert [account.name for account in await tables[5].accounts()] == ["ada"]
    for table in tables:
        await table.close()


async def test_a_table_of_somebody_else_is_left_alone(url: str, passwords: Passwords):
    await run(url, "create table users (id integer primary key)")
    assert "did not make" in str(await refused_at_start(url, passwords))


async def test_a_database_of_a_newer_version_is_refused(url: str, passwords: Passwords):
    first = made(url, passwords)
    await first.start()
    await first.close()
    await run(url, f"update {VERSION_TABLE} set version_num = '9999'")
    assert "newer version" in str(await refused_at_start(url, passwords))


# --- users ---


async def test_everything_that_is_stored_comes_back(url: str):
    table = UserTable(url)
    attributes = {"id": "7", "name": "Ada \U0001f40e", "email": "a@b", "roles": ["a"], "groups": ["b"], "plan": {"seats": 3}}
    await table.add("ada", TODAY_HASH, attributes)
    account = await table.by_id("7")
    assert account == await table.by_username("ada")
    assert account is not None
    assert account.attributes == {**attributes, "image": None}
    await table.close()


async def test_names_and_ids_are_given_once(url: str):
    table = UserTable(url)
    await table.add("ada", TODAY_HASH, {})
    for name, attributes, refused in (("ada", {}, UserExists), ("ada", {"id": "x"}, UserExists), ("bob", {"id": "ada"}, IdTaken)):
        with pytest.raises(refused):
            await table.add(name, TODAY_HASH, attributes)
    assert len(await table.accounts()) == 1
    await table.close()


async def test_many_writers_wait_for_each_other(url: str):
    tables = [UserTable(url) for _ in range(3)]
    await asyncio.gather(*(tables[number % 3].add(f"user{number}", TODAY_HASH, {}) for number in range(15)))
    assert len(await tables[0].accounts()) == 15
    for table in tables:
        await table.close()


async def test_an_old_hash_is_replaced_at_sign_in(url: str, passwords: Passwords):
    users = made(url, passwords)
    await users._table.add("ada", BCRYPT, {})
    assert isinstance(await users.authorize(posted("ada", "wrong")), Rejected)
    assert await stored(url) == BCRYPT
    assert isinstance(await users.authorize(posted("ada")), Accepted)
    assert (await stored(url)).startswith(TODAY)
    await users.close()


async def test_a_password_that_was_changed_meanwhile_is_not_overwritten(url: str):
    table = UserTable(url)
    await table.add("ada", TODAY_HASH, {})
    assert await table.set_password("ada", "new", instead_of=BCRYPT) is False
    await table.close()
    assert await stored(url) == TODAY_HASH


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param("update users set password = 'no hash'", id="password-is-no-hash"),
        pytest.param("update users set disabled = true", id="disabled"),
    ],
)
async def test_a_spoilt_password_is_a_no(url: str, passwords: Passwords, damage: str):
    users = made(url, passwords)
    await users._table.add("ada", TODAY_HASH, {})
    await run(url, damage)
    assert isinstance(await users.authorize(posted("ada")), Rejected)
    await users.close()


@pytest.mark.parametrize("damage", ["roles = '\"admin\"'", "roles = '{\"a\": 1}'", "groups = '[1]'", "claims = '{\"exp\": 1}'"])
async def test_attributes_that_cannot_be_read_are_no_answer_and_only_for_the_owner(url: str, passwords: Passwords, damage: str):
    users = made(url, passwords)
    await users._table.add("ada", TODAY_HASH, {})
    await run(url, f"update users set {damage}".replace("groups =", '"groups" ='))
    assert isinstance(await users.authorize(posted("ada", "wrong")), Rejected)
    with pytest.raises(ProviderUnavailable):
        await users.authorize(posted("ada"))
    await users.close()


async def test_old_kinds_of_hashes_are_learned_at_the_start(url: str, counting: CountingPasswords):
    users = made(url, counting)
    await users._table.add("ada", TODAY_HASH, {})
    await users._table.add("old", OLD_HASHES["sha512_crypt:5000"], {})
    await users.start()
    for name in ("ada", "old"):
        assert isinstance(await users.authorize(posted(name, "wrong")), Rejected)
        assert counting.compared() == [TODAY_KIND, "sha512_crypt:5000"], name
    assert await users.authorize(posted("nobody", "wrong")) == NotMine()
    assert counting.compared() == []
    await users.close()


# --- when the database is not there ---


async def test_postgresql_may_come_later_go_away_and_come_back(
    postgres: PostgreSQL, passwords: Passwords, caplog: pytest.LogCaptureFixture
):
    url = await postgres.new_database()
    table = UserTable(url)
    await table.add("ada", TODAY_HASH, {})
    await table.close()
    postgres.stop()
    try:
        users = made(url, passwords)
        await users.start()  # the gateway starts: those who are signed in need no database
        with pytest.raises(ProviderUnavailable):
            await users.authorize(posted("ada"))
        postgres.start()
        assert isinstance(await users.authorize(posted("ada")), Accepted)
        postgres.stop()
        with pytest.raises(ProviderUnavailable):
            await users.authorize(posted("ada"))
    finally:
        postgres.stop()
        postgres.start()
    assert isinstance(await users.authorize(posted("ada")), Accepted)
    await users.close()
    assert PASSWORD not in caplog.text
    assert TODAY_HASH not in caplog.text


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("mysql://host/name", id="another-database"),
        pytest.param("sqlite:////nowhere/at/all/users.db", id="no-folder"),
        pytest.param("sqlite:////tmp", id="a-folder"),
        pytest.param(f"sqlite:///{__file__}", id="no-database"),
    ],
)
async def test_a_url_that_can_never_work_stops_the_start(passwords: Passwords, url: str):
    [problem] = (await refused_at_start(url, passwords)).problems
    assert problem.key == "providers[table].url"
    assert problem.cure


async def test_an_unknown_database_stops_the_start_without_showing_the_password(postgres: PostgreSQL, passwords: Passwords):
    error = await refused_at_start(postgres.url("no_such_database", user="postgres:s3cret"), passwords)
    assert "refuses the gateway" in str(error)
    assert "s3cret" not in str(error)


async def test_a_locked_sqlite_file_is_no_answer_and_the_owner_gets_in_afterwards(tmp_path: Path, passwords: Passwords):
    url = f"sqlite:///{tmp_path}/users.db"
    table = UserTable(url, "table", time_limit_s=2)
    users = SqlUsers(id="table", name="Table", fields=DEFAULT_FIELDS, table=table, passwords=passwords)
    await table.add("ada", TODAY_HASH, {})
    blocker = sqlite3.connect(tmp_path / "users.db", isolation_level=None)
    blocker.execute("BEGIN EXCLUSIVE")
    with pytest.raises(ProviderUnavailable):
        await users.authorize(posted("ada"))
    blocker.execute("ROLLBACK")
    blocker.close()
    assert isinstance(await users.authorize(posted("ada")), Accepted)
    await users.close()


async def test_a_new_sqlite_file_is_private(tmp_path: Path):
    table = UserTable(f"sqlite:///{tmp_path}/users.db")
    await table.prepare()
    await table.close()
    assert stat.S_IMODE((tmp_path / "users.db").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        pytest.param(
            "postgresql://ada:s3cret@host:5432/name?password=s3cret", "postgresql://host:5432/name", id="user-password-parameters"
        ),
        pytest.param("postgresql://ada:s3@cret@host/name", "postgresql://host/name", id="at-sign-in-the-password"),
        pytest.param("sqlite:////var/users.db", "sqlite:////var/users.db", id="sqlite"),
    ],
)
def test_a_url_is_shown_without_its_password(url: str, shown: str):
    assert shown_url(url) == shown
