"""How the steps of a flow are written down: when, how long each took, and what the browser brought and got."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from gateway.core.reason import Reason
from gateway.web.flows import shown
from gateway.web.flows.cookie_notes import sent
from gateway.web.flows.shown import Shown, words
from gateway.web.flows.steps import CookieNote, Fact, Lane, Mark, Step, Why
from gateway.web.flows.trace import Trace

if TYPE_CHECKING:
    from gateway.web.auth.visit import Visit


class Scribe(Trace):
    """Writes the steps of one request. What they tell is said by `Narrator`."""

    __slots__ = ("_began", "_kept", "_mark", "_steps", "_target", "_visit")

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._steps: list[Step] = []
        self._began = self._mark = time.perf_counter()
        self._target: str | None = None
        self._kept: tuple[Fact, ...] = ()
        self._arrives()

    def _arrives(self) -> None:
        visit = self._visit
        line = words("{} {}", shown.method(visit.facts.method), shown.address(visit.facts.target.raw))
        cookies = sent(visit.cookies, visit.gateway.sessions.names, visit.held, now=visit.now)
        text = (
            words("The browser sends the sign-in form.")
            if visit.facts.method == "POST"
            else words("The browser asks for the sign-in page.")
        )
        if visit.facts.target.path == "/api/auth/signout":
            text = words("The browser sends the sign-out form.")
        self._step(Lane.BROWSER, Lane.GATEWAY, line, text, cookies=cookies, private=(Fact(words("from"), shown.client(visit.facts)),))

    def _leaves(self, status: int, reason: Reason, cookies: tuple[CookieNote, ...]) -> None:
        good = reason in (Reason.SIGNED_IN, Reason.SIGNED_OUT, Reason.OWN_ENDPOINT)
        if self._target is not None:
            title = words("{} → {}", status, self._address(self._target))
            text = words("The gateway sends the browser to {}.", self._address(self._target))
        else:
            title = words("{} the sign-in page", status) if good else words("{} an error page", status)
            text = words("The gateway shows the sign-in page.") if good else words("The gateway answers with an error page.")
        self._step(
            Lane.GATEWAY,
            Lane.BROWSER,
            title,
            text,
            mark=Mark.GOOD if good else Mark.BAD,
            why=None if reason is Reason.OWN_ENDPOINT else reason,
            facts=self._kept if reason is Reason.OWN_ENDPOINT else (),
            cookies=cookies,
            took_us=self._since(self._began),
        )

    def _work(
        self,
        title: Shown,
        text: Shown,
        *,
        good: bool = False,
        why: Why | None = None,
        facts: tuple[Fact, ...] = (),
        private: tuple[Fact, ...] = (),
    ) -> None:
        mark = Mark.GOOD if good else Mark.BAD
        self._step(Lane.GATEWAY, Lane.GATEWAY, title, text, mark=mark, why=why, took_us=self._took(), facts=facts, private=private)

    def _step(
        self,
        source: Lane,
        target: Lane,
        title: Shown,
        text: Shown,
        *,
        mark: Mark = Mark.PLAIN,
        why: Why | None = None,
        took_us: int | None = None,
        facts: tuple[Fact, ...] = (),
        cookies: tuple[CookieNote, ...] = (),
        private: tuple[Fact, ...] = (),
    ) -> None:
        at = self._visit.now.timestamp() + time.perf_counter() - self._began
        mark = Mark.BAD if why is not None and mark is Mark.PLAIN else mark
        self._steps.append(
            Step(
                at=at,
                source=source,
                target=target,
                title=title,
                text=text,
                mark=mark,
                why=why,
                took_us=took_us,
                facts=facts,
                cookies=cookies,
                private=private,
            )
        )

    def _address(self, location: str) -> Shown:
        return shown.address(location, own_origin=self._visit.origin)

    def _took(self) -> int:
        took, self._mark = self._since(self._mark), time.perf_counter()
        return took

    @staticmethod
    def _since(start: float) -> int:
        return round((time.perf_counter() - start) * 1e6)


def raised_at(error: BaseException | None) -> tuple[Fact, ...]:
    """What raised and where, for those who run the gateway; the message stays out."""
    if error is None:
        return ()
    return (Fact(words("raised"), shown.exception_kind(error)), *(Fact(words("at"), frame) for frame in shown.frames(error)))
