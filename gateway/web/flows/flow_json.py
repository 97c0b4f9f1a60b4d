"""Flows as JSON, for other processes and sealed cookies; and held to their size, which is counted so."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from gateway.core.reason import Reason
from gateway.core.return_to import Lost
from gateway.web.flows.shown import read_back
from gateway.web.flows.steps import Candidate, CookieNote, Did, Fact, Flow, Lane, Mark, SessionNote, Sort, Step, Why

MAX_FLOW = 16 * 1024  # bytes as JSON
MAX_STEPS = 40


def bounded(flow: Flow) -> Flow:
    """The same flow, no larger than `MAX_FLOW`: what explains most is kept longest."""
    flow = replace(flow, steps=flow.steps[:MAX_STEPS])
    for cut in (_without_facts, _without_candidates, _without_any_facts):
        if _size(flow) <= MAX_FLOW:
            break
        flow = cut(flow)
    while (size := _size(flow)) > MAX_FLOW and len(flow.steps) > 1:
        flow = replace(flow, steps=(*flow.steps[:-2], flow.steps[-1]))  # the end says most
    return replace(flow, size=size)


def _size(flow: Flow) -> int:
    return len(json.dumps(flow_to_json(flow), ensure_ascii=False).encode("utf-8", "replace"))


def with_steps(flow: Flow, steps: Sequence[Step]) -> Flow:
    """With something that happened later."""
    return bounded(replace(flow, steps=(*flow.steps, *steps), version=flow.version + 1))


def step_to_json(step: Step) -> list[Any]:
    """A step as JSON."""
    return [
        step.at,
        step.source,
        step.target,
        str(step.title),
        str(step.text),
        step.mark,
        step.took_us,
        _why_to_json(step.why),
        _facts_to_json(step.facts),
        [_cookie_to_json(note) for note in step.cookies],
        _facts_to_json(step.private),
    ]


def step_of(value: Sequence[Any]) -> Step:
    """The step of such JSON, which came from one of our processes, or out of our own seal."""
    at, source, target, title, text, mark, took, why, facts, cookies, private = value
    return Step(
        at=at,
        source=Lane(source),
        target=Lane(target),
        title=read_back(title),
        text=read_back(text),
        mark=Mark(mark),
        took_us=took,
        why=_why_of(why),
        facts=_facts_of(facts),
        cookies=tuple(map(_cookie_of, cookies)),
        private=_facts_of(private),
    )


def flow_to_json(flow: Flow) -> dict[str, Any]:
    """A flow as JSON."""
    plain = {name: getattr(flow, name) for name in _PLAIN}
    texts = {name: None if getattr(flow, name) is None else str(getattr(flow, name)) for name in _TEXTS}
    return {
        **plain,
        **texts,
        "won": None if flow.won is None else _candidate_to_json(flow.won),
        "lost": [_candidate_to_json(candidate) for candidate in flow.lost],
        "spare": [_candidate_to_json(candidate) for candidate in flow.spare],
        "session": None if flow.session is None else _session_to_json(flow.session),
        "steps": [step_to_json(step) for step in flow.steps],
    }


def flow_of(value: dict[str, Any]) -> Flow:
    """The flow of such JSON."""
    plain: dict[str, Any] = {name: value[name] for name in _PLAIN if name not in ("sort", "reason")}
    texts: dict[str, Any] = {name: None if value[name] is None else read_back(value[name]) for name in _TEXTS}
    flow = Flow(
        **plain,
        **texts,
        sort=Sort(value["sort"]),
        reason=Reason(value["reason"]),
        won=None if value["won"] is None else _candidate_of(value["won"]),
        lost=tuple(map(_candidate_of, value["lost"])),
        spare=tuple(map(_candidate_of, value["spare"])),
        session=None if value["session"] is None else _session_of(value["session"]),
        steps=tuple(map(step_of, value["steps"])),
    )
    return bounded(flow)


_PLAIN = ("id", "code", "sort", "began", "tie", "share", "status", "reason", "sign_in", "version")
_TEXTS = ("user", "provider", "client", "target")


def _why_to_json(why: Why | None) -> list[str] | None:
    return None if why is None else [type(why).__name__, why.value]


def _why_of(value: Sequence[str] | None) -> Why | None:
    if value is None:
        return None
    return Lost(value[1]) if value[0] == "Lost" else Reason(value[1])


def _facts_to_json(facts: Sequence[Fact]) -> list[list[str]]:
    return [[str(fact.label), str(fact.value)] for fact in facts]


def _facts_of(value: Sequence[Sequence[str]]) -> tuple[Fact, ...]:
    return tuple(Fact(read_back(label), read_back(text)) for label, text in value)


def _cookie_to_json(note: CookieNote) -> list[Any]:
    return [note.did, str(note.name), note.size, note.chunks, [str(text) for text in note.attributes], note.ends_s, note.age_s]


def _cookie_of(value: Sequence[Any]) -> CookieNote:
    did, name, size, chunks, attributes, ends, age = value
    texts = tuple(map(read_back, attributes))
    return CookieNote(did=Did(did), name=read_back(name), size=size, chunks=chunks, attributes=texts, ends_s=ends, age_s=age)


def _candidate_to_json(candidate: Candidate) -> list[Any]:
    return [str(candidate.source), _why_to_json(candidate.why)]


def _candidate_of(value: Sequence[Any]) -> Candidate:
    return Candidate(source=read_back(value[0]), why=_why_of(value[1]))


def _session_to_json(note: SessionNote) -> dict[str, Any]:
    return {
        "claims": _facts_to_json(note.claims),
        "hidden": [str(text) for text in note.hidden],
        "visible": [str(text) for text in note.visible],
        "decided_by_callback": note.decided_by_callback,
        "stored": note.stored,
        "token": note.token,
        "cookie": _cookie_to_json(note.cookie),
        "cipher": str(note.cipher),
        "times": [note.issued, note.renews, note.ends, note.ends_at_last],
    }


def _session_of(value: dict[str, Any]) -> SessionNote:
    issued, renews, ends, at_last = value["times"]
    return SessionNote(
        claims=_facts_of(value["claims"]),
        hidden=tuple(map(read_back, value["hidden"])),
        visible=tuple(map(read_back, value["visible"])),
        decided_by_callback=value["decided_by_callback"],
        stored=value["stored"],
        token=value["token"],
        cookie=_cookie_of(value["cookie"]),
        cipher=read_back(value["cipher"]),
        issued=issued,
        renews=renews,
        ends=ends,
        ends_at_last=at_last,
    )


def _without_facts(flow: Flow) -> Flow:
    return replace(flow, steps=tuple(replace(step, facts=step.facts[:2], private=step.private[:2]) for step in flow.steps))


def _without_candidates(flow: Flow) -> Flow:
    session = None if flow.session is None else replace(flow.session, claims=flow.session.claims[:6], hidden=())
    return replace(flow, lost=flow.lost[:8], spare=flow.spare[:4], session=session)


def _without_any_facts(flow: Flow) -> Flow:
    return replace(flow, steps=tuple(replace(step, facts=(), private=()) for step in flow.steps))
