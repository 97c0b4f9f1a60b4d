"""Promise 46, without a socket."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from gateway.settings.sections.limits import LimitSettings
from gateway.web.auth.attempts import ACCOUNT_DELAY_S, Attempts, SlidingWindow, address_key

LIMITS = LimitSettings(failed_sign_ins_per_address=3, failed_sign_ins_window=timedelta(seconds=60))


class Ticks:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("address", "key"),
    [
        pytest.param("192.0.2.7", "192.0.2.7", id="ipv4"),
        pytest.param("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64", id="ipv6-counts-by-64"),
        pytest.param("::ffff:192.0.2.7", "192.0.2.7", id="ipv4-in-ipv6-is-ipv4"),
        pytest.param("fe80::1%eth0", "fe80::/64", id="with-a-zone"),
        pytest.param("", "", id="a-unix-socket"),
    ],
)
def test_what_counts_as_one_address(address, key):
    assert address_key(address) == key


def test_a_window_counts_what_is_younger_than_it():
    ticks = Ticks()
    window = SlidingWindow(ticks)
    window.add("a", keep=3)
    ticks.now = 59.9
    assert window.count("a", within_s=60) == 1
    ticks.now = 60.0
    assert window.count("a", within_s=60) == 0
    assert window.count("b", within_s=60) == 0


def test_a_window_says_when_there_is_room_again():
    ticks = Ticks()
    window = SlidingWindow(ticks)
    for moment in (0.0, 10.0, 20.0):
        ticks.now = moment
        window.add("a", keep=2)
    assert window.free_in_s("a", limit=2, within_s=60) == 50.0
    assert window.free_in_s("a", limit=3, within_s=60) == 0.0


def test_a_flood_of_addresses_takes_bounded_memory_and_forgets_the_oldest():
    window = SlidingWindow(Ticks(), max_keys=100)
    for number in range(1000):
        window.add(str(number), keep=10)
    assert sum(window.count(str(number), within_s=60) for number in range(1000)) == 100
    assert window.count("999", within_s=60) == 1


async def fail(attempts: Attempts, address: str = "192.0.2.7", limits: LimitSettings = LIMITS) -> bool:
    async with attempts.turn(address, limits) as turn:
        turn.failed = not turn.refused
        return turn.refused


@pytest.mark.parametrize(("failures", "refused"), [(2, False), (3, True), (4, True)])
async def test_the_limit_is_exact(failures, refused):
    attempts = Attempts(clock=Ticks())
    for _ in range(failures):
        await fail(attempts)
    assert await fail(attempts) is refused


async def test_a_refusal_says_when_to_come_back_and_does_not_count():
    ticks = Ticks()
    attempts = Attempts(clock=ticks)
    for moment in (0.0, 10.0, 20.0, 30.0):
        ticks.now = moment
        await fail(attempts)
    async with attempts.turn("192.0.2.7", LIMITS) as turn:
        assert turn.retry_after_s == 30
    ticks.now = 60.0
    assert await fail(attempts) is False


async def test_attempts_in_flight_wait_for_each_other_where_they_would_pass_the_limit():
    attempts = Attempts(clock=Ticks())
    go = asyncio.Event()
    started: list[int] = []

    async def attempt(number: int, failed: bool) -> bool:
        async with attempts.turn("192.0.2.7", LIMITS) as turn:
            if not turn.refused:
                started.append(number)
                await go.wait()
                turn.failed = failed
            return turn.refused

    tasks = [asyncio.create_task(attempt(number, failed=True)) for number in range(6)]
    while len(started) < 3:
        await asyncio.sleep(0)
    go.set()
    assert sorted(await asyncio.gather(*tasks)) == [False, False, False, True, True, True]
    assert started == [0, 1, 2]


async def test_who_waits_too_long_is_told_that_it_is_busy():
    limits = LIMITS.model_copy(update={"failed_sign_ins_per_address": 1, "hash_wait": timedelta(milliseconds=1)})
    attempts = Attempts(clock=Ticks())
    async with attempts.turn("192.0.2.7", limits) as first:
        async with attempts.turn("192.0.2.7", limits) as second:
            assert (second.busy, second.refused) == (True, True)
        async with attempts.turn("192.0.2.8", limits) as other:
            assert not other.refused
        assert not first.refused
    assert await fail(attempts, limits=limits) is False


async def test_who_leaves_early_leaves_no_trace_but_what_was_set():
    attempts = Attempts(clock=Ticks())

    async def leave() -> None:
        async with attempts.turn("192.0.2.7", LIMITS) as turn:
            turn.failed = True
            await asyncio.Event().wait()

    for _ in range(3):
        task = asyncio.create_task(leave())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert await fail(attempts) is True
    assert attempts._gates == {}


def test_an_account_is_delayed_from_its_limit_on_and_never_locked():
    ticks = Ticks()
    attempts = Attempts(clock=ticks)
    account = attempts.account_key("credentials", "Ada ")
    assert account == attempts.account_key("credentials", "ada")
    assert account != attempts.account_key("other", "ada")
    assert account != Attempts().account_key("credentials", "ada")  # salted: it tells nobody what was typed
    for _ in range(19):
        attempts.account_failed(account, LIMITS)
    assert attempts.account_delay_s(account, LIMITS) == 0.0
    attempts.account_failed(account, LIMITS)
    assert attempts.account_delay_s(account, LIMITS) == ACCOUNT_DELAY_S
    ticks.now = 15 * 60
    assert attempts.account_delay_s(account, LIMITS) == 0.0
