from __future__ import annotations

from typing import Any

import pytest

from gateway.web.processes.staged import Staged

OLD, NEW = "the older", "the newer"  # whose parts play no part here


@pytest.fixture
def staged() -> Any:
    return Staged()


def test_what_was_made_is_taken_once_for_its_order(staged):
    assert (staged.order(1), staged.made(1, NEW)) == (None, None)
    assert (staged.take(2), staged.take(1), staged.take(1)) == (None, NEW, None)


def test_what_is_made_after_it_was_abandoned_is_given_back_and_obeyed_by_nobody(staged):
    staged.order(1)
    assert staged.drop() is None
    assert staged.made(1, OLD) == OLD
    staged.order(2)
    assert (staged.take(2), staged.made(2, NEW)) == (None, NEW)


@pytest.mark.parametrize("first_comes_late", [True, False])
def test_a_later_order_gets_its_own(staged, first_comes_late):
    staged.order(1)
    given_back = [] if first_comes_late else [staged.made(1, OLD)]
    given_back.append(staged.order(2))
    if first_comes_late:
        given_back.append(staged.made(1, OLD))
    given_back.append(staged.made(2, NEW))
    assert [one for one in given_back if one is not None] == [OLD]
    assert staged.take(2) == NEW
