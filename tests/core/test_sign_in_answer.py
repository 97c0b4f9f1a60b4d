"""401 or a redirect: every row of the table is needed, and every request finds one (promise 52)."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from gateway.core.answer_reference import END, START, rewritten
from gateway.core.facts import RequestFacts, Wants
from gateway.core.sign_in_answer import ANSWERS, sign_in_answer
from gateway.core.target import Target
from gateway.core.wants import SIGNS, sign_of

PAGE = RequestFacts(method="GET", scheme="https", host="app.example.com", target=Target("/x", "/x", None, ("/x",)))
DOOR = Target("/", "/", None, ("/",))
REQUESTS = [
    (replace(PAGE, method=method, wants=wants, upgrade=upgrade, target=target), api)
    for method, wants, upgrade, target, api in itertools.product(
        ("GET", "HEAD", "POST", "OPTIONS", "PROPFIND"), Wants, (True, False), (PAGE.target, DOOR), (True, False)
    )
]


@pytest.mark.parametrize("row", ANSWERS, ids=lambda row: row.why)
def test_every_row_decides_something(row) -> None:
    assert any(sign_in_answer(facts, api=api) is row for facts, api in REQUESTS)


def test_only_who_wants_a_page_or_does_not_say_is_ever_redirected() -> None:
    redirected = [(facts, api) for facts, api in REQUESTS if sign_in_answer(facts, api=api).status != 401]
    assert redirected
    assert all(facts.wants is Wants.PAGE or (facts.wants is Wants.UNSAID and not api) for facts, api in redirected)
    assert not [facts for facts, _ in redirected if facts.upgrade or facts.method == "OPTIONS"]


def test_only_what_a_link_can_ask_again_comes_back() -> None:
    assert {facts.method for facts, api in REQUESTS if sign_in_answer(facts, api=api).comes_back} == {"GET", "HEAD"}


@pytest.mark.parametrize("sign", SIGNS, ids=lambda sign: sign.who)
def test_every_sign_is_read(sign) -> None:
    said = itertools.product(("navigate", "cors", None), ("text/html", "application/json", None), ("XMLHttpRequest", None))
    assert any(sign_of(fetch_mode=mode, accept=accept, requested_with=by) is sign for mode, accept, by in said)


def test_a_page_is_written_anew_between_its_marks() -> None:
    page = rewritten(f"before\n{START}stale words\n{END}after\n")
    assert page.startswith("before\n")
    assert page.endswith("after\n")
    assert "stale words" not in page
    assert all(row.why in page for row in ANSWERS)
    assert rewritten(page) == page
