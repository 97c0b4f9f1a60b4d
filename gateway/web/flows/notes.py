"""How a request ended that is no sign-in: an error page, or a redirect to the sign-in. It is handed to the browser itself, sealed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from aiohttp import web

from gateway.core.decision import Deny
from gateway.core.identity import Session
from gateway.core.policy import explain
from gateway.core.reason import Reason
from gateway.sessions.cookie_header import CookieHeader, set_cookie_line
from gateway.web.flows import shown
from gateway.web.flows.cookie_notes import sent, written
from gateway.web.flows.memory import digest
from gateway.web.flows.shown import words
from gateway.web.flows.steps import Fact, Lane, Mark, Step
from gateway.web.flows.tie import PATH, Note, Ties
from gateway.web.side_cookie import csrf_of
from gateway.web.state import FACTS, GATEWAY, request_id_of

if TYPE_CHECKING:
    from gateway.core.facts import RequestFacts
    from gateway.web.state import Gateway

WHY = "/api/auth/why"


def why_link(request: web.BaseRequest, *, coded: bool = True) -> str | None:
    """Where the person can see what happened; None where nothing is recorded, or the request is not one of ours.

    Args:
        coded: False for a page that an attempt was sent to: its own code is not the attempt's.
    """
    gateway, facts = request.get(GATEWAY), request.get(FACTS)
    if gateway is None or facts is None or not gateway.settings.inspector.enabled or not gateway.policy.hosts.covers(facts.host):
        return None
    return f"{WHY}?code={request_id_of(request)}" if coded else WHY


def note_end(request: web.BaseRequest, response: web.StreamResponse, reason: Reason, *, location: str = "") -> None:
    """Let an answer carry a note of how its request ended; and add it to the sign-in that its session came of, if that is known.

    Args:
        location: Where a redirect leads.
    """
    if why_link(request) is None:
        return
    gateway, facts = request[GATEWAY], request[FACTS]
    if facts.method == "POST" and facts.target.path.startswith(PATH):
        return  # a flow of its own tells of it
    cookies = _cookies_of(request)
    held = gateway.storage.held_in(cookies)
    names, secure = gateway.sessions.names, gateway.policy.hosts.scheme == "https"
    csrf = csrf_of(gateway, cookies)
    given: tuple[str, ...] = ()
    if csrf is None:
        # Nobody can put this one into somebody else's browser, on https: so the note is good for this browser alone.
        csrf, value = gateway.csrf.issue()
        given = (set_cookie_line(names.csrf, value, secure=secure),)
    steps = _steps(gateway, facts, cookies, held, response.status, reason, location, given)
    note = Note(request_id_of(request), reason, digest(f"address {location}") if location else "", steps)
    line = Ties(gateway.sealer, secure=secure).note_line(note, cookies, csrf, now=gateway.clock())
    if line is None:  # it has no room
        steps = _steps(gateway, facts, cookies, held, response.status, reason, location, ())
    else:
        response.headers.extend([("Set-Cookie", one) for one in (line, *given)])
    if isinstance(held, Session) and not facts.target.path.startswith(PATH):
        gateway.flows.later(digest(f"sign-in {held.sign_in_id}"), _with_rule(gateway, facts, held, steps))


def _with_rule(gateway: Gateway, facts: RequestFacts, held: Session, steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """For those who may look at everybody's: the rule that said no, if one did."""
    decision, looks = explain(facts, held, gateway.policy, now=gateway.clock())
    if not isinstance(decision, Deny) or not looks:
        return steps
    return (*steps[:-1], replace(steps[-1], private=(Fact(words("the rules say"), shown.looked_at(looks[-1])),)))


def _cookies_of(request: web.BaseRequest) -> CookieHeader:
    """The cookies of a request. One that can only be for an app comes without its head (`proxied.py`), which the connection has."""
    head = getattr(getattr(request.transport, "connection", None), "head", None)
    if head is None:
        return CookieHeader.parse(request.headers.getall("Cookie", []))
    return CookieHeader.parse(value for name, value in head.headers if name.lower() == b"cookie")


def _steps(
    gateway: Gateway,
    facts: RequestFacts,
    cookies: CookieHeader,
    held: Session | Reason | None,
    status: int,
    reason: Reason,
    location: str,
    given: tuple[str, ...],
) -> tuple[Step, ...]:
    now = gateway.clock()
    at = now.timestamp()
    notes = sent(cookies, gateway.sessions.names, held, now=now)
    line = words("{} {}", shown.method(facts.method), shown.address(facts.target.raw))
    came = words("The browser asks for a page.") if notes else words("The browser asks for a page, and sends no cookie of the gateway.")
    title = words("{} → {}", status, shown.address(location)) if location else words("{} an error page", status)
    gone = words("The gateway sends the browser to the sign-in page.") if location else words("The gateway answers with an error page.")
    who = (Fact(words("signed in as"), shown.user_label(held.user)),) if isinstance(held, Session) else ()
    return (
        Step(at=at, source=Lane.BROWSER, target=Lane.GATEWAY, title=line, text=came, cookies=notes, facts=who),
        Step(
            at=at,
            source=Lane.GATEWAY,
            target=Lane.BROWSER,
            title=title,
            text=gone,
            mark=Mark.PLAIN if location else Mark.BAD,
            why=reason,
            cookies=written(given, cookies, gateway.sessions.names, now=now),
        ),
    )
