"""Who has signed in here before, in SQLite or PostgreSQL: for redirect rules about somebody's first sign-in.

A sign-in asks and writes in one step, so of several at once exactly one is the first, over all processes and replicas. While the database
gives no answer nobody can say, and no rule about it fits; the sign-in itself goes on.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from gateway.core.errors import ConfigError
from gateway.core.problem import Problem
from gateway.store.errors import StoreAway, WrongDatabase
from gateway.store.migrating import History
from gateway.store.tables import MIGRATION_LIMIT_S, Tables

_log = logging.getLogger(__name__)

TIME_LIMIT_S = 1.0
VERSION_TABLE = "gateway_sign_ins_version"
HISTORY = History(
    scripts=Path(__file__).with_name("sign_in_migrations"),
    head="0001",
    version_table=VERSION_TABLE,
    lock_key=0x67772D7369676E69,  # "gw-signi"
    tables=("sign_ins",),
)
_TABLE = sa.Table("sign_ins", sa.MetaData(), sa.Column("who", sa.Text, primary_key=True), sa.Column("first_at", sa.BigInteger))


class FirstSignIns:
    """See the module's docstring.

    Args:
        url: `sqlite:///file` or `postgresql://...`.
        clock: The time in UTC, aware.
    """

    def __init__(self, url: str, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._tables = Tables(url, HISTORY, wait_s=TIME_LIMIT_S)
        self._clock = clock

    async def start(self) -> None:
        """Open the database and bring the table up to date. One that does not answer yet is no error: the next sign-in tries again.

        Raises:
            ConfigError: It can't work as configured.
        """
        try:
            await self._tables.prepare()
        except WrongDatabase as error:
            await self.close()
            raise ConfigError([Problem(key="store.url", what=str(error), cure=error.cure, value=self._tables.place)]) from error
        except StoreAway as error:
            self._complain(error)

    async def note(self, provider: str, user_id: str) -> bool | None:
        """Write down that somebody signed in.

        Returns:
            True if it was for the first time; None if nobody can say.
        """
        try:
            await self._tables.prepare()
            async with self._tables.connection(TIME_LIMIT_S, immediate=True) as connection:
                insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
                row = {"who": _who(provider, user_id), "first_at": int(self._clock().timestamp())}
                return (await connection.execute(insert(_TABLE).values(row).on_conflict_do_nothing())).rowcount == 1
        except (StoreAway, WrongDatabase) as error:
            self._complain(error)
            return None

    async def knows(self, provider: str, user_id: str) -> bool | None:
        """True if somebody has signed in before; None if nobody can say. Nothing is written, no table is made."""
        try:
            async with self._tables.connection(MIGRATION_LIMIT_S) as connection:
                if not await connection.run_sync(lambda sync: sa.inspect(sync).has_table(_TABLE.name)):
                    return False
                found = await connection.execute(sa.select(_TABLE.c.who).where(_TABLE.c.who == _who(provider, user_id)))
                return found.first() is not None
        except (StoreAway, WrongDatabase) as error:
            self._complain(error)
            return None

    async def close(self) -> None:
        """Close every connection; safe to call twice."""
        await self._tables.close()

    def _complain(self, error: Exception) -> None:
        _log.error("first-sign-in-unknown database=%s error=%s", self._tables.place, error)


def _who(provider: str, user_id: str) -> str:
    return hashlib.sha256(f"{provider}\0{user_id}".encode("utf-8", "surrogatepass")).hexdigest()
