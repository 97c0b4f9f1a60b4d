"""`GET inspector`, `GET inspector/ID` and `GET why`: flows as pages. They need no JavaScript; with it, the inspector is live (`live.py`)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from aiohttp import web

from gateway.core.reason import Reason
from gateway.web.auth.visit import Visit
from gateway.web.flows import times
from gateway.web.flows.access import refusal
from gateway.web.flows.cookie_notes import sent
from gateway.web.flows.diagram import LABELS, cookie_line, drawings
from gateway.web.flows.memory import digest
from gateway.web.flows.seen import shown_by
from gateway.web.flows.session_note import note_of_now
from gateway.web.flows.steps import CookieNote, Did, Flow
from gateway.web.flows.telling import Told, back, came_back, named, told, why_lost
from gateway.web.flows.tie import Note, Ties
from gateway.web.pages import error_page, page
from gateway.web.reason_text import text_of

BASE = "/api/auth"
_SHEETS = ("flows.css",)
_ABOUT = "Who sent what to whom, from top to bottom: {} steps between browser, gateway, provider, session and app. The same stands below as a list."
_CODE = re.compile(r"[0-9a-f]{16}\Z")
_LISTED, _OTHERS = 50, 8
Entry = tuple[Flow, Told, str]


async def inspector(request: web.Request, visit: Visit) -> web.StreamResponse:
    """All flows, and the newest drawn; or the one that is named by its id, or by its code (`?code=`)."""
    refused = refusal(visit)
    if refused is not None:
        return error_page(request, *refused)
    flows, gateway = list(visit.gateway.flows), visit.gateway
    name = visit.facts.target.path.removeprefix(f"{BASE}/inspector").strip("/")
    chosen = gateway.flows.get(name) if name else None
    code = "" if name else visit.query.get("code", "").strip()
    if code:
        chosen = next((flow for flow in flows if flow.code == code), None)
    missed = bool(name or code) and chosen is None
    flow = chosen or (flows[0] if flows and not missed else None)
    now = visit.now.timestamp()
    settings = gateway.settings.inspector
    return page(
        request,
        "inspector.html",
        sheets=_SHEETS,
        script="flows.js",
        status=404 if missed else 200,
        host=visit.facts.host,
        places=_places(here="inspector"),
        flows=_entries(flows[:_LISTED], now, own=False),
        flow=flow,
        chosen=chosen is not None,
        gone="The one that you asked for is not here, or not any more." if missed else "",
        most=min(_LISTED, settings.flows),
        keep=times.duration(settings.keep.total_seconds()),
        live=f"{BASE}/inspector/live",
        **_drawn(flow, own=False),
        now=now,
        told_sessions=sorted(visit.gateway.told_sessions),
        **_HELPERS,
    )


async def why(request: web.Request, visit: Visit) -> web.StreamResponse:
    """What became of the last attempt of this very browser; nobody else's is ever found."""
    if not visit.gateway.settings.inspector.enabled:
        return error_page(request, Reason.INSPECTOR_OFF, 404)
    code = visit.query.get("code", "")
    known = _found(visit)
    note = known.note if known.note is not None and known.note.code == code else None
    named = next((flow for flow in known.flows if flow.code == code), None)
    flow = named or (known.flows[0] if known.flows else None)
    now = visit.now.timestamp()
    return page(
        request,
        "why.html",
        sheets=_SHEETS,
        script=None,
        host=visit.facts.host,
        places=_places(here="why", inspector=refusal(visit) is None),
        note=note,
        note_words=None if note is None else text_of(note.reason),
        note_pictures=() if note is None else drawings(note.steps),
        flow=flow,
        foreign=bool(_CODE.match(code)) and named is None and note is None,
        session=None if flow is None else _session_of(visit, flow),
        set=() if flow is None else _were_set(flow),
        others=_entries([other for other in known.flows if other is not flow][:_OTHERS], now, own=True),
        **_drawn(flow, own=True),
        now=now,
        told_sessions=sorted(visit.gateway.told_sessions),
        **_HELPERS,
    )


@dataclass(frozen=True, slots=True)
class _Known:
    """What may be told to this browser."""

    flows: Sequence[Flow]
    note: Note | None


def _found(visit: Visit) -> _Known:
    """By the sealed cookie of this browser, or by its living session."""
    ties = Ties(visit.gateway.sealer, secure=visit.gateway.policy.hosts.scheme == "https")
    shelf = ties.shelf(visit.cookies, now=visit.now)
    gateway = visit.gateway
    csrf = gateway.csrf.token_of(visit.cookies.first(gateway.sessions.names.csrf)) or ""
    owner = None if shelf is None or not csrf else shelf.owner(csrf)
    sign_in = None if visit.session is None else digest(f"sign-in {visit.session.sign_in_id}")
    flows = [flow for flow in visit.gateway.flows if flow.tie == owner or (sign_in is not None and flow.sign_in == sign_in)]
    if (proved := shown_by(visit, visit.gateway.flows)) is not None and proved not in flows:
        flows.insert(0, proved)
    return _Known(flows, ties.read_note(visit.cookies, csrf, now=visit.now))


def _session_of(visit: Visit, flow: Flow) -> object:
    """The session as it is now, if the browser still has it; else as it was made."""
    held = visit.session
    if held is not None and digest(f"sign-in {held.sign_in_id}") == flow.sign_in:
        cookies = sent(visit.cookies, visit.gateway.sessions.names, held, now=visit.now)
        return note_of_now(visit.gateway, held, cookies) or flow.session
    return flow.session


def _were_set(flow: Flow) -> list[CookieNote]:
    notes: dict[str, CookieNote] = {}
    for step in flow.steps:
        notes |= {str(note.name): note for note in step.cookies if note.did is not Did.SENT}
    return list(notes.values())


def _entries(flows: Sequence[Flow], now: float, *, own: bool) -> list[Entry]:
    return [(flow, told(flow, own=own), times.ago(flow.began, now=now)) for flow in flows]


def _drawn(flow: Flow | None, *, own: bool) -> dict[str, Any]:
    if flow is None:
        return {"told": None, "pictures": (), "about": "", "back": "", "came_back": None}
    return {
        "told": told(flow, own=own),
        "pictures": drawings(flow.steps),
        "about": _ABOUT.format(len(flow.steps)),
        "back": back(flow),
        "came_back": came_back(flow),
    }


def _places(*, here: str, inspector: bool = True) -> list[tuple[str, str, bool]]:
    places = [("inspector", "All sign-ins"), ("why", "Mine")] if inspector else [("why", "My sign-in")]
    return [(f"{BASE}/{quote(name)}", label, name == here) for name, label in places]


_HELPERS: dict[str, Any] = {
    "lanes": LABELS,
    "cookie_line": cookie_line,
    "duration": times.duration,
    "ago": times.ago,
    "day": times.day,
    "stamp": times.stamp,
    "why_lost": why_lost,
    "named": named,
}
