from __future__ import annotations

import asyncio

import pytest

from gateway.sessions.rounds import EVERY_S, FIRST_S, Rounds
from gateway.sessions.sign_ins import SignIns
from gateway.sessions.stored_revocations import StoredRevocations
from tests import leaping
from tests.sessions.test_revocations import ScriptedLedger


class CountingLedger(ScriptedLedger):
    """Counts how often it is pruned; as a register that is all it is asked for."""

    pruned = 0

    async def prune(self, *, before, limit_s: float) -> None:
        self.pruned += 1


@pytest.mark.parametrize("kind", ["sign-outs", "sign-ins"])
def test_a_process_prunes_within_a_minute_of_its_start_and_hourly_then(kind):
    """One that is restarted more often than hourly would never do it."""

    async def story() -> list[int]:
        ledger, rounds = CountingLedger(), Rounds(seconds=asyncio.get_running_loop().time)
        made = StoredRevocations(ledger, rounds=rounds) if kind == "sign-outs" else SignIns(ledger, rounds=rounds)
        await made.start()
        counted = []
        for sleep_s in (FIRST_S[0] - 1, FIRST_S[1] - FIRST_S[0] + 3, EVERY_S[0] - FIRST_S[1], EVERY_S[1]):
            await asyncio.sleep(sleep_s)
            counted.append(ledger.pruned)
        await made.close()
        return counted

    counted = leaping.run(story)
    assert counted[:3] == [0, 1, 1]
    assert counted[3] in (2, 3)


def test_two_that_start_together_do_not_prune_together():
    dice = iter((11.0, 59.0))
    seconds = [0.0]
    both = [Rounds(seconds=lambda: seconds[0], dice=lambda least, most: next(dice, most)) for _ in range(2)]
    seconds[0] = 12.0
    assert [rounds.due() for rounds in both] == [True, False]
    assert [rounds.due() for rounds in both] == [False, False]
    seconds[0] = 60.0
    assert [rounds.due() for rounds in both] == [False, True]
