"""From a database URL to an engine: the two databases, their drivers, a pool with an end, and transactions that begin when we say."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import StaticPool

from gateway.store.errors import WrongDatabase as WrongDatabase
from gateway.store.errors import shown_url as shown_url

#: Execution option: take SQLite's write lock when the transaction begins, so that two writers queue instead of failing half-way.
IMMEDIATE = "gateway_immediate"
#: Execution option: seconds to wait for somebody else's lock on a SQLite file, in place of the engine's own.
LOCK_WAIT_S = "gateway_lock_wait_s"

_CONNECT_S = 5
#: To take leave of a PostgreSQL connection. Whoever gives up a question waits for that, too; SQLAlchemy would give a frozen server 2 s.
_LEAVE_S = 0.1
_WAIT_S = 5
_CONNECTIONS = 5
_RECYCLE_S = 1800
_SQLITE = "sqlite:///"


def open_engine(url: str, *, wait_s: float = _WAIT_S) -> AsyncEngine:
    """Make an engine; a missing SQLite file is made, readable for its owner only.

    Args:
        url: `sqlite:///file` or `postgresql://...`.
        wait_s: Seconds to wait for a connection of the pool, or for somebody else's lock on a SQLite file.

    Raises:
        WrongDatabase: The URL is neither SQLite nor PostgreSQL, the driver is not installed, or the file can't be opened.
    """
    if url == "sqlite://" or url.startswith(_SQLITE):
        return _sqlite(_file_in(url), wait_s)
    if url.startswith(("postgresql://", "postgres://")):
        return _postgresql(url, wait_s)
    raise WrongDatabase("is neither SQLite nor PostgreSQL", 'write "sqlite:///gateway.db" or "postgresql://user:password@host/name"')


def file_of(url: str) -> Path | None:
    """The file of a SQLite database; None for one in memory, and for every other database."""
    file = _file_in(url) if url.startswith(_SQLITE) else ""
    return None if file in ("", ":memory:") else Path(file)


def _file_in(url: str) -> str:
    return url.removeprefix("sqlite:").removeprefix("///").partition("?")[0].removeprefix("//")


def _sqlite(file: str, wait_s: float) -> AsyncEngine:
    options: dict[str, Any] = {"pool_size": _CONNECTIONS, "max_overflow": 0, "pool_timeout": wait_s}
    if file in ("", ":memory:"):
        options = {"poolclass": StaticPool}  # each connection would have a memory of its own
    else:
        _make_file(Path(file))
    engine = create_async_engine(
        sa.URL.create("sqlite+aiosqlite", database=file or ":memory:"), connect_args={"timeout": wait_s}, hide_parameters=True, **options
    )
    # The driver begins transactions by itself, late, and not at all before DDL: here it leaves that to us (sqlite.org/lang_transaction).
    sa.event.listen(engine.sync_engine, "connect", _leave_transactions_to_us)
    sa.event.listen(engine.sync_engine, "begin", _begin)
    return engine


def _make_file(file: Path) -> None:
    try:
        os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise WrongDatabase(
            f"the file can't be opened: {error.strerror}", "name a file in a folder that the gateway may write to"
        ) from error


def _leave_transactions_to_us(connection: Any, _: object) -> None:
    connection.isolation_level = None


def _begin(connection: sa.Connection) -> None:
    wait_s = connection.get_execution_options().get(LOCK_WAIT_S)
    if wait_s is not None:
        # Nobody can interrupt the driver's thread while it waits, and whoever closes the connection waits for it.
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {int(min(wait_s, _WAIT_S) * 1000)}")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get(IMMEDIATE) else "BEGIN")


def _postgresql(url: str, wait_s: float) -> AsyncEngine:
    try:
        import asyncpg
    except ImportError as error:
        raise WrongDatabase("PostgreSQL needs a driver that is not installed", "pip install 'auth-gateway[postgres]'") from error

    class Connection(asyncpg.Connection):  # type: ignore[misc]  # asyncpg has no types
        async def close(self, *, timeout: float | None = None) -> None:
            await super().close(timeout=_LEAVE_S if timeout is None else min(timeout, _LEAVE_S))

    demanded = _demanded_of_hosts(url)

    # Connected by hand so that every form of a libpq URL works: several hosts, sslmode, target_session_attrs.
    async def connect() -> Any:
        try:
            limits = {"timeout": _CONNECT_S, "command_timeout": _CONNECT_S}
            return await asyncpg.connect(url, connection_class=Connection, target_session_attrs=demanded, **limits)
        except (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidCatalogNameError) as error:
            cure = "check user, password and database name"
            raise WrongDatabase(f"PostgreSQL refuses the gateway: {type(error).__name__}", cure) from error
        except (asyncpg.exceptions.ClientConfigurationError, ValueError) as error:
            raise WrongDatabase("the URL can't be read", 'write "postgresql://user:password@host/name"') from error

    return create_async_engine(
        "postgresql+asyncpg://",
        async_creator=connect,
        hide_parameters=True,
        pool_size=_CONNECTIONS,
        max_overflow=0,
        pool_timeout=wait_s,
        pool_pre_ping=True,  # a connection that died in a failover is replaced, not handed out
        pool_recycle=_RECYCLE_S,
    )


def _demanded_of_hosts(url: str) -> str | None:
    """Of several hosts the one that can be written to, unless the URL or the environment says otherwise; None: what they say, or any."""
    parts = urlsplit(url)
    asked = dict(parse_qsl(parts.query))
    several = "," in parts.netloc.rpartition("@")[2] or "," in asked.get("host", "")
    return "read-write" if several and "target_session_attrs" not in asked and "PGTARGETSESSIONATTRS" not in os.environ else None
