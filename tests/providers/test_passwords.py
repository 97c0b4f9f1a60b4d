from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.errors import HashingBusy
from gateway.providers.passwords import MAX_BYTES, TODAY, HashRefused, Passwords, kind_of
from tests.providers.counting import BCRYPT, OLD_HASHES, PASSWORD, TODAY_HASH, TODAY_KIND, CountingPasswords

SHA_ROUNDS = OLD_HASHES["sha512_crypt:5000"].replace("$6$", "$6$rounds=5000$")


async def test_a_hash_made_today_is_recognized_and_stays(passwords: Passwords):
    stored = await passwords.hash(PASSWORD)
    verified = await passwords.verify(PASSWORD, stored)
    assert stored.startswith(TODAY)
    assert verified.ok
    assert verified.new_hash is None


@pytest.mark.parametrize("kind", OLD_HASHES)
async def test_an_old_hash_is_verified_and_gets_a_successor(passwords: Passwords, kind: str):
    verified = await passwords.verify(PASSWORD, OLD_HASHES[kind])
    assert verified.ok
    assert verified.new_hash is not None
    assert verified.new_hash.startswith(TODAY)
    assert (await passwords.verify(PASSWORD, verified.new_hash)).ok


@pytest.mark.parametrize("kind", OLD_HASHES)
async def test_a_wrong_password_matches_no_old_hash(passwords: Passwords, kind: str):
    verified = await passwords.verify("horse correct", OLD_HASHES[kind])
    assert not verified.ok
    assert verified.new_hash is None
    assert verified.why == ""


async def test_a_stronger_hash_than_today_s_is_not_made_weaker(passwords: Passwords):
    from passlib.hash import argon2

    stored = argon2.using(type="ID", memory_cost=65536, rounds=3, parallelism=4).hash(PASSWORD)
    assert (await passwords.verify(PASSWORD, stored)).new_hash is None


@pytest.mark.parametrize("kind", OLD_HASHES)
def test_the_kind_of_a_hash_says_its_scheme_and_cost(kind: str):
    assert kind_of(OLD_HASHES[kind]) == kind


# --- promise 47: exactly as sent, 1024 bytes at most ---


@pytest.mark.parametrize(
    "password",
    [
        pytest.param("", id="empty"),
        pytest.param("  two spaces  ", id="spaces-at-both-ends"),
        pytest.param("tab\there\r\n", id="control-characters"),
        pytest.param("nul\0inside", id="nul"),
        pytest.param("CaSe", id="case"),
        pytest.param("caf\u00e9", id="composed"),
        pytest.param("cafe\u0301", id="decomposed"),
        pytest.param("\U0001f40e" * 64, id="64-characters-of-four-bytes"),
        pytest.param("x" * MAX_BYTES, id="as-long-as-may-be"),
    ],
)
async def test_a_password_is_taken_exactly_as_sent(passwords: Passwords, password: str):
    stored = await passwords.hash(password)
    near = {password + " ", password.strip(), password.lower(), password.partition("\0")[0], password[:-1], "cafe\u0301", "caf\u00e9"}
    assert (await passwords.verify(password, stored)).ok
    for other in sorted(near - {password}):
        assert not (await passwords.verify(other, stored)).ok, f"{other!r} was taken for {password!r}"


