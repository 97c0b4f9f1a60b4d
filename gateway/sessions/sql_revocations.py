"""Sign-outs in SQLite or PostgreSQL: a table of numbered rows, read on from the number that was read last."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from gateway.sessions.ledger import Page
from gateway.store.migrating import History
from gateway.store.tables import Tables

WAIT_S = 0.25
#: Rows are numbered before they are committed, so a lower number may appear after higher ones were read: so many are read once more.
OVERLAP = 1000
_MOST_ROWS = 10_000

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
        self._last = 0
        self._page_end: int | None = None  # where to read on, if there was more than a page

    @property
    def place(self) -> str:
        """See `Ledger.place`."""
        return self._store.place

    async def prepare(self) -> None:
        """See `Ledger.prepare`."""
        await self._store.prepare()

    async def read(self, *, alive_at: datetime, limit_s: float) -> Page:
        """See `Ledger.read`."""
        at_least = max(0, self._last - OVERLAP) if self._page_end is None else self._page_end
        alive = int(alive_at.timestamp())
        statement = sa.select(_TABLE).where(_TABLE.c.seq > at_least, _TABLE.c.ends_at > alive).order_by(_TABLE.c.seq).limit(_MOST_ROWS)
        async with self._store.connection(limit_s) as connection:
            rows = (await connection.execute(statement)).all()
        more = len(rows) == _MOST_ROWS
        if rows:
            self._last = max(self._last, rows[-1].seq)
        self._page_end = rows[-1].seq if more else None
        return Page({row.sign_in_id: datetime.fromtimestamp(row.ends_at, UTC) for row in rows}, more=more)

    async def write(self, ended: Mapping[str, datetime], *, limit_s: float) -> None:
        """See `Ledger.write`."""
        rows = [{"sign_in_id": sign_in_id, "ends_at": int(until.timestamp()) + 1} for sign_in_id, until in ended.items()]
        async with self._store.connection(limit_s, immediate=True) as connection:
            await connection.execute(sa.insert(_TABLE), rows)

    async def prune(self, *, before: datetime, limit_s: float) -> None:
        """See `Ledger.prune`."""
        async with self._store.connection(limit_s, immediate=True) as connection:
            await connection.execute(sa.delete(_TABLE).where(_TABLE.c.ends_at < int(before.timestamp())))

    async def close(self) -> None:
        """See `Ledger.close`."""
        await self._store.close()
