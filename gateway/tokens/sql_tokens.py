"""Tokens in SQLite or PostgreSQL: who they are for, how far they reach, until when. Of a token itself only a hash is kept.

A database that does not answer is never a yes: whoever asks is told so, and for a second nobody waits for it again.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.core.errors import ConfigError, GatewayError
from gateway.core.problem import Problem
from gateway.store.errors import StoreAway, WrongDatabase
from gateway.store.migrating import History
from gateway.store.tables import Tables
from gateway.tokens.token import id_of

TIME_LIMIT_S = 0.25
#: Of the first connection, and of commands: a person waits.
PATIENT_LIMIT_S = 5.0
_AWAY_S = 1.0
#: How long a token that is over stays in the list.
KEPT = timedelta(days=30)

VERSION_TABLE = "gateway_tokens_version"
HISTORY = History(
    scripts=Path(__file__).with_name("migrations"),
    head="0001",
    version_table=VERSION_TABLE,
    lock_key=0x67772D746F6B656E,  # "gw-token"
    tables=("tokens",),
)
_TABLE = sa.Table(
    "tokens",
    sa.MetaData(),
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("user_id", sa.Text, nullable=False),
    sa.Column("provider", sa.Text, nullable=False),
    sa.Column("attributes", sa.JSON, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("scopes", sa.JSON, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("expires_at", sa.BigInteger, nullable=False),
    sa.Column("revoked_at", sa.BigInteger),
)


class TokensUnavailable(GatewayError):
    """The database gave no answer. The message names it, without a password."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A token that was issued.

    Attributes:
        digest: The hash of it.
        user_id: Who it is for, as upstreams are told.
        provider: The id of the provider that knows the user; "": none does, and `attributes` say who it is.
        name: What it is for, in its owner's words.
        scopes: As written; none: whatever the user may do.
    """

    digest: str = field(repr=False)
    user_id: str
    provider: str
    attributes: Mapping[str, object]
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None

    @property
    def id(self) -> str:
        """What people call it."""
        return id_of(self.digest)


class SqlTokens:
    """See the module's docstring. Nothing is opened before it is needed.

    Args:
        url: `sqlite:///file` or `postgresql://...`.
        time_limit_s: Of one statement with everything around it.
    """

    def __init__(self, url: str, *, time_limit_s: float = TIME_LIMIT_S) -> None:
        self._tables = Tables(url, HISTORY, wait_s=PATIENT_LIMIT_S)
        self._time_limit_s = time_limit_s
        self._away_until = 0.0

    @property
    def place(self) -> str:
        """Where they are, for a person."""
        return self._tables.place

    async def start(self) -> None:
        """Open the database, and bring its table up to date. One that does not answer is asked again later.

        Raises:
            ConfigError: It can't be used as configured.
        """
        with contextlib.suppress(TokensUnavailable):
            await self._prepare()

    async def find(self, digest: str) -> Issued | None:
        """The token of a hash.

        Raises:
            TokensUnavailable: Nobody knows.
        """
        async with self._connection() as connection:
            row = (await connection.execute(sa.select(_TABLE).where(_TABLE.c.digest == digest))).one_or_none()
        return None if row is None else _issued(row)

    async def add(self, issued: Issued) -> None:
        """Keep a new one, and forget those that have been over for long.

        Raises:
            TokensUnavailable: It is not kept.
        """
        long_ago = _seconds(issued.created_at - KEPT)
        values = {
            **{name: getattr(issued, name) for name in ("digest", "user_id", "provider", "name")},
            "attributes": dict(issued.attributes),
            "scopes": list(issued.scopes),
            "created_at": _seconds(issued.created_at),
            "expires_at": _seconds(issued.expires_at),
        }
        async with self._connection(immediate=True) as connection:
            await connection.execute(sa.delete(_TABLE).where(sa.or_(_TABLE.c.expires_at < long_ago, _TABLE.c.revoked_at < long_ago)))
            await connection.execute(sa.insert(_TABLE), [values])

    async def all(self) -> Sequence[Issued]:
        """All of them, the newest first.

        Raises:
            TokensUnavailable: Nobody knows.
        """
        async with self._connection() as connection:
            rows = (await connection.execute(sa.select(_TABLE).order_by(_TABLE.c.created_at.desc(), _TABLE.c.digest))).all()
        return [_issued(row) for row in rows]

    async def revoke(self, digests: Sequence[str], *, now: datetime) -> int:
        """End tokens; gives how many were not ended before.

        Raises:
            TokensUnavailable: They are as good as they were.
        """
        ends = sa.update(_TABLE).where(_TABLE.c.digest.in_(digests), _TABLE.c.revoked_at.is_(None)).values(revoked_at=_seconds(now))
        async with self._connection(immediate=True) as connection:
            return int((await connection.execute(ends)).rowcount)

    async def close(self) -> None:
        """Let go of everything; safe to call twice."""
        await self._tables.close()

    @contextlib.asynccontextmanager
    async def _connection(self, *, immediate: bool = False) -> AsyncIterator[AsyncConnection]:
        """A connection with a transaction that is committed at the end."""
        if time.monotonic() < self._away_until:
            raise self._unavailable(again=False)
        try:
            await self._prepare()
            async with self._tables.connection(self._time_limit_s, immediate=immediate) as connection:
                yield connection
        except (ConfigError, StoreAway, WrongDatabase) as error:  # it may answer at last, and turn out to be the wrong one
            raise self._unavailable() from error

    async def _prepare(self) -> None:
        try:
            await self._tables.prepare()
        except WrongDatabase as error:
            await self.close()
            raise ConfigError([Problem(key="store.url", what=str(error), cure=error.cure, value=self.place)]) from error
        except StoreAway as error:
            raise self._unavailable() from error

    def _unavailable(self, *, again: bool = True) -> TokensUnavailable:
        if again:
            self._away_until = time.monotonic() + _AWAY_S
        return TokensUnavailable(f"the database of tokens gives no answer ({self.place}): see that it runs and can be reached from here")


def _issued(row: Any) -> Issued:
    return Issued(
        digest=row.digest,
        user_id=row.user_id,
        provider=row.provider,
        attributes=row.attributes,
        name=row.name,
        scopes=tuple(row.scopes),
        created_at=_moment(row.created_at),
        expires_at=_moment(row.expires_at),
        revoked_at=None if row.revoked_at is None else _moment(row.revoked_at),
    )


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
