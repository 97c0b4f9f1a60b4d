"""Which store a URL names: SQLite, PostgreSQL, or Redis and Valkey. Only what is named is imported."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from gateway.sessions.ledger import Ledger
from gateway.sessions.stored_revocations import StoredRevocations
from gateway.store.valkey import is_valkey


def revocations_in(url: str, *, clock: Callable[[], datetime], key: str = "store.url") -> StoredRevocations:
    """The record of sign-outs in a store. Nothing is opened yet.

    Args:
        clock: The time in UTC, aware.
        key: The setting that names it.
    """
    return StoredRevocations(_ledger(url), key=key, clock=clock)


def _ledger(url: str) -> Ledger:
    if is_valkey(url):
        from gateway.sessions.valkey_revocations import ValkeyLedger

        return ValkeyLedger(url)
    from gateway.sessions.sql_revocations import SqlLedger, SqlStore  # SQLAlchemy takes longer to import than everything else

    return SqlLedger(SqlStore(url))
