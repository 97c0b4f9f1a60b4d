"""Promise 39: idle and absolute limits, on a clock that is handed in, with 15 s of tolerance."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.core.lifetime import Lifetime
from gateway.core.reason import Reason
from tests.people import ADA, NOW, session_of

LIFE = Lifetime(sliding=timedelta(hours=24), absolute=timedelta(days=7), renewal=timedelta(minutes=5))
HOURS, DAYS, SECOND = timedelta(hours=24), timedelta(days=7), timedelta(seconds=1)
SESSION = session_of(ADA)


@pytest.mark.parametrize(
    ("later", "end"),
    [
        pytest.param(timedelta(0), None, id="fresh"),
        pytest.param(HOURS + 14 * SECOND, None, id="within-tolerance"),
        pytest.param(HOURS + 15 * SECOND, Reason.SESSION_EXPIRED, id="sliding-limit"),
        pytest.param(DAYS + 15 * SECOND, Reason.SESSION_TOO_OLD, id="absolute-limit"),
        pytest.param(-15 * SECOND, None, id="a-little-from-the-future"),
        pytest.param(-16 * SECOND, Reason.SESSION_FROM_FUTURE, id="from-the-future"),
    ],
)
def test_a_session_ends(later: timedelta, end: Reason | None) -> None:
    assert LIFE.end_of(SESSION, now=NOW + later) is end


def test_a_shortened_window_also_ends_tokens_made_before_the_change() -> None:
    assert Lifetime(sliding=timedelta(hours=1)).end_of(SESSION, now=NOW + timedelta(hours=2)) is Reason.SESSION_EXPIRED


@pytest.mark.parametrize(
    ("age", "due"),
    [
        pytest.param(timedelta(minutes=4, seconds=59), False, id="too-young"),
        pytest.param(timedelta(minutes=5), True, id="old-enough"),
    ],
)
def test_renewal_is_due_after_update_age(age: timedelta, due: bool) -> None:
    assert LIFE.renewal_due(SESSION, now=NOW + age) is due


def test_renewal_never_passes_the_absolute_end() -> None:
    assert LIFE.expiry(NOW, now=NOW + DAYS - SECOND) == NOW + DAYS
    late = replace(session_of(ADA, age=DAYS), issued_at=NOW - timedelta(minutes=10), expires_at=NOW)
    assert not LIFE.renewal_due(late, now=NOW)
