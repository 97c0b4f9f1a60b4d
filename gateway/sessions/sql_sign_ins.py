"""The register of sign-ins in SQLite or PostgreSQL: one row each."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from gateway.sessions.register import Kept, Seen, SignIn
from gateway.store.tables import Tables

_TABLE = sa.Table(
    "signed_in",
    sa.MetaData(),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("user_id", sa.Text, nullable=False),
    sa.Column("provider", sa.Text, nullable=False),
    sa.Column("signed_in_at", sa.BigInteger, nullable=False),
    sa.Column("seen_at", sa.BigInteger, nullable=False),
    sa.Column("ends_at", sa.BigInteger, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("browser", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=True),
    sa.Column("token", sa.Text, nullable=True),
)
_MOST_PRUNED = 1000  # in one transaction, so that no sign-in waits for long
_SHOWN = tuple(_TABLE.c[name] for name in ("id", "user_id", "provider", "signed_in_at", "seen_at", "ends_at", "address", "browser"))


class SqlRegister:
    """See `Register`.

    Args:
        store: Shared with the record of sign-outs, which prepares it.
    """

    def __init__(self, store: Tables) -> None:
        self._store = store

    @property
    def place(self) -> str:
        """See `Register.place`."""
        return self._store.place

    async def prepare(self) -> None:
        """See `Register.prepare`."""
        await self._store.prepare()

    async def add(self, sign_in: SignIn, kept: Kept | None, *, limit_s: float) -> None:
        """See `Register.add`."""
        row: dict[str, Any] = {
            "id": sign_in.id,
            "user_id": sign_in.user_id,
            "provider": sign_in.provider,
            "signed_in_at": _seconds(sign_in.signed_in_at),
            "seen_at": _seconds(sign_in.seen_at),
            "ends_at": _seconds(sign_in.ends_at),
            "address": sign_in.address,
            "browser": sign_in.browser,
            "key": kept and kept.key,
            "token": kept and kept.token,
        }
        async with self._store.connection(limit_s, immediate=True) as connection:
            # An attempt before this one may have got through although its answer did not.
            await connection.execute(sa.delete(_TABLE).where(_TABLE.c.id == sign_in.id))
            await connection.execute(sa.insert(_TABLE).values(row))

    async def renew(self, seen: Sequence[Seen], *, limit_s: float) -> None:
        """See `Register.renew`."""
        async with self._store.connection(limit_s, immediate=True) as connection:
            for one in seen:
                values: dict[str, Any] = {"seen_at": _seconds(one.seen_at), "ends_at": _seconds(one.ends_at)}
                if one.kept is not None:
                    values |= {"key": one.kept.key, "token": one.kept.token}
                of_this = _TABLE.c.id == one.id
                meant = sa.and_(of_this, _TABLE.c.seen_at < _seconds(one.seen_at)) if one.late else of_this
                await connection.execute(sa.update(_TABLE).where(meant).values(values))

    async def remove(self, ids: Collection[str], *, limit_s: float) -> None:
        """See `Register.remove`."""
        async with self._store.connection(limit_s, immediate=True) as connection:
            await connection.execute(sa.delete(_TABLE).where(_TABLE.c.id.in_(list(ids))))

    async def token(self, key: str, *, limit_s: float) -> str | None:
        """See `Register.token`."""
        async with self._store.connection(limit_s) as connection:
            found = (await connection.execute(sa.select(_TABLE.c.token).where(_TABLE.c.key == key))).scalar()
        return None if found is None else str(found)

    async def of(self, user_id: str | None, *, limit_s: float, most: int) -> Sequence[SignIn]:
        """See `Register.of`."""
        statement = sa.select(*_SHOWN).order_by(_TABLE.c.seen_at.desc(), _TABLE.c.id).limit(most)
        if user_id is not None:
            statement = statement.where(_TABLE.c.user_id == user_id)
        async with self._store.connection(limit_s) as connection:
            return [_sign_in(row) for row in await connection.execute(statement)]

    async def find(self, id: str, *, limit_s: float) -> SignIn | None:
        """See `Register.find`."""
        async with self._store.connection(limit_s) as connection:
            row = (await connection.execute(sa.select(*_SHOWN).where(_TABLE.c.id == id))).first()
        return None if row is None else _sign_in(row)

    async def prune(self, *, before: datetime, limit_s: float) -> None:
        """See `Register.prune`."""
        over = sa.select(_TABLE.c.id).where(_TABLE.c.ends_at < _seconds(before)).limit(_MOST_PRUNED)
        pruned = _MOST_PRUNED
        while pruned == _MOST_PRUNED:
            async with self._store.connection(limit_s, immediate=True) as connection:
                pruned = (await connection.execute(sa.delete(_TABLE).where(_TABLE.c.id.in_(over)))).rowcount

    async def close(self) -> None:
        """See `Register.close`."""
        await self._store.close()


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def _sign_in(row: sa.Row[Any]) -> SignIn:
    moments = {name: datetime.fromtimestamp(getattr(row, name), UTC) for name in ("signed_in_at", "seen_at", "ends_at")}
    return SignIn(id=row.id, user_id=row.user_id, provider=row.provider, address=row.address, browser=row.browser, **moments)