@pytest.mark.parametrize(
    "password",
    [
        pytest.param("x" * (MAX_BYTES + 1), id="one-byte-too-long"),
        pytest.param("\u00e9" * (MAX_BYTES // 2 + 1), id="too-long-in-bytes-not-in-characters"),
        pytest.param("half a character \ud800", id="no-utf-8"),
    ],
)
async def test_a_password_that_is_refused_costs_no_hash_for_anybody(counting: CountingPasswords, password: str):
    await counting.start()
    assert not (await counting.verify(password, TODAY_HASH)).ok
    await counting.waste(password)
    assert counting.compared() == []
    with pytest.raises(ValueError, match="at most 1024 bytes"):
        await counting.hash(password)


@pytest.mark.parametrize("kind", ["bcrypt:4", "bcrypt:5", "apr_md5_crypt:0", "sha256_crypt:5000", "sha512_crypt:5000", "des_crypt:0"])
async def test_a_password_is_not_cut_at_nul(counting: CountingPasswords, kind: str):
    verified = await counting.verify(PASSWORD + "\0more", OLD_HASHES[kind])
    assert not verified.ok
    assert kind in counting.compared(), "it must cost what any refusal costs"
    assert not (await counting.verify(PASSWORD[:4] + "\0" + PASSWORD[4:], OLD_HASHES[kind])).ok


async def test_bcrypt_reads_72_bytes_as_the_programs_do_that_made_the_hash(passwords: Passwords):
    import bcrypt

    long = "x" * 70 + "\u00e9" * 10
    stored = bcrypt.hashpw(long.encode()[:72], b"$2b$04$abcdefghijklmnopqrstuu").decode()
    verified = await passwords.verify(long, stored)
    assert verified.ok
    assert verified.new_hash is not None
    assert not (await passwords.verify(long[:-1], verified.new_hash)).ok, "from now on all of it counts"


# --- stored hashes that can't be used ---


@pytest.mark.parametrize(
    ("stored", "why"),
    [
        pytest.param("", "no password hash", id="empty"),
        pytest.param("!", "no password hash", id="locked-as-in-shadow"),
        pytest.param("plain text", "no password hash", id="plain-text"),
        pytest.param("\ud800", "no password hash", id="half-a-character"),
        pytest.param("$argon2id$v=19$m=19456,t=2,p=1$", "broken", id="argon2-cut"),
        pytest.param("$argon2id$v=19$m=19456,t=2,p=1$a$b", "broken", id="argon2-bad-base64"),
        pytest.param("$2b$12$abc", "broken", id="bcrypt-cut"),
        pytest.param("$2b$12$abcdefghijklmnopqrstuu", "broken", id="bcrypt-without-checksum"),
        pytest.param("$2b$12$\u00e9", "broken", id="bcrypt-not-ascii"),
        pytest.param("pbkdf2_sha256$1000$saltsaltsalt", "broken", id="django-without-checksum"),
        pytest.param("$argon2id$v=19$m=262145,t=2,p=1$c2FsdHNhbHRzYWx0$" + TODAY_HASH[-43:], "costs too much", id="argon2-memory"),
        pytest.param("$argon2id$v=19$m=19456,t=17,p=1$c2FsdHNhbHRzYWx0$" + TODAY_HASH[-43:], "costs too much", id="argon2-passes"),
        pytest.param("$argon2id$v=19$m=19456,t=2,p=17$c2FsdHNhbHRzYWx0$" + TODAY_HASH[-43:], "costs too much", id="argon2-lanes"),
        pytest.param(BCRYPT.replace("$04$", "$16$"), "costs too much", id="bcrypt-cost"),
        pytest.param(SHA_ROUNDS.replace("5000", "1000001"), "costs too much", id="sha-crypt-rounds"),
        pytest.param(SHA_ROUNDS.replace("5000", "99999999999"), "broken", id="sha-crypt-absurd-rounds"),
        pytest.param(OLD_HASHES["pbkdf2_sha256:1000"].replace("1000", "2000001"), "costs too much", id="pbkdf2-rounds"),
    ],
)
async def test_a_hash_that_cannot_be_used_refuses_and_says_why_without_quoting_it(counting: CountingPasswords, stored: str, why: str):
    verified = await counting.verify(PASSWORD, stored)
    assert not verified.ok
    assert why in verified.why
    assert not stored or stored not in verified.why
    assert counting.compared() == [TODAY_KIND], "it must cost what any refusal costs"
    with pytest.raises(HashRefused, match=why):
        kind_of(stored)


@settings(max_examples=300)
@given(st.one_of(st.text(max_size=120), st.builds(lambda a, b: a + b, st.sampled_from(["$2b$", "$5$", "$argon2id$", "{SSHA}"]), st.text())))
def test_no_stored_text_makes_reading_it_fail_otherwise(stored: str):
    with contextlib.suppress(HashRefused):
        assert kind_of(stored)


# --- promise 45: every refusal costs the same ---


async def test_each_refusal_pays_for_each_kind_in_use_once(counting: CountingPasswords):
    kinds = sorted([TODAY_KIND, "bcrypt:4", "sha512_crypt:5000"])
    counting.expect([OLD_HASHES["bcrypt:4"], OLD_HASHES["sha512_crypt:5000"]])
    for stored in (TODAY_HASH, OLD_HASHES["bcrypt:4"], OLD_HASHES["sha512_crypt:5000"], "broken"):
        await counting.verify("wrong", stored)
        assert counting.compared() == kinds, stored[:8]
    await counting.waste("wrong")
    assert counting.compared() == kinds


async def test_a_kind_is_learned_at_the_latest_when_it_is_first_met(counting: CountingPasswords):
    await counting.waste("wrong")
    assert counting.compared() == [TODAY_KIND]
    await counting.verify(PASSWORD, BCRYPT)
    assert counting.compared() == ["bcrypt:4"]
    await counting.waste("wrong")
    assert counting.compared() == sorted([TODAY_KIND, "bcrypt:4"])


async def test_the_kinds_that_are_paid_for_have_an_end(counting: CountingPasswords, caplog: pytest.LogCaptureFixture):
    await counting.start()
    counting.expect(OLD_HASHES.values())
    await counting.waste("wrong")
    assert len(counting.compared()) == 8
    assert [record.getMessage().split()[0] for record in caplog.records] == ["password-kinds-too-many"]


# --- promise 48: off the loop, bounded ---


class Gate(Passwords):
    """Hashing that waits until it is let go."""

    def __init__(self, **limits: float) -> None:
        super().__init__(**limits)  # type: ignore[arg-type]
        self.open = threading.Event()
        self.niceness: int | None = None

    def _compare(self, secret: bytes, stored: str, kind: str) -> bool:
        self.niceness = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
        self.open.wait()
        return False


async def test_a_full_queue_is_said_at_once_and_served_again_when_it_is_not_full():
    gate = Gate(queue=2, wait_s=60)
    await gate.start()
    running = [asyncio.create_task(gate.waste("x")) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(HashingBusy) as caught:
        await gate.waste("x")
    assert caught.value.retry_after >= 1
    gate.open.set()
    await asyncio.gather(*running)
    await gate.waste("x")
    await gate.close()


async def test_waiting_for_a_worker_has_an_end():
    gate = Gate(queue=2, wait_s=0.01)
    gate.open.set()
    await gate.start()
    gate.open.clear()
    running = asyncio.create_task(gate.waste("x"))
    await asyncio.sleep(0)
    with pytest.raises(HashingBusy):
        await gate.waste("x")
    gate.open.set()
    await running
    await gate.close()


async def test_a_client_that_left_does_not_make_room_before_its_hash_is_done():
    gate = Gate(queue=0, wait_s=60)
    await gate.start()
    left = asyncio.create_task(gate.waste("x"))
    while gate.niceness is None:  # the thread is at work
        await asyncio.sleep(0.001)
    left.cancel()
    await asyncio.gather(left, return_exceptions=True)
    with pytest.raises(HashingBusy):
        await gate.waste("x")
    gate.open.set()
    async with asyncio.timeout(10):
        while True:
            try:
                await gate.waste("x")
                break
            except HashingBusy:
                await asyncio.sleep(0.01)
    await gate.close()


async def test_hashing_runs_at_a_lower_priority_than_the_event_loop():
    gate = Gate()
    gate.open.set()
    await gate.waste("x")
    assert gate.niceness == min(19, os.getpriority(os.PRIO_PROCESS, 0) + 10)
    await gate.close()


async def test_the_event_loop_goes_on_while_a_hash_is_computed():
    gate = Gate()
    await gate.start()
    running = asyncio.create_task(gate.waste("x"))
    for _ in range(10):
        await asyncio.sleep(0.001)
    assert not running.done()
    gate.open.set()
    await running
    await gate.close()


async def test_closing_twice_is_fine():
    passwords = Passwords()
    await passwords.start()
    await passwords.close()
    await passwords.close()


async def test_no_secret_is_in_a_repr(passwords: Passwords):
    verified = await passwords.verify(PASSWORD, BCRYPT)
    assert "argon2" not in repr(verified)
    assert BCRYPT not in repr(passwords)


def test_a_hash_with_careless_padding_is_taken_without_a_word_on_the_terminal():
    """Old PHP wrote such salts; `gateway explain` and `run` printed a Python warning for each."""
    script = "from gateway.providers.passwords import kind_of; print(kind_of('$2b$12$' + 'a' * 53))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("bcrypt:12\n", "")
