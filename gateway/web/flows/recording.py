"""A trace that listens: it makes a flow of what it is told, and gives it to the memory once the answer is there."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from aiohttp import web

from gateway.core.errors import GatewayError
from gateway.core.reason import Reason
from gateway.sessions.cookie_header import set_cookie_line
from gateway.web.auth.attempts import address_key
from gateway.web.flows import shown
from gateway.web.flows.cookie_notes import written
from gateway.web.flows.flow_json import bounded
from gateway.web.flows.memory import digest
from gateway.web.flows.narrator import REFUSED, Narrator
from gateway.web.flows.scribe import raised_at
from gateway.web.flows.shown import words
from gateway.web.flows.steps import Candidate, Fact, Flow, Lane, Mark, Sort, Step
from gateway.web.flows.tie import Shelf, Ties
from gateway.web.flows.trace import Trace

if TYPE_CHECKING:
    from gateway.web.auth.visit import Visit


class Recording(Narrator):
    """One request to the sign-in or the sign-out, and what becomes of it."""

    __slots__ = ("_issued", "_ties")

    def __init__(self, visit: Visit) -> None:
        super().__init__(visit)
        self._ties = Ties(visit.gateway.sealer, secure=visit.gateway.policy.hosts.scheme == "https")
        self._issued = ""

    def broke(self, error: Exception) -> None:
        """See `Trace`."""
        visit = self._visit
        if visit.facts.method in ("GET", "HEAD") or isinstance(error, (web.HTTPException, GatewayError, ConnectionError)):
            return  # nobody tried anything; or it has an answer of its own; or nobody is there any more
        text = words("Something in the gateway failed. That is a fault of the gateway, not of the person, and never a yes.")
        self._work(words("a fault of the gateway"), text, why=Reason.INTERNAL_ERROR, private=raised_at(error))
        self._leaves(500, Reason.INTERNAL_ERROR, ())
        # Once the provider knew the person, the flow is for the inspector alone: the answer can't hand the browser a new id.
        self._attempted(self._ties.shelf(visit.cookies, now=visit.now), 500, Reason.INTERNAL_ERROR, visit.fields)

    def answered(self, response: web.StreamResponse, fields: Mapping[str, str]) -> None:
        """See `Trace`."""
        visit = self._visit
        said = response.headers.get("X-Gateway-Reason")
        reason = Reason(said) if said is not None else Reason.OWN_ENDPOINT
        lines = [*visit.lines, *self._csrf_line()]
        for line in lines[len(visit.lines) :]:
            response.headers.add("Set-Cookie", line)
        self._leaves(response.status, reason, written(lines, visit.cookies, visit.gateway.sessions.names, now=visit.now))
        shelf = self._ties.shelf(visit.cookies, now=visit.now)
        if visit.facts.method in ("GET", "HEAD"):
            if self._circles:
                self._circle_shown(shelf, response.status)
            shelf = self._page_shown(shelf or self._ties.new_shelf())
        else:
            shelf = self._attempted(shelf, response.status, reason, fields)
            if self._user is not None and self._ties.note in visit.cookies.names:  # of what was before
                response.headers.add("Set-Cookie", self._ties.no_note_line())
        response.headers.add("Set-Cookie", self._ties.shelf_line(shelf, visit.cookies, now=visit.now))

    def _page_shown(self, shelf: Shelf) -> Shelf:
        note = self._ties.read_note(self._visit.cookies, self._csrf(), now=self._visit.now)
        before = note.steps if note is not None and note.led_to == digest(f"address {self._visit.facts.target.raw}") else ()
        if note is not None and before and note.reason is Reason.SESSION_MISSING and not self._circles:
            self._came_back_without(shelf, before)
        return shelf if self._page is None else shelf.with_page(self._page, (*before, *self._steps))

    def _circle_shown(self, shelf: Shelf | None, status: int) -> None:
        """The circle as a flow of its own, under the code on its page: the last sign-in from its form on, how it was lost, and this request."""
        visit = self._visit
        if shelf is None:
            return
        note = self._ties.read_note(visit.cookies, self._csrf(), now=visit.now)
        if note is not None and note.led_to == digest(f"address {visit.facts.target.raw}") and note.reason is Reason.SESSION_MISSING:
            self._came_back_without(shelf, note.steps)
        owner = shelf.owner(self._csrf())
        last = next((flow for flow in visit.gateway.flows if flow.tie == owner and flow.reason is Reason.SIGNED_IN), None)
        before = () if last is None else tuple(step for step in _from_the_form(last.steps) if Lane.BROWSER in (step.source, step.target))
        self._keep(
            Flow(
                id=secrets.token_hex(8),
                code=visit.request_id,
                sort=Sort.SIGN_IN,
                began=(before or tuple(self._steps))[0].at,
                tie=owner,
                share=digest(f"address {address_key(visit.facts.client)}"),
                status=status,
                reason=Reason.SIGN_IN_LOOP,
                user=None if last is None else last.user,
                provider=None if last is None else last.provider,
                client=shown.client(visit.facts),
                steps=(*before, *self._steps),
            )
        )

    def _keep(self, flow: Flow) -> None:
        self._visit.gateway.flows.add(bounded(flow))

    def _came_back_without(self, shelf: Shelf, steps: tuple[Step, ...]) -> None:
        """This browser has signed in, and is at the sign-in again: its session cookie did not come back. That belongs to the flow before."""
        if self._visit.held is not None:
            return  # it is here now: another tab signed in while this one was on its way
        flows = self._visit.gateway.flows
        last = next((flow for flow in flows if flow.tie == shelf.owner(self._csrf())), None)
        if last is not None and last.reason is Reason.SIGNED_IN and last.sign_in is not None:
            came, *rest = steps
            missing = Fact(words("did not come"), shown.cookie_name(self._visit.gateway.sessions.names.session))
            text = words("The browser goes there, and does not bring the session cookie along: it dropped it, or could not send it.")
            flows.later(last.sign_in, (replace(came, text=text, mark=Mark.BAD, facts=(*came.facts, missing)), *rest))

    def _attempted(self, shelf: Shelf | None, status: int, reason: Reason, fields: Mapping[str, str]) -> Shelf:
        """Make the flow. A browser that has become somebody's, or nobody's, is another browser from now on: who sits there next sees nothing of it."""
        visit = self._visit
        before: tuple[Step, ...] = ()
        if shelf is not None and "returnTo" in fields:
            before = shelf.steps_of(digest(f"page {fields['returnTo']}"))
        sort = Sort.SIGN_OUT if visit.facts.target.path == "/api/auth/signout" else Sort.SIGN_IN
        if shelf is None or self._user is not None or reason is Reason.SIGNED_OUT:
            shelf = self._ties.new_shelf()
        steps = (*before, *self._steps)
        flow = Flow(
            id=secrets.token_hex(8),
            code=visit.request_id,
            sort=sort,
            began=self._steps[0].at,
            tie=shelf.owner(self._csrf()),
            share=digest(f"address {address_key(visit.facts.client)}"),
            status=status,
            reason=reason,
            sign_in=None if self._session is None else digest(f"sign-in {self._session.sign_in_id}"),
            user=self._user,
            provider=self._provider,
            client=shown.client(visit.facts),
            target=None if self._target is None else self._address(self._target),
            won=self._won,
            lost=(*_refused_at_the_page(before), *self._lost) if self._won is not None else (),
            spare=self._spare,
            session=self._session_note,
            steps=steps,
        )
        self._keep(flow)
        return shelf

    def _csrf_line(self) -> Iterator[str]:
        """An attempt that came without a csrf cookie gets one, and belongs to the browser that keeps it: nobody can put that into another."""
        gateway = self._visit.gateway
        if self._visit.facts.method == "POST" and not self._csrf():
            self._issued, value = gateway.csrf.issue()
            yield set_cookie_line(gateway.sessions.names.csrf, value, secure=gateway.policy.hosts.scheme == "https")

    def _csrf(self) -> str:
        gateway = self._visit.gateway
        return self._issued or gateway.csrf.token_of(self._visit.cookies.first(gateway.sessions.names.csrf)) or ""


def _from_the_form(steps: Sequence[Step]) -> Sequence[Step]:
    """From the form that was sent on: what led to its page is told elsewhere."""
    sent = next((index for index, step in enumerate(steps) if str(step.title).startswith("POST ")), 0)
    return steps[sent:]


def _refused_at_the_page(steps: Sequence[Step]) -> Iterator[Candidate]:
    """What the page of the form was asked for and did not keep: the form brings none of it, and the person wonders."""
    for fact in (fact for step in steps for fact in step.facts if fact.label == REFUSED):
        source, _, why = str(fact.value).rpartition(": ")
        yield Candidate(source=shown.source(source), why=Reason(why))


def trace_of(visit: Visit, name: str) -> Trace | None:
    """What listens to a request: only to sign-ins and sign-outs, and only where `[inspector]` is on; else None."""
    if not visit.gateway.settings.inspector.enabled:
        return None
    first = name.partition("/")[0]
    wanted = (first == "signin" and visit.facts.method == "GET") or (first in ("callback", "signout") and visit.facts.method == "POST")
    return Recording(visit) if wanted else None
