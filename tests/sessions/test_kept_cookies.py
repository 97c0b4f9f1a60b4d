"""Sessions in a store: what the cookie holds, what the store holds, and what is read without waiting."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.core.identity import Session
from gateway.core.lifetime import Lifetime
from gateway.core.reason import Reason
from gateway.sessions.cookie_header import CookieHeader
from gateway.sessions.cookies import SessionCookies
from gateway.sessions.kept_cookies import FRESH_S, KeptSessionCookies
from gateway.sessions.keys import KeyRing, new_secret
from gateway.sessions.register import Seen
from gateway.sessions.sign_ins import SignIns
from gateway.sessions.sql_revocations import HISTORY
from gateway.sessions.sql_sign_ins import SqlRegister
from gateway.sessions.stores import SessionStore, open_session_store
from gateway.store.errors import StoreAway
from gateway.store.tables import Tables
from gateway.web.clock import utc_now
from tests.people import ADA, BOB

OLD, NEW = new_secret(), new_secret()
NAME = "authjs.session-token"


@pytest.fixture
async def store(tmp_path: Path):
    opened = open_session_store(f"sqlite:///{tmp_path}/gateway.db", clock=utc_now)
    await opened.revocations.start()
    yield opened
    await opened.revocations.close()


def cookies_of(store: SessionStore, *secrets: str, seconds=time.monotonic) -> KeptSessionCookies:
    keys, lifetime = KeyRing.of(secrets or [OLD]), Lifetime()
    return KeptSessionCookies(
        keys, secure=False, lifetime=lifetime, sign_ins=store.sign_ins, revocations=store.revocations, seconds=seconds
    )


async def signed_in(cookies: SessionCookies, user=ADA, carried: CookieHeader | None = None) -> tuple[Session, CookieHeader]:
    session = cookies.new(user, "credentials", now=utc_now())
    lines = cookies.write(session, now=utc_now(), carried=carried)
    await cookies.save(session, address="192.0.2.1", browser="Browser", new=True)
    return session, sent(lines)


def sent(lines: list[str]) -> CookieHeader:
    """What a browser makes of Set-Cookie lines."""
    (kept,) = [line.partition(";")[0] for line in lines if "Max-Age=0" not in line]
    return CookieHeader.parse([kept])


async def test_the_cookie_holds_an_id_that_says_nothing_and_another_process_finds_the_session(store):
    session, header = await signed_in(cookies_of(store))
    assert len(header.first(NAME)) == 64
    other = cookies_of(store)
    assert other.read(header) is Reason.SESSION_STORE_UNAVAILABLE  # nobody asked yet: never a yes, and never a no
    await other.load(header)
    assert other.read(header) == session


async def test_the_store_holds_neither_ids_nor_claims(store, tmp_path):
    _, header = await signed_in(cookies_of(store))
    held = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"ada@" not in held and b"Lovelace" not in held
    assert header.first(NAME).encode() not in held
    with contextlib.closing(sqlite3.connect(tmp_path / "gateway.db")) as database:
        (key, token), *_ = database.execute("select key, token from signed_in")
    assert len(key) == 64
    jwt = SessionCookies(KeyRing.of([OLD]), secure=False, lifetime=Lifetime())
    assert jwt.read(CookieHeader.parse([f"{NAME}={token}"])) is Reason.SESSION_UNREADABLE  # not good as a cookie, whoever steals it


@pytest.mark.parametrize("at", range(0, 64, 7))
async def test_an_id_that_was_changed_is_refused_without_asking_the_store(store, at):
    cookies = cookies_of(store)
    _, header = await signed_in(cookies)
    value = header.first(NAME)
    changed = CookieHeader.parse([f"{NAME}={value[:at]}{'A' if value[at] != 'A' else 'B'}{value[at + 1 :]}"])
    await store.revocations.close()  # whoever asked would get no answer
    await cookies.load(changed)
    assert cookies.read(changed) is Reason.SESSION_UNREADABLE


async def test_each_sign_in_gets_an_id_of_its_own_and_a_planted_one_never_survives(store):
    """Promise 37."""
    cookies = cookies_of(store)
    _, planted = await signed_in(cookies, BOB)
    session, header = await signed_in(cookies, ADA, carried=planted)
    assert header.first(NAME) != planted.first(NAME)
    assert cookies.read(header) == session


async def test_a_renewal_keeps_the_id_and_reaches_the_store(store):
    cookies = cookies_of(store)
    session, header = await signed_in(cookies)
    later = utc_now() + timedelta(minutes=10)
    lines = cookies.renewal(session, now=later, carried=header)
    assert sent(lines).first(NAME) == header.first(NAME)
    await store.sign_ins._attempt(5)
    other = cookies_of(store)
    await other.load(header)
    assert other.read(header).issued_at == later.replace(microsecond=0)


async def test_an_update_outlives_a_renewal_that_was_noted_before_it_and_written_after(store):
    """A page of the app renews the session, and its script updates it within the second in which that waits to be written."""
    cookies = cookies_of(store)
    session, header = await signed_in(cookies)
    later = utc_now() + timedelta(minutes=10)
    cookies.renewal(session, now=later, carried=header)
    updated = cookies.renewed(replace(session, user=BOB), now=later)
    cookies.write(updated, now=later, carried=header)
    await cookies.save(updated)
    await store.sign_ins._attempt(5)
    other = cookies_of(store)
    await other.load(header)
    assert other.read(header) == updated


async def test_who_changes_a_session_begins_with_what_another_process_made_of_it_a_moment_ago(store):
    """Two tabs update different parts of it, one after the other, by two workers: the second undid the first."""
    here, there = cookies_of(store), cookies_of(store)
    session, header = await signed_in(here)
    await there.load(header)
    updated = here.renewed(replace(session, user=BOB), now=utc_now())
    here.write(updated, now=utc_now(), carried=header)
    await here.save(updated)
    assert there.read(header) == session
    assert await there.latest(header, session) == updated == there.read(header)


async def test_who_changes_a_session_that_is_gone_by_now_is_told_so(store):
    here, there = cookies_of(store), cookies_of(store)
    session, header = await signed_in(here)
    await there.load(header)
    await store.sign_ins.remove([session.sign_in_id])
    assert await there.latest(header, session) is Reason.SESSION_UNKNOWN


class Noting(SqlRegister):
    """Remembers how much it was told at a time."""

    def __init__(self, store: Tables) -> None:
        super().__init__(store)
        self.steps: list[int] = []

    async def renew(self, seen: Sequence[Seen], *, limit_s: float) -> None:
        self.steps.append(len(seen))
        await super().renew(seen, limit_s=limit_s)


async def test_thousands_of_renewals_that_wait_are_written_in_steps(store, tmp_path):
    """After an outage: in one step they took longer than any step may, and all of them waited for ever."""
    tables = Tables(f"sqlite:///{tmp_path}/gateway.db", HISTORY, wait_s=5)
    register = Noting(tables)
    sign_ins = SignIns(register)
    session = cookies_of(store).new(ADA, "credentials", now=utc_now())
    for number in range(600):
        sign_ins.seen(replace(session, sign_in_id=str(number)))
    assert await sign_ins._attempt(5)
    await register.close()
    assert (sum(register.steps), max(register.steps)) == (600, 250)


async def test_a_signed_out_session_is_over_for_whoever_has_the_id(store):
    cookies, other = cookies_of(store), cookies_of(store)
    session, header = await signed_in(cookies)
    await store.revocations.revoke(session.sign_in_id, until=cookies.revoked_until(session))
    assert cookies.read(header) is Reason.SESSION_REVOKED
    await store.sign_ins.remove([session.sign_in_id])
    await other.load(header)
    assert other.read(header) is Reason.SESSION_UNKNOWN


async def test_secrets_rotate_and_removing_one_ends_its_sessions(store):
    """Promise 43."""
    session, header = await signed_in(cookies_of(store, OLD))
    both = cookies_of(store, NEW, OLD)
    await both.load(header)
    assert both.read(header) == session
    renewed = both.renewal(session, now=utc_now() + timedelta(minutes=10), carried=header)
    await store.sign_ins._attempt(5)
    only_new = cookies_of(store, NEW)
    await only_new.load(sent(renewed))
    await only_new.load(header)
    assert isinstance(only_new.read(sent(renewed)), Session)
    assert only_new.read(header) is Reason.SESSION_UNREADABLE


async def test_a_sign_in_fails_where_the_store_does_not_take_it(store):
    cookies = cookies_of(store)
    store.revocations._open_circuit()
    with pytest.raises(StoreAway):
        await signed_in(cookies)


async def test_what_was_read_is_good_for_a_few_seconds_and_then_not_known_until_it_is_read_again(store):
    """The fault matrix: what can't be said is refused with 503; a sign-out ends it all the same."""
    seconds = [100.0]
    cookies = cookies_of(store, seconds=lambda: seconds[0])
    session, header = await signed_in(cookies)
    seconds[0] += FRESH_S - 0.01
    assert cookies.read(header) == session
    seconds[0] += 0.01
    assert cookies.read(header) is Reason.SESSION_STORE_UNAVAILABLE
    assert cookies.read_signed_out(header) == session
    await cookies.load(header)
    assert cookies.read(header) == session


async def test_many_who_ask_at_once_ask_the_store_once(store):
    _, header = await signed_in(cookies_of(store))
    other = cookies_of(store)
    loads = [other.load(header) for _ in range(20)]
    await asyncio.gather(*loads)
    assert isinstance(other.read(header), Session)
    assert other._asked == {}
