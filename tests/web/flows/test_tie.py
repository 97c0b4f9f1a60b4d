"""The two cookies that say whose a flow is: small, and never what makes a request too large."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.core.reason import Reason
from gateway.sessions.cookie_header import CookieHeader
from gateway.sessions.keys import KeyRing
from gateway.sessions.seal import Sealer
from gateway.web.flows.shown import address, words
from gateway.web.flows.steps import Lane, Step
from gateway.web.flows.tie import NOTE, TIE, Note, Ties
from tests.people import NOW

TIES = Ties(Sealer(KeyRing.of(["0123456789abcdef" * 4])), secure=False)
NOTHING = CookieHeader([])
CSRF = "c" * 64


def a_step(number: int = 0, *, length: int = 20) -> Step:
    title = words("GET {}", address("/" + "".join(f"{(number * 7919 + place * 104729) % 36:x}" for place in range(length))[:length]))
    return Step(at=NOW.timestamp(), source=Lane.BROWSER, target=Lane.GATEWAY, title=title, text=title)


def carried(line: str) -> CookieHeader:
    """The cookie that a browser sends back."""
    return CookieHeader([line.partition(";")[0]])


def test_what_is_put_in_comes_out():
    shelf = TIES.new_shelf().with_page("key", [a_step(1), a_step(2)])
    assert TIES.shelf(carried(TIES.shelf_line(shelf, NOTHING, now=NOW)), now=NOW) == shelf
    note = Note("0123456789abcdef", Reason.ROLE_MISSING, "", (a_step(),))
    assert TIES.read_note(carried(TIES.note_line(note, NOTHING, CSRF, now=NOW)), CSRF, now=NOW) == note


@pytest.mark.parametrize(("seconds", "there"), [(899, True), (900, False), (901, False)])
def test_both_end_after_a_quarter_of_an_hour(seconds, there):
    later = NOW + timedelta(seconds=seconds)
    assert (TIES.shelf(carried(TIES.shelf_line(TIES.new_shelf(), NOTHING, now=NOW)), now=later) is not None) is there
    note = Note("0123456789abcdef", Reason.ROLE_MISSING, "", (a_step(),))
    assert (TIES.read_note(carried(TIES.note_line(note, NOTHING, CSRF, now=NOW)), CSRF, now=later) is not None) is there


def test_one_is_not_the_other():
    line = TIES.shelf_line(TIES.new_shelf(), NOTHING, now=NOW)
    assert TIES.read_note(CookieHeader([line.partition(";")[0].replace(".flow=", ".note=")]), CSRF, now=NOW) is None


@pytest.mark.parametrize("csrf", ["", "d" * 64], ids=["none", "of-another-browser"])
def test_a_note_opens_beside_the_csrf_cookie_of_its_browser_alone(csrf):
    note = Note("0123456789abcdef", Reason.ROLE_MISSING, "", (a_step(),))
    assert TIES.read_note(carried(TIES.note_line(note, NOTHING, CSRF, now=NOW)), csrf, now=NOW) is None


@pytest.mark.parametrize("length", [1, 20, 239, 2000])
@pytest.mark.parametrize("pages", [0, 1, 4, 40])
@pytest.mark.parametrize(
    ("others", "most"), [pytest.param(0, 2600, id="few"), pytest.param(3900, 2600, id="many"), pytest.param(4100, 450, id="too-many")]
)
def test_they_stay_small_whatever_they_tell(length, pages, others, most):
    shelf = TIES.new_shelf()
    for number in range(pages):
        shelf = shelf.with_page(f"key{number}", [a_step(number * 4 + step, length=length) for step in range(4)])
    brought = CookieHeader([f"x={'v' * others}"] if others else [])
    line = TIES.shelf_line(shelf, brought, now=NOW)
    assert len(line) < most
    read = TIES.shelf(carried(line), now=NOW)
    assert read is not None and read.browser == shelf.browser
    assert read.pages == shelf.pages[len(shelf.pages) - len(read.pages) :]
    note = TIES.note_line(
        Note("0123456789abcdef", Reason.ROLE_MISSING, "", (a_step(1, length=length), a_step(2, length=length))), brought, CSRF, now=NOW
    )
    assert note is None or len(note) < 1400
    assert others < 4000 or note is None


@pytest.mark.parametrize(
    "value",
    [
        pytest.param({"code": "0", "reason": "a-reason-of-next-year", "led_to": "", "steps": []}, id="another-reason"),
        pytest.param({"browser": "0", "pages": [["key", [["too", "short"]]]]}, id="other-steps"),
        pytest.param({"browser": "0", "pages": [["key", 1]]}, id="other-pages"),
        pytest.param({}, id="other-members"),
        pytest.param([], id="another-form"),
    ],
)
def test_what_another_version_of_the_gateway_sealed_is_none(value):
    """Promise 41: while replicas are brought up to date one by one, each reads what the others wrote."""
    assert TIES.shelf(CookieHeader([f"{TIE}={TIES._seal(value, TIE, NOW)}"]), now=NOW) is None
    assert TIES.read_note(CookieHeader([f"{NOTE}={TIES._seal(value, f'{NOTE} {CSRF}', NOW)}"]), CSRF, now=NOW) is None
