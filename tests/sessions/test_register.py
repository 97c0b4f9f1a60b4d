"""The register of sign-ins: SQLite, PostgreSQL and Valkey keep it alike."""

from __future__ import annotations

import asyncio
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gateway.sessions.register import Kept, Register, Seen, SignIn
from gateway.sessions.stores import open_session_store, ports_of
from tests.sessions.stores import STORES, url_of

NOW = datetime.now(UTC).replace(microsecond=0)  # such servers drop what is over by their own clock
HOUR = timedelta(hours=1)
ADA = SignIn(
    id="ada-1", user_id="ada", provider="credentials", signed_in_at=NOW - HOUR, seen_at=NOW - HOUR, ends_at=NOW + HOUR,
    address="2001:db8::1", browser="Mozilla/5.0 (Ünïcode; \"quotes\")",
)  # fmt: skip
ADA_TOO = replace(ADA, id="ada-2", seen_at=NOW)
BOB = replace(ADA, id="bob-1", user_id="bob*")
KEPT = Kept("a" * 64, "sealed.token")


@pytest.fixture(params=STORES)
async def register(request):
    made = ports_of(await url_of(request.param, request))[1]
    await made.prepare()
    yield made
    await made.close()


async def listed(register: Register, user_id: str | None = None) -> list[SignIn]:
    return list(await register.of(user_id, limit_s=5, most=10))


async def test_what_was_added_is_found_word_for_word_and_listed_last_seen_first(register):
    for sign_in in (ADA, ADA_TOO, BOB):
        await register.add(sign_in, None, limit_s=5)
    assert await listed(register, "ada") == [ADA_TOO, ADA]
    assert await listed(register, "bob*") == [BOB]
    assert await listed(register, "*") == []
    assert {sign_in.id for sign_in in await listed(register)} == {"ada-1", "ada-2", "bob-1"}
    assert await register.find("bob-1", limit_s=5) == BOB
    assert await register.find("cyd-1", limit_s=5) is None


async def test_it_may_be_added_twice(register):
    await register.add(ADA, KEPT, limit_s=5)
    await register.add(ADA, KEPT, limit_s=5)
    assert await listed(register) == [ADA]


async def test_who_was_seen_stays_longer(register):
    await register.add(ADA, None, limit_s=5)
    await register.renew([Seen(id="ada-1", seen_at=NOW, ends_at=NOW + 9 * HOUR)], limit_s=5)
    assert await listed(register, "ada") == [replace(ADA, seen_at=NOW, ends_at=NOW + 9 * HOUR)]


async def test_who_was_removed_is_gone_and_seen_no_more(register):
    await register.add(ADA, KEPT, limit_s=5)
    await register.add(ADA_TOO, None, limit_s=5)
    await register.remove(["ada-1", "never-there"], limit_s=5)
    await register.renew([Seen(id="ada-1", seen_at=NOW, ends_at=NOW + HOUR, kept=KEPT)], limit_s=5)
    assert await listed(register) == await listed(register, "ada") == [ADA_TOO]
    assert await register.token(KEPT.key, limit_s=5) is None


async def test_a_session_is_found_by_its_key_and_by_its_newest_alone(register):
    await register.add(ADA, KEPT, limit_s=5)
    assert await register.token(KEPT.key, limit_s=5) == "sealed.token"
    newer = Kept("b" * 64, "sealed.anew")
    await register.renew([Seen(id="ada-1", seen_at=NOW, ends_at=NOW + HOUR, kept=newer)], limit_s=5)
    assert await register.token(newer.key, limit_s=5) == "sealed.anew"
    assert await register.token(KEPT.key, limit_s=5) is None
    await register.renew([Seen(id="ada-1", seen_at=NOW, ends_at=NOW + HOUR)], limit_s=5)
    assert await register.token(newer.key, limit_s=5) == "sealed.anew"


async def test_what_is_over_is_pruned(register):
    await register.add(replace(ADA, ends_at=NOW - HOUR), None, limit_s=5)
    await register.add(ADA_TOO, None, limit_s=5)
    await register.prune(before=NOW, limit_s=5)
    assert await listed(register) == [ADA_TOO]


async def test_what_was_noted_before_and_is_written_late_undoes_nothing(register):
    """One tab was seen, another updated its session a moment later, and the store is told of the update first."""
    await register.add(ADA, KEPT, limit_s=5)
    updated = Seen(id="ada-1", seen_at=NOW, ends_at=NOW + HOUR, kept=Kept(KEPT.key, "sealed.updated"))
    await register.renew([updated], limit_s=5)
    for noted in (NOW, NOW - timedelta(seconds=2)):
        late = Seen(id="ada-1", seen_at=noted, ends_at=NOW, kept=KEPT, late=True)
        await register.renew([late], limit_s=5)
    assert await register.token(KEPT.key, limit_s=5) == "sealed.updated"
    later = Seen(id="ada-1", seen_at=NOW + HOUR, ends_at=NOW + 2 * HOUR, kept=Kept(KEPT.key, "sealed.later"), late=True)
    await register.renew([later], limit_s=5)
    assert await register.token(KEPT.key, limit_s=5) == "sealed.later"


async def test_a_user_who_signs_in_again_and_again_leaves_nothing_behind_in_valkey(valkey_server):
    """A program that signs in each minute would leave half a million ids a year: the index of its sign-ins never gets to its own end."""
    valkey_server.forget()
    made = ports_of(valkey_server.url)[1]
    await made.prepare()
    for minute in range(3):
        at = NOW - timedelta(days=3 - minute)
        await made.add(replace(ADA, id=f"ada-{minute}", signed_in_at=at, seen_at=at, ends_at=at + HOUR), None, limit_s=5)
    await made.add(replace(ADA, signed_in_at=NOW), None, limit_s=5)
    async with made._server.asking(5) as client:
        assert await client.zrange("gateway:user:ada", 0, -1) == [b"ada-1"]
    await made.close()


async def test_a_sign_in_that_no_store_takes_holds_up_none_of_the_others(request):
    """An id that a function of the operator's own gave may hold what PostgreSQL keeps in no text."""
    store = open_session_store(await url_of("postgresql", request), clock=lambda: NOW)
    await store.revocations.start()
    for user_id in ("a\0b", "ada"):
        store.sign_ins._late[user_id] = replace(ADA, id=user_id, user_id=user_id), None
    store.sign_ins._ended.add("bob-1")
    await store.sign_ins._attempt(5)
    await store.sign_ins._attempt(5)
    assert [sign_in.user_id for sign_in in await store.sign_ins.of("ada")] == ["ada"]
    assert list(store.sign_ins._late) == ["a\0b"]
    assert not store.sign_ins._ended
    await store.revocations.close()


async def test_somebody_elses_lock_on_a_sqlite_file_is_waited_for_as_long_as_the_question_may_take(tmp_path):
    """Two gateways that start together, and a sign-in while another process waits for its disk: a quarter of a second used to be all."""
    file = tmp_path / "gateway.db"
    register = ports_of(f"sqlite:///{file}")[1]
    for work in (register.prepare, lambda: register.add(ADA, KEPT, limit_s=5)):
        with sqlite3.connect(file, isolation_level=None) as other:
            other.execute("begin immediate")
            working = asyncio.create_task(work())
            await asyncio.sleep(0.6)
            assert not working.done()
            other.execute("rollback")
        other.close()
        await working
    assert await listed(register) == [ADA]
    await register.close()
