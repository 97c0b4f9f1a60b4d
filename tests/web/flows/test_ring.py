"""The room for flows has ends: in number, in bytes, in time, and for each address."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.core.reason import Reason
from gateway.settings.sections.inspector import InspectorSettings
from gateway.web.flows.flow_json import MAX_FLOW, MAX_STEPS, bounded, flow_of, flow_to_json, with_steps
from gateway.web.flows.memory import MOST_WATCHERS, Flows
from gateway.web.flows.ring import Bounds, Ring
from gateway.web.flows.shown import user_label, words
from gateway.web.flows.steps import Candidate, CookieNote, Did, Fact, Flow, Lane, Mark, SessionNote, Sort, Step
from tests.people import ADA, NOW

BIG = user_label(replace(ADA, name="\N{SMILING FACE WITH HORNS}" * 400))


def a_flow(number: int = 1, *, began: float = 1000.0, share: str = "someone", steps: tuple[Step, ...] = ()) -> Flow:
    return bounded(
        Flow(
            id=f"{number:016x}",
            code="c",
            sort=Sort.SIGN_IN,
            began=began,
            tie="t",
            share=share,
            status=302,
            reason=Reason.SIGNED_IN,
            steps=steps,
        )
    )


def a_step(facts: int = 0) -> Step:
    return Step(at=1.0, source=Lane.BROWSER, target=Lane.GATEWAY, title=BIG, text=BIG, facts=(Fact(BIG, BIG),) * facts)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def ring(*, flows: int = 3, bytes: int = 1 << 20, keep_s: float = 60.0) -> tuple[Ring, Clock]:
    clock = Clock()
    return Ring(Bounds(flows, bytes, keep_s), clock=clock), clock


@pytest.mark.parametrize(
    ("put", "kept"), [pytest.param(2, [2, 1], id="n-1"), pytest.param(3, [3, 2, 1], id="n"), pytest.param(4, [4, 3, 2], id="n+1")]
)
def test_no_more_than_so_many_are_kept_and_the_newest_stay(put, kept):
    room, _ = ring(flows=3)
    for number in range(1, put + 1):
        room.put(a_flow(number))
    assert [int(flow.id, 16) for flow in room] == kept


@pytest.mark.parametrize(("spare", "kept"), [pytest.param(1, 3, id="n-1"), pytest.param(0, 3, id="n"), pytest.param(-1, 2, id="n+1")])
def test_no_more_than_so_many_bytes_are_kept(spare, kept):
    size = a_flow().size
    room, _ = ring(flows=10, bytes=3 * size + spare)
    for number in range(1, 4):
        room.put(a_flow(number))
    assert len(room) == kept
    assert room.bytes == kept * size


@pytest.mark.parametrize(
    ("age", "there"), [pytest.param(59.9, True, id="n-1"), pytest.param(60.0, False, id="n"), pytest.param(60.1, False, id="n+1")]
)
def test_none_is_kept_longer_than_that(age, there):
    room, clock = ring(keep_s=60.0)
    room.put(a_flow())
    clock.now += age
    assert (room.get(f"{1:016x}") is not None) is there
    assert bool(list(room)) is there
    assert (room.bytes > 0) is there


def test_a_storm_from_one_address_pushes_out_its_own():
    room, _ = ring(flows=5)
    room.put(a_flow(1, share="ada"))
    for number in range(2, 100):
        room.put(a_flow(number, share="mallory"))
    assert f"{1:016x}" in [flow.id for flow in room]
    assert len(room) == 5


def test_a_newer_version_takes_the_place_of_an_older_one_and_never_the_other_way_round():
    room, _ = ring()
    first = a_flow()
    second = with_steps(first, [a_step()])
    room.put(second)
    room.put(first)
    assert room.get(first.id) == second
    assert room.bytes == second.size


def test_smaller_bounds_hold_at_once():
    room, _ = ring(flows=10)
    for number in range(8):
        room.put(a_flow(number))
    room.bounds = Bounds(2, 1 << 20, 60.0)
    assert len(room) == 2


@pytest.mark.parametrize("facts", [0, 1, 50, 500])
@pytest.mark.parametrize("steps", [1, MAX_STEPS, 500])
def test_a_flow_is_never_larger_than_its_bound(facts, steps):
    flow = replace(a_flow(), lost=(Candidate(source=BIG, why=Reason.RETURN_TOO_LONG),) * 100)
    flow = bounded(replace(flow, steps=(a_step(facts),) * steps))
    assert 0 < flow.size <= MAX_FLOW
    assert 0 < len(flow.steps) <= MAX_STEPS


def test_a_flow_survives_its_way_to_another_process():
    note = CookieNote(did=Did.SET, name=words("a"), size=700, chunks=2, attributes=(words("HttpOnly"),), ends_s=60, age_s=1)
    session = SessionNote(
        claims=(Fact(words("id"), words("ada")),), hidden=(words("x"),), visible=(words("name"),), decided_by_callback=True, stored=False, token=700,
        cookie=note, cipher=words("c"), issued=1.0, renews=2.0, ends=3.0, ends_at_last=4.0,
    )  # fmt: skip
    step = replace(
        a_step(2), mark=Mark.BAD, why=Reason.CALLBACK_FAILED, took_us=12, cookies=(note,), private=(Fact(words("at"), words("x")),)
    )
    flow = bounded(replace(a_flow(steps=(step,)), session=session, won=Candidate(source=words("w")), user=words("Ada"), sign_in="s"))
    assert flow_of(flow_to_json(flow)) == flow


class TestMemory:
    def memory(self, **settings: object) -> Flows:
        flows = Flows(clock=lambda: NOW)
        flows.obey(InspectorSettings.model_validate({"enabled": True, **settings}))
        return flows

    def a_flow(self, number: int = 1) -> Flow:
        return replace(a_flow(number, began=NOW.timestamp()), sign_in="ada's")

    def test_switched_off_it_keeps_nothing_and_hears_nothing(self):
        flows = self.memory()
        flows.add(self.a_flow())
        flows.obey(InspectorSettings())
        flows.hear({"flow": flow_to_json(self.a_flow(2))})
        assert list(flows) == []
        assert flows.bytes == 0

    def test_what_one_worker_records_the_other_shows(self):
        here, there = self.memory(), self.memory()
        here.tell = there.hear
        here.add(self.a_flow())
        here.later("ada's", [a_step()])
        assert [flow.id for flow in there] == [flow.id for flow in here]
        assert list(there) == list(here)

    def test_a_first_request_that_is_faster_than_the_news_is_added_when_these_come(self):
        flows = self.memory()
        flows.later("ada's", [a_step()])
        assert list(flows) == []
        flows.hear({"flow": flow_to_json(self.a_flow())})
        assert len(next(iter(flows)).steps) == 1

    def test_what_comes_later_is_added_a_few_times_only(self):
        flows = self.memory()
        flows.add(self.a_flow())
        for _ in range(50):
            flows.later("ada's", [a_step()])
        assert len(next(iter(flows)).steps) == 6

    def test_first_requests_without_a_sign_in_take_bounded_room(self):
        flows = self.memory()
        for number in range(5000):
            flows.later(f"{number}", [a_step()])
            assert flows.is_first(f"{number}")
        assert not flows.is_first("4999")
        assert len(flows._early) <= 64
        assert len(flows._arrived) <= 256

    @pytest.mark.parametrize(("waiting", "more"), [(MOST_WATCHERS - 1, True), (MOST_WATCHERS, False), (MOST_WATCHERS + 1, False)])
    def test_so_many_pages_may_watch(self, waiting, more):
        flows = self.memory()
        for _ in range(waiting):
            flows.watch()
        assert (flows.watch() is not None) is more
