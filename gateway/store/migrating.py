"""Bringing the tables of one room up to date, once, however many processes start at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.store.engine import IMMEDIATE, WrongDatabase


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The migrations of one room.

    Attributes:
        scripts: The folder with alembic's `env.py` and `versions`.
        head: The newest revision; where the tables have it, alembic need not be imported (a quarter of a second).
        version_table: Where the revision is kept: of its own, as other tables of the database may have their own history.
        lock_key: One number among all that use this PostgreSQL's advisory locks.
        tables: What it makes.
    """

    scripts: Path
    head: str
    version_table: str
    lock_key: int
    tables: Sequence[str]


async def migrate(connection: AsyncConnection, history: History) -> None:
    """Bring the tables up to date. One process at a time: the lock is held until the transaction ends, whatever ends it.

    Raises:
        WrongDatabase: A newer version of the gateway was here, or somebody else's table is in the way.
    """
    if await connection.run_sync(_version, history) == history.head:
        return
    await connection.rollback()
    await connection.execution_options(**{IMMEDIATE: True})
    async with connection.begin():
        if connection.dialect.name == "postgresql":
            await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(history.lock_key)))
        version = await connection.run_sync(_version, history)
        if version == history.head:
            return  # the process before us did it
        for table in history.tables if version is None else ():
            if await connection.run_sync(_has, table):
                what = f"the database has a table {table!r} that the gateway did not make"
                raise WrongDatabase(what, "give the gateway a database (or, in PostgreSQL, a schema) of its own")
        await connection.run_sync(_upgrade, history)


def _has(connection: sa.Connection, table: str) -> bool:
    return sa.inspect(connection).has_table(table)


def _version(connection: sa.Connection, history: History) -> str | None:
    if not _has(connection, history.version_table):
        return None
    version = connection.execute(sa.select(sa.text("version_num")).select_from(sa.table(history.version_table))).scalar()
    return None if version is None else str(version)


def _upgrade(connection: sa.Connection, history: History) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(history.scripts).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:  # it has a revision that this version does not know
        raise WrongDatabase(
            "the database was made by a newer version of the gateway", "run that version, or give this one its own"
        ) from error
