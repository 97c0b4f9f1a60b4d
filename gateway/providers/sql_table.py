"""The table of users in SQLite or PostgreSQL: its shape, its migrations, and every statement that touches it."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.core.errors import ConfigError, ProviderUnavailable
from gateway.core.problem import Problem
from gateway.providers.accounts import Account
from gateway.providers.directory import IdTaken, UserExists, UserMissing
from gateway.store.errors import StoreAway, WrongDatabase
from gateway.store.migrating import History
from gateway.store.tables import Tables

_log = logging.getLogger(__name__)

TIME_LIMIT_S = 5.0

VERSION_TABLE = "gateway_users_version"
HISTORY = History(
    scripts=Path(__file__).with_name("migrations"),
    head="0001",
    version_table=VERSION_TABLE,
    lock_key=0x67772D7573657273,  # "gw-users"
    tables=("users",),
)
_MOST_OLD_HASHES = 1000

METADATA = sa.MetaData()
USERS = sa.Table(
    "users",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("username", sa.Text, nullable=False, unique=True),
    sa.Column("password", sa.Text, nullable=False),
    sa.Column("name", sa.Text),
    sa.Column("email", sa.Text),
    sa.Column("image", sa.Text),
    sa.Column("roles", sa.JSON, nullable=False),
    sa.Column("groups", sa.JSON, nullable=False),
    sa.Column("claims", sa.JSON, nullable=False),
    sa.Column("disabled", sa.Boolean, nullable=False),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
)
_OWN = ("id", "name", "email", "image", "roles", "groups")


class UserTable:
    """The users of one database; also the `Directory` of the commands. Every method may raise `ProviderUnavailable`.

    Args:
        url: `sqlite:///file` or `postgresql://...`.
        provider: The id under which failures are told.
        time_limit_s: Of a statement with everything around it, waiting for a connection included.
    """

    def __init__(self, url: str, provider: str = "sql", *, time_limit_s: float = TIME_LIMIT_S) -> None:
        self._tables = Tables(url, HISTORY, wait_s=time_limit_s, own=(IdTaken, UserExists, UserMissing))
        self._provider = provider
        self._time_limit_s = time_limit_s

    @property
    def place(self) -> str:
        """The database without its password."""
        return self._tables.place

    async def prepare(self) -> None:
        """Open the pool and bring the table up to date; does nothing once that has worked.

        Raises:
            ConfigError: The database can't be used as it is configured: a person must act.
            ProviderUnavailable: It does not answer now.
        """
        try:
            await self._tables.prepare()
        except WrongDatabase as error:
            problem = Problem(key=f"providers[{self._provider}].url", what=str(error), cure=error.cure, value=self.place)
            raise ConfigError([problem]) from error
        except StoreAway as error:
            raise self._unavailable(error) from error

    async def by_username(self, username: str) -> Account | None:
        """The account that is signed in to by this name."""
        return await self._one(USERS.c.username == username)

    async def by_id(self, user_id: str) -> Account | None:
        """The account of this id."""
        return await self._one(USERS.c.id == user_id)

    async def accounts(self) -> Sequence[Account]:
        """All users, by name."""
        async with self._connection() as connection:
            rows = (await connection.execute(sa.select(USERS).order_by(USERS.c.username))).mappings().all()
        return [_account(row) for row in rows]

    async def old_hashes(self, today: str) -> Sequence[str]:
        """Hashes that don't start like today's, to learn their kinds; not more than a thousand."""
        statement = sa.select(USERS.c.password).where(USERS.c.password.not_like(f"{today}%")).limit(_MOST_OLD_HASHES)
        async with self._connection() as connection:
            return (await connection.execute(statement)).scalars().all()

    async def add(self, name: str, password_hash: str, attributes: Mapping[str, object]) -> None:
        """Add a user; the id is the name unless `attributes` has one."""
        now = datetime.now(UTC)
        row = {
            "id": attributes.get("id") or name,
            "username": name,
            "password": password_hash,
            **{key: attributes.get(key) for key in ("name", "email", "image")},
            **{key: list(attributes.get(key) or ()) for key in ("roles", "groups")},  # type: ignore[call-overload]  # a list, or None
            "claims": {key: value for key, value in attributes.items() if key not in (*_OWN, "disabled")},
            "disabled": bool(attributes.get("disabled", False)),
            "created_at": now,
            "updated_at": now,
        }
        async with self._connection(immediate=True) as connection:
            taken = sa.select(USERS.c.username).where((USERS.c.username == name) | (USERS.c.id == row["id"]))
            names = (await connection.execute(taken)).scalars().all()
            if names:
                raise UserExists(name) if name in names else IdTaken(str(row["id"]))
            try:
                await connection.execute(sa.insert(USERS).values(row))
            except sa.exc.IntegrityError:  # somebody else was quicker
                raise UserExists(name) from None

    async def set_password(self, name: str, password_hash: str, *, instead_of: str | None = None) -> bool:
        """Store another hash; with `instead_of` only if that one is still stored."""
        where = USERS.c.username == name
        if instead_of is not None:
            where &= USERS.c.password == instead_of
        changed = await self._change(sa.update(USERS).where(where).values(password=password_hash, updated_at=datetime.now(UTC)))
        if not changed and instead_of is None:
            raise UserMissing(name)
        return changed

    async def set_disabled(self, name: str, disabled: bool) -> None:
        """Let a user sign in or not."""
        statement = sa.update(USERS).where(USERS.c.username == name).values(disabled=disabled, updated_at=datetime.now(UTC))
        if not await self._change(statement):
            raise UserMissing(name)

    async def remove(self, name: str) -> None:
        """Delete a user's row."""
        if not await self._change(sa.delete(USERS).where(USERS.c.username == name)):
            raise UserMissing(name)

    async def close(self) -> None:
        """Close the pool; safe to call twice."""
        await self._tables.close()

    async def _one(self, where: sa.ColumnElement[bool]) -> Account | None:
        async with self._connection() as connection:
            row = (await connection.execute(sa.select(USERS).where(where))).mappings().one_or_none()
        return None if row is None else _account(row)

    async def _change(self, statement: sa.Update | sa.Delete) -> bool:
        async with self._connection(immediate=True) as connection:
            return bool((await connection.execute(statement)).rowcount)

    @contextlib.asynccontextmanager
    async def _connection(self, *, immediate: bool = False) -> AsyncIterator[AsyncConnection]:
        """A connection with a transaction that is committed at the end."""
        await self.prepare()
        try:
            async with self._tables.connection(self._time_limit_s, immediate=immediate) as connection:
                yield connection
        except WrongDatabase as error:  # it was the right one when we started
            raise ProviderUnavailable(self._provider, str(error)) from error
        except StoreAway as error:
            raise self._unavailable(error) from error

    def _unavailable(self, error: StoreAway) -> ProviderUnavailable:
        _log.error("database-failed provider=%s database=%s error=%s", self._provider, self.place, error)
        return ProviderUnavailable(self._provider, str(error))


def _account(row: sa.RowMapping) -> Account:
    claims = row["claims"] if isinstance(row["claims"], dict) else {}
    attributes = {**claims, **{key: row[key] for key in _OWN}}
    return Account(name=row["username"], password=row["password"], disabled=row["disabled"] is not False, attributes=attributes)
