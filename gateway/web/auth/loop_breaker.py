"""Ends a sign-in that goes in circles: instead of the form for the third time, a page that says what did not come back, and why that may be.

What is shown comes from this very request and from what this browser carries (`trail.py`, the sealed part of the form), so nobody can
make somebody else see it: without two sign-ins of one's own that were lost at once, and cookies that are really missing, there is no page.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace

from aiohttp import web

from gateway.core.facts import Wants
from gateway.core.reason import Reason
from gateway.core.sign_in_loop import LoopEvidence, Lost, causes_of
from gateway.web.auth import return_target
from gateway.web.auth.loop_text import FOUND, LOST
from gateway.web.auth.reply import with_query
from gateway.web.auth.trail import IN_A_ROW_S, Trail, forget_trail, keep_trail, trail_of
from gateway.web.auth.visit import Visit
from gateway.web.flows.notes import why_link
from gateway.web.flows.seen import seen_of
from gateway.web.log import event
from gateway.web.pages import error_page, page
from gateway.web.reason_text import text_of

log = logging.getLogger(__name__)
_MOST_BOUNCES = 2
_FRAMES = frozenset({"iframe", "frame", "embed", "object", "fencedframe"})


def note_sign_in(visit: Visit, lines: list[str]) -> None:
    """A sign-in succeeded, and its answer sets the cookies of these `Set-Cookie` lines."""
    sizes = [len(line.partition(";")[0]) for line in lines if "Max-Age=0" not in line]
    keep_trail(visit, trail_of(visit).signed_in(int(visit.now.timestamp()), largest=max(sizes, default=0), cookies=len(sizes)))


def broken_at_page(request: web.Request, visit: Visit) -> web.Response | None:
    """At the sign-in page: the answer if the session was lost twice in a row; None: show the form."""
    if visit.held is not None:
        forget_trail(visit)  # it did come back
        return None
    if request.method != "GET":
        return None
    before = trail_of(visit)
    after = before.came_without(int(visit.now.timestamp()))
    if after == before:
        return None
    keep_trail(visit, after)
    if after.bounces < _MOST_BOUNCES:
        event(log, "sign-in-lost", reason=Reason.SESSION_MISSING, client=visit.facts.client, request=visit.request_id)
        return None
    return _loop_page(request, visit, Lost.SESSION, before, location=return_target.target(visit, return_target.candidates(visit)))


def broken_at_post(request: web.Request, visit: Visit, posted: Mapping[str, str]) -> web.Response | None:
    """At a form whose csrf token no cookie vouches for: the answer if the cookies were lost twice in a row; None: show the form again."""
    lost_at = return_target.tab_of(visit, posted).lost_at
    if not lost_now(visit) or int(visit.now.timestamp()) - lost_at > IN_A_ROW_S:
        return None
    return _loop_page(request, visit, Lost.EVERYTHING, location=return_target.target(visit, return_target.candidates(visit, posted)))


def broken_by_http(request: web.Request, visit: Visit) -> web.Response | None:
    """At a form that was refused as another site's: the answer if it is our own page, opened over http where only https can work.

    No second time is waited for: it is certain, and nothing but a page under our own name can send this.
    """
    if not _says_http(request, visit):
        return None
    return _loop_page(request, visit, Lost.EVERYTHING, status=403)


def lost_now(visit: Visit) -> bool:
    """True if no csrf cookie came at all, though our pages always set one; what came and can't be used is another matter."""
    return visit.cookies.first(visit.gateway.sessions.names.csrf) is None


def _says_http(request: web.Request, visit: Visit) -> bool:
    return visit.origin.startswith("https:") and request.headers.getall("Origin", []) == [f"http:{visit.origin.removeprefix('https:')}"]


def _loop_page(
    request: web.Request, visit: Visit, lost: Lost, trail: Trail | None = None, *, location: str | None = None, status: int = 400
) -> web.Response:
    seen = LoopEvidence(
        lost=lost,
        secure=visit.origin.startswith("https:"),
        says_http=_says_http(request, visit),
        trustworthy="Sec-Fetch-Mode" in request.headers or "Sec-Fetch-Site" in request.headers,
        framed=request.headers.get("Sec-Fetch-Dest") in _FRAMES,
        largest=trail.largest if trail else 0,
        cookies=trail.cookies if trail else 1,
    )
    causes = causes_of(seen)
    event(
        log,
        "sign-in-loop",
        level=logging.WARNING,
        reason=Reason.SIGN_IN_LOOP,
        lost=lost,
        likely=",".join(causes),
        largest_cookie=seen.largest or None,
        client=visit.facts.client,
        request=visit.request_id,
    )
    visit.trace.circles(lost)
    if visit.asks_for_json or visit.facts.wants is not Wants.PAGE:
        return error_page(request, Reason.SIGN_IN_LOOP, status, further={"lost": lost, "likely": ",".join(causes)}, as_data=True)
    words = text_of(Reason.SIGN_IN_LOOP)
    again = with_query("/api/auth/signin", {"callbackUrl": location} if location else {})
    return page(
        request,
        "sign_in_loop.html",
        status=status,
        headers={"X-Gateway-Reason": Reason.SIGN_IN_LOOP},
        words=replace(words, what=LOST[lost]),
        facts=_facts(visit, seen),
        causes=[FOUND[cause] for cause in causes],
        public_url=visit.origin,
        again=again,
        reason=Reason.SIGN_IN_LOOP.value,
        request_id=visit.request_id,
        why=_why(request, visit, lost),
    )


def _why(request: web.Request, visit: Visit, lost: Lost) -> str | None:
    """Where this circle is drawn. A browser that sends no cookie back brings the proof that it may look in the link."""
    link = why_link(request)
    return f"{link}&seen={seen_of(visit)}" if link is not None and lost is Lost.EVERYTHING else link


def _facts(visit: Visit, seen: LoopEvidence) -> list[tuple[str, str]]:
    """What was seen, for whoever is asked for help: names and sizes of our own cookies, nothing that the request says."""
    names = visit.gateway.sessions.names
    sent = names.csrf if seen.lost is Lost.EVERYTHING else names.session
    marks = f"HttpOnly, {'Secure, ' if seen.secure else ''}SameSite=Lax, no Domain"
    size = f", {seen.largest} bytes{f' in the largest of {seen.cookies}' if seen.cookies > 1 else ''}" if seen.largest else ""
    ours = [name for name in (names.session, names.csrf, names.callback_url) if visit.cookies.first(name) is not None]
    return [("Sent to the browser", f"{sent} ({marks}{size})"), ("Came back", ", ".join(ours) or "no cookie of the sign-in")]
