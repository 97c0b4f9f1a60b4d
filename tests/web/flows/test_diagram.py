"""The pictures hold whatever a flow holds: every text within its room, every step with its number, in every shape."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.web.flows.diagram import SHAPES, Diagram, _wrapped, draw, width_of
from gateway.web.flows.shown import address, words
from gateway.web.flows.steps import CookieNote, Did, Fact, Lane, Mark, Step

TEXTS = st.text(alphabet=st.characters(codec="ascii", categories=("L", "N", "P", "S")) | st.sampled_from(" /"), max_size=300)
LANES = st.sampled_from(list(Lane))


@st.composite
def steps(draw: st.DrawFn) -> list[Step]:
    def text() -> object:
        return words("{}", address("/" + draw(TEXTS)))

    def one() -> Step:
        facts = tuple(Fact(text(), text()) for _ in range(draw(st.integers(0, 3))))
        cookies = (
            CookieNote(
                did=draw(st.sampled_from(list(Did))), name=text(), size=draw(st.integers(0, 16_000)), chunks=draw(st.integers(1, 4))
            ),
        )
        return Step(
            at=0.0, source=draw(LANES), target=draw(LANES), title=text(), text=text(), mark=draw(st.sampled_from(list(Mark))),
            took_us=draw(st.none() | st.integers(0, 10**8)), facts=facts, cookies=cookies if draw(st.booleans()) else (),
        )  # fmt: skip

    return [one() for _ in range(draw(st.integers(1, 6)))]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
@given(told=steps())
def test_everything_stays_within_the_picture(shape, told):
    picture: Diagram = draw(told, shape)
    assert [badge.number for badge in picture.badges] == list(range(1, len(told) + 1))
    for text in picture.texts:
        size = shape.title if text.sort.startswith("title") else shape.more
        left = text.x - width_of(text.text, size) if text.sort == "took" else text.x
        assert left >= 0
        assert text.sort == "took" or left + width_of(text.text, size, bold=text.sort == "title") <= shape.width + 1
        assert 0 < text.y < picture.height
    for box in picture.boxes:
        assert box.x >= 0 and box.x + box.width <= shape.width
    ys = [badge.y for badge in picture.badges]
    assert ys == sorted(set(ys))


@given(text=TEXTS, room=st.floats(40, 900), most=st.integers(1, 5))
def test_wrapped_text_loses_nothing_unless_it_says_so(text, room, most):
    lines = _wrapped(text, room, 12.5, most=most)
    assert 1 <= len(lines) <= most
    whole = re.sub(r" +", "", text)
    if lines[-1].endswith("…") and not text.endswith("…"):
        assert whole.startswith(re.sub(r" +", "", "".join(lines))[:-1])
    else:
        assert re.sub(r" +", "", "".join(lines)) == whole


def test_addresses_are_broken_behind_a_slash():
    assert _wrapped("POST /api/auth/callback/credentials", 210, 14, most=2, bold=True) == ["POST /api/auth/callback/", "credentials"]
