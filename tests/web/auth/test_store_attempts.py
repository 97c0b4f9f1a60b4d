"""Promise 46 over replicas: one count in Valkey, and each its own while that is away."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta

import pytest

from gateway.sessions.valkey_failures import Entry, ValkeyFailures
from gateway.sessions.valkey_revocations import ValkeyServer
from gateway.settings.sections.limits import LimitSettings
from gateway.web.auth.attempts import ACCOUNT_DELAY_S, Attempts
from gateway.web.auth.store_attempts import StoreAttempts
from tests.servers import Valkey, valkey

LIMITS = LimitSettings(
    failed_sign_ins_per_address=3, failed_sign_ins_window=timedelta(seconds=60), failed_sign_ins_per_account=2,
    failed_sign_ins_account_window=timedelta(seconds=60), hash_wait=timedelta(seconds=1),
)  # fmt: skip
GUESSER, SOMEBODY = "192.0.2.7", "192.0.2.8"


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[Valkey]:
    with valkey(tmp_path_factory.mktemp("valkey")) as running:
        yield running


@pytest.fixture
async def replicas(server: Valkey):
    """Two, with an empty store."""
    server.forget()
    connected = [ValkeyServer(server.url) for _ in range(2)]
    for one in connected:
        await one.prepare()
    yield [StoreAttempts(Attempts(), ValkeyFailures(one), available=lambda: True, salt=b"shared") for one in connected]
    for one in connected:
        await one.close()


async def guess(attempts: StoreAttempts, address: str = GUESSER, *, right: bool = False, takes_s: float = 0.0) -> str:
    """What came of one attempt; what is told to the store is waited for."""
    async with attempts.turn(address, LIMITS) as turn:
        if turn.refused:
            return "busy" if turn.busy else "limited"
        await asyncio.sleep(takes_s)
        turn.failed = not right
    await asyncio.gather(*attempts._tasks)
    return "tried"


async def test_the_limit_is_one_for_all_replicas_and_exact(replicas):
    here, there = replicas
    assert [await guess(one) for one in (here, there, here, there, here)] == ["tried"] * 3 + ["limited"] * 2
    assert await guess(there, SOMEBODY) == "tried"


async def test_a_burst_at_all_replicas_gets_no_more_tries(replicas):
    outcomes = await asyncio.gather(*(guess(replicas[number % 2], takes_s=0.05) for number in range(12)))
    assert (outcomes.count("tried"), outcomes.count("limited")) == (3, 9)


async def test_who_knows_the_password_is_queued_at_worst(replicas):
    outcomes = await asyncio.gather(*(guess(replicas[number % 2], right=True, takes_s=0.02) for number in range(12)))
    assert set(outcomes) == {"tried"}


async def test_the_answer_says_when_there_is_room_again(replicas):
    here, there = replicas
    for _ in range(3):
        await guess(here)
    async with there.turn(GUESSER, LIMITS) as turn:
        assert turn.retry_after_s is not None
        assert 50 < turn.retry_after_s <= 60


async def test_an_attempt_that_nobody_finished_counts_as_failed(replicas, server):
    here, _ = replicas
    for number in range(3):
        assert (await here._failures.enter(GUESSER, str(number), limit=3, within_s=1.0)).entry is Entry.YES
    assert (await here._failures.enter(GUESSER, "x", limit=3, within_s=1.0)).entry is Entry.WAIT
    await asyncio.sleep(1.1)  # the window of this test; the replica that took them is gone
    assert (await here._failures.enter(GUESSER, "x", limit=3, within_s=1.0)).entry is Entry.YES


async def test_an_account_is_delayed_by_the_failures_at_all_replicas(replicas):
    here, there = replicas
    account = here.account_key("credentials", "Ada")
    assert account == there.account_key("credentials", "ada ")
    for one in (here, there):
        assert await one.delay_of(account, LIMITS) == 0.0
        one.account_failed(account, LIMITS)
        await asyncio.gather(*one._tasks)
    assert [await one.delay_of(account, LIMITS) for one in replicas] == [ACCOUNT_DELAY_S] * 2
    assert await here.delay_of(here.account_key("credentials", "bob"), LIMITS) == 0.0


@pytest.mark.parametrize("how", ["slow", "gone"])
async def test_while_the_store_is_away_each_counts_for_itself_and_says_so_once(how, tmp_path, caplog):
    """The fault matrix."""
    with valkey(tmp_path) as server:
        connected = ValkeyServer(server.url)
        await connected.prepare()
        attempts = StoreAttempts(Attempts(), ValkeyFailures(connected), available=lambda: True, salt=b"shared")
        assert await guess(attempts) == "tried"
        (server.freeze if how == "slow" else server.stop)()
        assert [await guess(attempts) for _ in range(3)] == ["tried", "tried", "limited"]
        assert await attempts.delay_of(attempts.account_key("credentials", "ada"), LIMITS) == 0.0
        (server.thaw if how == "slow" else server.start)()
        assert await guess(attempts, SOMEBODY) == "tried"
        await connected.close()
    assert caplog.text.count("sign-in-limits-not-shared") == 1


async def test_nothing_of_an_attempt_stays_in_the_store_for_ever(replicas, server):
    """One guess from each of a million addresses would fill it."""
    here, _ = replicas
    assert await guess(here) == "tried"
    here.account_failed("ada", LIMITS)
    await asyncio.gather(*here._tasks)
    async with here._failures._server.asking(5) as client:
        left = {key: await client.pttl(key) for key in await client.keys("*")}
    assert len(left) == 2
    assert all(0 < milliseconds <= 60_000 for milliseconds in left.values())
