"""The tables of one room in one database: opened when they are first used, brought up to date once, and one door for all that can go wrong."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from sqlite3 import SQLITE_ERROR, SQLITE_NOTADB

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from gateway.store.engine import IMMEDIATE, LOCK_WAIT_S, file_of, open_engine
from gateway.store.errors import StoreAway, WrongDatabase, shown_url
from gateway.store.migrating import History, migrate

_log = logging.getLogger(__name__)

#: SQLite has one code for all that is wrong with a statement; PostgreSQL: undefined_table, invalid_schema_name.
_NO_TABLE = frozenset({SQLITE_ERROR, "42P01", "3F000"})
_READ_ONLY = "25006"  # PostgreSQL: read_only_sql_transaction
#: Seconds for the migrations, waiting for another process to finish its own included.
MIGRATION_LIMIT_S = 60.0


class Tables:
    """See the module's docstring.

    Args:
        url: `sqlite:///file` or `postgresql://...`.
        history: The room's migrations.
        wait_s: Seconds to wait for a connection of the pool.
        own: The room's own exceptions, which pass the door.

    Attributes:
        place: The database without its password.
    """

    def __init__(self, url: str, history: History, *, wait_s: float, own: tuple[type[Exception], ...] = ()) -> None:
        self.place = shown_url(url)
        self._url = url
        self._history = history
        self._wait_s = wait_s
        self._passes: tuple[type[Exception], ...] = (StoreAway, WrongDatabase, *own)
        self._engine: AsyncEngine | None = None
        self._file = file_of(url)
        self._opened_file: tuple[int, int] | None = None
        self._preparing = asyncio.Lock()
        self._prepared = False

    async def prepare(self, *, again: bool = False) -> None:
        """Make what is missing; does nothing once that has worked.

        Args:
            again: Look all the same: somebody may have put an empty database in its place.

        Raises:
            StoreAway, WrongDatabase: As they say. The message is the kind of the fault, nothing of a driver's words.
        """
        if again:
            self._prepared = False
        if self._prepared:
            return
        async with self._preparing:
            if self._is_prepared():
                return
            async with self._asking(MIGRATION_LIMIT_S), self._opened().connect() as connection:
                await connection.execution_options(**{LOCK_WAIT_S: MIGRATION_LIMIT_S})
                await migrate(connection, self._history)
            self._prepared = True

    @property
    def is_file(self) -> bool:
        """True for SQLite: there is no server that could be gone, but a disk that may be busy."""
        return self._file is not None

    @contextlib.asynccontextmanager
    async def connection(self, limit_s: float, *, immediate: bool = False) -> AsyncIterator[AsyncConnection]:
        """A connection with a transaction that is committed at the end. Whoever needs the tables prepares them first.

        Args:
            limit_s: Seconds for everything inside, somebody else's lock on a SQLite file among it.
            immediate: It will write.

        Raises:
            StoreAway, WrongDatabase: As they say.
        """
        async with self._asking(limit_s):
            await self._notice_another_file()
        async with self._asking(limit_s), self._opened().connect() as connection:
            await connection.execution_options(**{IMMEDIATE: immediate, LOCK_WAIT_S: limit_s})
            async with connection.begin():
                yield connection

    async def close(self) -> None:
        """Close every connection; safe to call twice."""
        engine, self._engine, self._prepared = self._engine, None, False
        if engine is not None:
            await engine.dispose()

    def _is_prepared(self) -> bool:
        return self._prepared  # by whoever had the lock before

    def _opened(self) -> AsyncEngine:
        if self._engine is None:
            self._engine = open_engine(self._url, wait_s=self._wait_s)
            self._opened_file = _identity(self._file)
        return self._engine

    async def _notice_another_file(self) -> None:
        """Whoever has a file open that was removed or replaced reads and writes what nobody else does.

        Raises:
            StoreAway: That is so. The next question opens what lies there now.
        """
        if self._file is None or self._engine is None:
            return
        if await asyncio.to_thread(_identity, self._file) != self._opened_file:
            _log.error("database-replaced database=%s", self.place)
            await self.close()
            raise StoreAway("the file was replaced")

    @contextlib.asynccontextmanager
    async def _asking(self, limit_s: float) -> AsyncIterator[None]:
        """The door that no exception of a database or its driver passes."""
        try:
            async with asyncio.timeout(limit_s):
                yield
        except self._passes:
            raise
        except Exception as error:  # drivers raise what they like, OSError and ValueError among them
            cause = getattr(error, "orig", None)
            code = getattr(cause, "sqlite_errorcode", None) or getattr(cause, "sqlstate", None)
            if code == SQLITE_NOTADB:
                raise WrongDatabase("the file is no SQLite database", "name another file, or move this one away") from error
            if code in _NO_TABLE:
                self._prepared = False  # somebody made the database anew: whoever asks next makes the tables
            if code == _READ_ONLY:
                await self.close()  # it was the primary when it was connected to; the next connection looks for the one of now
            # The kind only: messages of drivers hold addresses, statements and values.
            _log.debug("database-failed database=%s error=%s", self.place, type(error).__name__)
            raise StoreAway(type(error).__name__) from error


def _identity(file: Path | None) -> tuple[int, int] | None:
    """Which file it is that has a name now; None if there is none."""
    try:
        found = file.stat() if file is not None else None
    except OSError:
        return None
    return None if found is None else (found.st_dev, found.st_ino)
