"""The one book of failed sign-ins, with two workers' views of it joined as the channel joins them."""

from __future__ import annotations

import asyncio
import json

from gateway.settings.sections.limits import LimitSettings
from gateway.web.auth.attempts import ACCOUNT_DELAY_S, Attempts
from gateway.web.processes.attempts import Desk, SharedAttempts

LIMITS = LimitSettings(failed_sign_ins_per_address=3, failed_sign_ins_per_account=2)


class Joined:
    """One book and two workers; messages go through JSON, one turn of the loop later."""

    def __init__(self) -> None:
        book = Attempts(salt=b"x" * 32)
        self.desks: list[Desk] = []
        self.views: list[SharedAttempts] = []
        for number in range(2):
            self.views.append(SharedAttempts(b"x" * 32, lambda message, number=number: self.up(number, json.loads(json.dumps(message)))))
            self.desks.append(Desk(book, lambda: LIMITS, lambda message, number=number: self.down(number, json.loads(json.dumps(message)))))

    def up(self, number: int, message: dict) -> None:
        loop = asyncio.get_running_loop()
        match message["is"]:
            case "enter":
                loop.call_soon(self.desks[number].enter, message)
            case "leave":
                loop.call_soon(self.desks[number].leave, message)
            case "news":
                loop.call_soon(self.views[1 - number].heard, message["account"], LIMITS)

    def down(self, number: int, message: dict) -> None:
        asyncio.get_running_loop().call_soon(self.views[number].answered, message)


async def guess(view: SharedAttempts, *, failed: bool = True) -> bool:
    """True if the attempt was let in."""
    async with view.turn("192.0.2.1", LIMITS) as turn:
        await asyncio.sleep(0)
        turn.failed = failed
        return not turn.refused


async def test_a_burst_at_two_workers_gets_as_many_tries_as_at_one():  # promise 46
    joined = Joined()
    let_in = await asyncio.gather(*(guess(joined.views[number % 2]) for number in range(10)))
    assert sum(let_in) == LIMITS.failed_sign_ins_per_address


async def test_good_sign_ins_are_not_counted():
    joined = Joined()
    assert all([await guess(joined.views[number % 2], failed=False) for number in range(10)])


async def test_what_a_worker_was_trying_when_it_died_counts_as_failed():
    joined = Joined()
    entered = [asyncio.ensure_future(_stay(joined.views[0])) for _ in range(3)]
    await asyncio.sleep(0.05)
    joined.desks[0].close()
    await asyncio.sleep(0.05)
    assert not await guess(joined.views[1])
    for task in entered:
        task.cancel()
    await asyncio.gather(*entered, return_exceptions=True)


async def _stay(view: SharedAttempts) -> None:
    async with view.turn("192.0.2.1", LIMITS):
        await asyncio.sleep(60)


async def test_without_an_answer_there_is_no_attempt():
    view = SharedAttempts(b"x" * 32, lambda message: None)
    limits = LIMITS.model_copy(update={"hash_wait": -LIMITS.hash_wait})  # no patience at all
    async with view.turn("192.0.2.1", limits) as turn:
        assert turn.busy


async def test_workers_mean_the_same_account_and_tell_each_other():
    joined = Joined()
    one, other = joined.views
    account = one.account_key("credentials", "Ada ")
    assert account == other.account_key("credentials", "ada")
    for _ in range(LIMITS.failed_sign_ins_per_account):
        one.account_failed(account, LIMITS)
    await asyncio.sleep(0)
    assert one.account_delay_s(account, LIMITS) == other.account_delay_s(account, LIMITS) == ACCOUNT_DELAY_S


async def test_who_leaves_in_the_moment_of_the_answer_has_left():
    sent: list[dict] = []
    view = SharedAttempts(b"x" * 32, sent.append)
    guessing = asyncio.create_task(guess(view, failed=False))
    await asyncio.sleep(0)
    view.answered({"number": sent[0]["number"], "retry_after_s": 0, "busy": False})
    guessing.cancel()
    await asyncio.wait([guessing])
    assert guessing.cancelled()
    assert sent[-1] == {"is": "leave", "number": sent[0]["number"], "failed": True}
