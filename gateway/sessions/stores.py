"""Which store a URL names: SQLite, PostgreSQL, or Redis and Valkey. Only what is named is imported."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from gateway.sessions.ledger import Ledger
from gateway.sessions.register import Register
from gateway.sessions.sign_ins import SignIns
from gateway.sessions.stored_revocations import StoredRevocations
from gateway.store.valkey import is_valkey


@dataclass(frozen=True, slots=True)
class SessionStore:
    """What is kept in one store; both share its connections, and it is closed with the record of sign-outs."""

    revocations: StoredRevocations
    sign_ins: SignIns


def open_session_store(url: str, *, clock: Callable[[], datetime], key: str = "store.url") -> SessionStore:
    """What a store keeps of sessions. Nothing is opened yet.

    Args:
        clock: The time in UTC, aware.
        key: The setting that names it.
    """
    ledger, register = ports_of(url)
    revocations = StoredRevocations(ledger, key=key, clock=clock)
    return SessionStore(revocations, SignIns(register, available=lambda: revocations.available, clock=clock))


def ports_of(url: str) -> tuple[Ledger, Register]:
    """The record of sign-outs and the register of sign-ins in a store, over the same connections."""
    if is_valkey(url):
        from gateway.sessions.valkey_revocations import ValkeyLedger, ValkeyServer
        from gateway.sessions.valkey_sign_ins import ValkeyRegister

        server = ValkeyServer(url)
        return ValkeyLedger(server), ValkeyRegister(server)
    from gateway.sessions.sql_revocations import SqlLedger, SqlStore  # SQLAlchemy takes longer to import than everything else
    from gateway.sessions.sql_sign_ins import SqlRegister

    store = SqlStore(url)
    return SqlLedger(store), SqlRegister(store)
