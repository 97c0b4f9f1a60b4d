"""Sign-outs in SQLite or PostgreSQL: a table of numbered rows, read on from the number that was read last.

A database may forget: it was restored from a backup, or a standby that lacked the last rows took over. So the row that was read last is
looked for each time, too. If it is not there any more, every gateway writes down again what it remembers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.sessions.ledger import FILE_PATIENCE_S, SERVER_PATIENCE_S, Page
from gateway.store.migrating import History
from gateway.store.tables import Tables

WAIT_S = 0.25
#: Whoever writes in PostgreSQL holds this advisory lock, so that rows are numbered in the order in which they can be read.
_WRITERS = 0x67772D7265766F6B  # "gw-revok"
#: An older gateway does not: a lower number may appear after higher ones were read. So many are read once more.
OVERLAP = 1000
_MOST_ROWS = 10_000
#: In one transaction, so that nobody else waits for long.
MOST_WRITTEN = 1000
MOST_PRUNED = 1000

VERSION_TABLE = "gateway_sessions_version"
HISTORY = History(
    scripts=Path(__file__).with_name("migrations"),
    head="0002",
    version_table=VERSION_TABLE,
    lock_key=0x67772D7365737369,  # "gw-sessi"
    tables=("revocations", "signed_in"),
)
_TABLE = sa.Table(
    "revocations",
    sa.MetaData(),
    sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("sign_in_id", sa.Text, nullable=False),
    sa.Column("ends_at", sa.BigInteger, nullable=False),
)


class SqlLedger:
    """See `Ledger`."""

    def __init__(self, store: Tables) -> None:
        self._store = store
        self._last: tuple[int, str] = 0, ""
        self._page_end: int | None = None  # where to read on, if there was more than a page

    @property
    def place(self) -> str:
        """See `Ledger.place`."""
        return self._store.place

    @property
    def patience_s(self) -> float:
        """See `Ledger.patience_s`."""
        return FILE_PATIENCE_S if self._store.is_file else SERVER_PATIENCE_S

    async def prepare(self, *, again: bool = False) -> None:
        """See `Ledger.prepare`."""
        await self._store.prepare(again=again)

    async def read(self, *, alive_at: datetime, limit_s: float) -> Page:
        """See `Ledger.read`."""
        at_least = max(0, self._last[0] - OVERLAP) if self._page_end is None else self._page_end
        async with self._store.connection(limit_s) as connection:
            rows = await _rows(connection, at_least)
            lost = self._page_end is None and self._last[0] > 0 and self._last not in {(row.seq, row.sign_in_id) for row in rows}
            if lost:
                rows = await _rows(connection, 0)
        if rows or lost:
            self._last = (rows[-1].seq, rows[-1].sign_in_id) if rows else (0, "")
        more = len(rows) == _MOST_ROWS
        self._page_end = rows[-1].seq if more else None
        ended = {row.sign_in_id: datetime.fromtimestamp(row.ends_at, UTC) for row in rows if row.ends_at > alive_at.timestamp()}
        return Page(ended, more=more, lost=lost)

    async def write(self, ended: Mapping[str, datetime], *, limit_s: float) -> None:
        """See `Ledger.write`."""
        rows = [{"sign_in_id": sign_in_id, "ends_at": int(until.timestamp()) + 1} for sign_in_id, until in ended.items()]
        for at in range(0, len(rows), MOST_WRITTEN):
            async with self._store.connection(limit_s, immediate=True) as connection:
                if connection.dialect.name == "postgresql":
                    await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_WRITERS)))
                await connection.execute(sa.insert(_TABLE), rows[at : at + MOST_WRITTEN])

    async def prune(self, *, before: datetime, limit_s: float) -> None:
        """See `Ledger.prune`. The newest stays, whatever it says: others look for it."""
        newest = sa.select(sa.func.max(_TABLE.c.seq)).scalar_subquery()
        over = sa.select(_TABLE.c.seq).where(_TABLE.c.ends_at < int(before.timestamp()), _TABLE.c.seq < newest).limit(MOST_PRUNED)
        pruned = MOST_PRUNED
        while pruned == MOST_PRUNED:
            async with self._store.connection(limit_s, immediate=True) as connection:
                pruned = (await connection.execute(sa.delete(_TABLE).where(_TABLE.c.seq.in_(over)))).rowcount

    async def close(self) -> None:
        """See `Ledger.close`."""
        await self._store.close()


async def _rows(connection: AsyncConnection, at_least: int) -> Sequence[sa.Row[Any]]:
    statement = sa.select(_TABLE).where(_TABLE.c.seq > at_least).order_by(_TABLE.c.seq).limit(_MOST_ROWS)
    return (await connection.execute(statement)).all()
