"""Which store a URL names: SQLite, PostgreSQL, or Redis and Valkey. Only what is named is imported."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from gateway.sessions.ledger import Ledger
from gateway.sessions.register import Register
from gateway.sessions.sign_ins import SignIns
from gateway.sessions.stored_revocations import StoredRevocations
from gateway.store.valkey import is_valkey

if TYPE_CHECKING:
    from gateway.sessions.valkey_failures import ValkeyFailures
    from gateway.sessions.valkey_revocations import ValkeyServer


@dataclass(frozen=True, slots=True)
class SessionStore:
    """What is kept in one store; all share its connections, and it is closed with the record of sign-outs.

    Attributes:
        failures: Failed sign-ins of all replicas, where the store can count them.
    """

    revocations: StoredRevocations
    sign_ins: SignIns
    failures: ValkeyFailures | None = None


def open_session_store(url: str, *, clock: Callable[[], datetime], key: str = "store.url") -> SessionStore:
    """What a store keeps of sessions. Nothing is opened yet.

    Args:
        clock: The time in UTC, aware.
        key: The setting that names it.
    """
    if is_valkey(url):
        from gateway.sessions.valkey_failures import ValkeyFailures
        from gateway.sessions.valkey_revocations import ValkeyServer

        server = ValkeyServer(url)
        ledger, register = _in_valkey(server)
        failures = ValkeyFailures(server)
    else:
        ledger, register = ports_of(url)
        failures = None
    revocations = StoredRevocations(ledger, key=key, clock=clock)
    return SessionStore(revocations, SignIns(register, available=lambda: revocations.available, clock=clock), failures)


def ports_of(url: str) -> tuple[Ledger, Register]:
    """The record of sign-outs and the register of sign-ins in a store, over the same connections."""
    if is_valkey(url):
        from gateway.sessions.valkey_revocations import ValkeyServer

        return _in_valkey(ValkeyServer(url))
    from gateway.sessions.sql_revocations import HISTORY, WAIT_S, SqlLedger  # SQLAlchemy takes longer to import than everything else
    from gateway.sessions.sql_sign_ins import SqlRegister
    from gateway.store.tables import Tables

    store = Tables(url, HISTORY, wait_s=WAIT_S)
    return SqlLedger(store), SqlRegister(store)


def _in_valkey(server: ValkeyServer) -> tuple[Ledger, Register]:
    from gateway.sessions.valkey_revocations import ValkeyLedger
    from gateway.sessions.valkey_sign_ins import ValkeyRegister

    return ValkeyLedger(server), ValkeyRegister(server)
