from __future__ import annotations

import asyncio

import pytest

from gateway.sessions.silence import Silence
from tests import leaping


def heard_at(*answers: float, stopped: tuple[float, float] | None = None, until: float = 10.0) -> list[float]:
    """When silence of a second was over, with answers at some moments; and the process stopped at one of them for so long."""

    async def story() -> list[float]:
        loop, over = asyncio.get_running_loop(), []
        began = loop.time()
        silence = Silence(1.0, lambda: over.append(round(loop.time() - began, 3)))
        for moment in answers:
            loop.call_later(moment, silence.broken)
        if stopped is not None:
            loop.call_later(stopped[0], leaping.stop_for, stopped[1])
        await asyncio.sleep(until)
        silence.stop()
        return over

    return leaping.run(story)


@pytest.mark.parametrize(
    ("answers", "over"),
    [
        pytest.param((), [], id="nobody-has-answered-yet"),
        pytest.param((0.0,), [1.0], id="one-answer"),
        pytest.param((0.0, 0.9, 1.8), [2.8], id="each-answer-counts-anew"),
        pytest.param((0.0, 3.0), [1.0, 4.0], id="and-again"),
    ],
)
def test_it_is_over_when_it_has_lasted_since_the_last_answer(answers, over):
    assert heard_at(*answers) == over


def test_who_stopped_it_hears_no_more():
    assert heard_at(0.0, until=0.9) == []


def test_while_this_process_is_stopped_nobody_else_is_silent():
    """It slept for a minute after the first answer, and the next answer comes a tenth of a second later."""
    assert heard_at(0.0, 0.1, 60.2, stopped=(0.1, 60.0), until=61.0) == []
