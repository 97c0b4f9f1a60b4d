"""Sign-outs in SQLite or PostgreSQL: what survives a restart, and what other processes learn within seconds.

Every process keeps all of them in memory and reads what is new each second, so no request waits for the database. While it can't be read,
nobody knows whether a session was signed out elsewhere: after a second of failures the circuit opens, and sessions are refused with 503
until a reading succeeds. A sign-out itself never fails: it holds in this process at once, and is written as soon as the
database takes it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from gateway.core.errors import ConfigError
from gateway.core.problem import Problem
from gateway.core.reason import Reason
from gateway.sessions.revocation import EVERYBODY, MemoryRevocations, Watcher
from gateway.store.engine import IMMEDIATE, WrongDatabase, open_engine, shown_url
from gateway.store.migrating import History, migrate

_log = logging.getLogger(__name__)

LOOK_S = 1.0
#: Between readings that fail; when they have failed for `PATIENCE_S`, the circuit opens.
RETRY_S = 0.2
PATIENCE_S = 1.0
TIME_LIMIT_S = 0.25
#: Of a reading while the circuit is open, or nothing is known yet: a database that comes back needs longer for its first connection.
RECOVERY_LIMIT_S = 5.0
MIGRATION_LIMIT_S = 60.0
#: Rows are numbered before they are committed, so a lower number may appear after higher ones were read: so many are read once more.
OVERLAP = 1000
_PRUNE_S = 3600.0
_MOST_ROWS = 10_000

VERSION_TABLE = "gateway_sessions_version"
HISTORY = History(
    scripts=Path(__file__).with_name("migrations"),
    head="0001",
    version_table=VERSION_TABLE,
    lock_key=0x67772D7365737369,  # "gw-sessi"
    tables=("revocations",),
)
_TABLE = sa.Table(
    "revocations",
    sa.MetaData(),
    sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("sign_in_id", sa.Text, nullable=False),
    sa.Column("ends_at", sa.BigInteger, nullable=False),
)


class SqlRevocations:
    """See the module's docstring.

    Args:
        url: `sqlite:///file` or `postgresql://...`.
        clock: The time in UTC, aware.
        time_limit_s: Of one statement with everything around it.
    """

    def __init__(self, url: str, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC), time_limit_s: float = TIME_LIMIT_S) -> None:
        self._url = url
        self._clock = clock
        self._time_limit_s = time_limit_s
        self._memory = MemoryRevocations(clock=clock)
        self._engine: AsyncEngine | None = None
        self._migrated = False
        self._task: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._known = False  # what the database holds, as of a second ago
        self._failing_since: float | None = None
        self._pending: dict[str, datetime] = {}
        self._last = 0
        self._pruned_at = time.monotonic()

    @property
    def watchers(self) -> list[Watcher]:
        """See `Revocations.watchers`."""
        return self._memory.watchers

    @property
    def available(self) -> bool:
        """False while sessions are refused because nobody can say which were signed out."""
        return self._known

    def refusal(self, sign_in_id: str) -> Reason | None:
        """See `Revocations.refusal`."""
        return self._memory.refusal(sign_in_id) or (None if self._known else Reason.SESSION_STORE_UNAVAILABLE)

    async def revoke(self, sign_in_id: str, *, until: datetime) -> None:
        """See `Revocations.revoke`. If the database does not take it now, it is written later."""
        self._memory.add({sign_in_id: until})
        self._pending[sign_in_id] = until
        try:
            if not self._known:  # nobody shall wait for what is not there
                raise _Away
            await self._write()
        except (_Away, WrongDatabase):
            _log.error("sign-out-not-stored-yet database=%s waiting=%d", shown_url(self._url), len(self._pending))
            self._wake.set()

    def hear(self, sign_in_id: str, *, until: datetime) -> None:
        """See `Revocations.hear`: a second earlier than by reading it."""
        self._memory.add({sign_in_id: until})

    async def start(self) -> None:
        """See `Revocations.start`."""
        if self._task is not None:
            return
        try:
            await self._read()
        except _Away:
            self._open_circuit()
        except WrongDatabase as error:
            await self.close()
            problem = Problem(key="store.url", what=str(error), cure=error.cure, value=shown_url(self._url))
            raise ConfigError([problem]) from error
        self._task = asyncio.get_running_loop().create_task(self._keep_reading(), name="revocations")

    async def close(self) -> None:
        """See `Revocations.close`."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        engine, self._engine = self._engine, None
        if engine is not None:
            await engine.dispose()

    async def _keep_reading(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), LOOK_S if self._failing_since is None else RETRY_S)
            self._wake.clear()
            began = time.monotonic()
            try:
                await self._write()
                await self._read()
                await self._prune()
            except Exception as error:
                if not isinstance(error, _Away):  # whatever it is, this task must not end: nobody would learn of sign-outs any more
                    _log.error("revocations-failed database=%s error=%s", shown_url(self._url), type(error).__name__)
                self._failing_since = began if self._failing_since is None else self._failing_since
                if self._known and time.monotonic() - self._failing_since >= PATIENCE_S:
                    self._open_circuit()

    def _open_circuit(self) -> None:
        self._known = False
        _log.error("revocations-unavailable database=%s", shown_url(self._url))
        for watcher in self.watchers:
            watcher(EVERYBODY)

    async def _read(self) -> None:
        since = max(0, self._last - OVERLAP)
        alive = int(self._clock().timestamp())
        while True:
            statement = sa.select(_TABLE).where(_TABLE.c.seq > since, _TABLE.c.ends_at > alive).order_by(_TABLE.c.seq).limit(_MOST_ROWS)
            async with self._connection() as connection:
                rows = (await connection.execute(statement)).all()
            self._memory.add({row.sign_in_id: datetime.fromtimestamp(row.ends_at, UTC) for row in rows})
            if rows:
                since = rows[-1].seq
            if len(rows) < _MOST_ROWS:
                break
        self._last = max(self._last, since)
        if not self._known:
            _log.info("revocations-available database=%s", shown_url(self._url))
        self._known, self._failing_since = True, None

    async def _write(self) -> None:
        pending = dict(self._pending)
        if not pending:
            return
        rows = [{"sign_in_id": sign_in_id, "ends_at": int(until.timestamp()) + 1} for sign_in_id, until in pending.items()]
        async with self._connection(immediate=True) as connection:
            await connection.execute(sa.insert(_TABLE), rows)
        for sign_in_id in pending:
            self._pending.pop(sign_in_id, None)

    async def _prune(self) -> None:
        if time.monotonic() - self._pruned_at < _PRUNE_S:
            return
        self._pruned_at = time.monotonic()
        async with self._connection(immediate=True) as connection:
            await connection.execute(sa.delete(_TABLE).where(_TABLE.c.ends_at < int(self._clock().timestamp()) - int(_PRUNE_S)))

    @contextlib.asynccontextmanager
    async def _connection(self, *, immediate: bool = False) -> AsyncIterator[AsyncConnection]:
        """A connection with a transaction that is committed at the end; the door that no exception of a database passes."""
        try:
            if not self._migrated:
                await self._prepare()
            assert self._engine is not None
            limit_s = self._time_limit_s if self._known else RECOVERY_LIMIT_S
            async with asyncio.timeout(limit_s), self._engine.connect() as connection:
                await connection.execution_options(**{IMMEDIATE: immediate})
                async with connection.begin():
                    yield connection
        except (WrongDatabase, _Away):
            raise
        except Exception as error:
            # The kind only: messages of drivers hold addresses, statements and values.
            _log.debug("database-failed database=%s error=%s", shown_url(self._url), type(error).__name__)
            raise _Away from error

    async def _prepare(self) -> None:
        if self._engine is None:
            self._engine = open_engine(self._url, wait_s=self._time_limit_s)
        async with asyncio.timeout(MIGRATION_LIMIT_S), self._engine.connect() as connection:
            await migrate(connection, HISTORY)
        self._migrated = True


class _Away(Exception):
    """The database gave no answer."""
