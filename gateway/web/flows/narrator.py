"""The story of one request to the sign-in or the sign-out: what each part of the gateway tells of it, as the steps of a flow."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from gateway.callbacks.module import CallbackFailed
from gateway.core.errors import ProviderUnavailable
from gateway.core.identity import Session, User
from gateway.core.reason import Reason
from gateway.core.return_to import Destination
from gateway.core.sign_in_loop import Lost
from gateway.providers.base import Accepted, Answer, Provider, Rejected
from gateway.settings.policy import redirect_rules_of
from gateway.web.flows import shown
from gateway.web.flows.cookie_notes import written
from gateway.web.flows.memory import digest
from gateway.web.flows.scribe import Scribe, raised_at
from gateway.web.flows.session_note import session_note
from gateway.web.flows.shown import Shown, words
from gateway.web.flows.steps import Candidate, Fact, Lane, Mark, SessionNote

if TYPE_CHECKING:
    from gateway.web.auth.visit import Visit

#: What a form keeps, and by which way that came: `telling.py` reads it back. And what it does not keep, read back where its flow is made.
KEPT, KEPT_FROM, REFUSED = words("the form keeps"), words("which came from"), words("not taken")
_RULE = re.compile(r"redirects\.rules\[(\d+)\]\Z")
_REASONS = frozenset(Reason)  # a form may come of another version of ours
_FURTHER = 24  # names of claims that are listed


class Narrator(Scribe):
    """Listens, and writes the steps. What becomes of them is for `Recording`."""

    __slots__ = ("_circles", "_lost", "_page", "_provider", "_session", "_session_note", "_spare", "_user", "_won")

    def __init__(self, visit: Visit) -> None:
        super().__init__(visit)
        self._page: str | None = None
        self._circles = False
        self._user: Shown | None = None
        self._provider: Shown | None = None
        self._session: Session | None = None
        self._session_note: SessionNote | None = None
        self._won: Candidate | None = None
        self._lost: tuple[Candidate, ...] = ()
        self._spare: tuple[Candidate, ...] = ()

    def page(self, return_to: str) -> None:
        """See `Trace`."""
        self._page = digest(f"page {return_to}")

    def refused(self, what: str) -> None:
        """See `Trace`."""
        source, _, why = what.rpartition(": ")
        if why in _REASONS:
            self._kept += (Fact(REFUSED, words("{}: {}", shown.source(source), Reason(why))),)

    def settled(self, source: str, location: str) -> None:
        """See `Trace`."""
        self._kept += (Fact(KEPT, self._address(location)), Fact(KEPT_FROM, shown.source(source)))

    def read(self, provider: Provider | None, refused: Reason | None) -> None:
        """See `Trace`."""
        self._provider = None if provider is None else shown.provider(provider)
        if refused is not None:
            self._work(
                words("not taken"),
                words("The request is not one that the form of this gateway sends, so nothing in it is used."),
                why=refused,
            )
            return
        self._work(
            words("from our own page"),
            words("Origin and Sec-Fetch-Site say that no other site sent it, and the body is a small form or JSON."),
            good=True,
        )

    def csrf(self, holds: bool) -> None:
        """See `Trace`."""
        if holds:
            self._work(
                words("csrf token fits"),
                words("The token in the form is the one that the csrf cookie of this browser vouches for."),
                good=True,
            )
            return
        text = words(
            "The token in the form is not the one of this browser's csrf cookie: the form is old, or of another browser, or the cookie did not come back."
        )
        self._work(words("csrf token does not fit"), text, why=Reason.CSRF_MISMATCH)

    def limits(self, refused: Reason | None, delay_s: float = 0.0) -> None:
        """See `Trace`."""
        if refused is not None:
            self._work(
                words("too many attempts"),
                words("Too many attempts failed from this address, or too many are being checked. Nobody was asked."),
                why=refused,
            )
        elif delay_s:
            self._work(
                words("made to wait"),
                words("Many attempts on this account failed lately, so each waits {} ms. It is not locked.", round(delay_s * 1000)),
                good=True,
            )
        else:
            self._work(words("within the limits"), words("Not too many attempts failed from this address."), good=True)

    def authorized(self, provider: Provider, answer: Answer) -> None:
        """See `Trace`."""
        asked = shown.field_names(provider.fields)
        took = self._took()
        self._step(
            Lane.GATEWAY, Lane.PROVIDER, words("authorize({})", asked), words("The gateway asks the provider {} whose these are.", shown.provider(provider)),
            facts=(Fact(words("asked with"), asked), Fact(words("values"), words("never kept, never shown"))),
        )  # fmt: skip
        if isinstance(answer, Accepted):
            self._accepted(answer.user, took)
            return
        why = shown.rejection(answer) if isinstance(answer, Rejected) else words("no provider knows whose these are")
        self._step(
            Lane.PROVIDER, Lane.GATEWAY, words("no: not these"), words("The provider does not let them in. Which part was wrong is not told."),
            why=Reason.CREDENTIALS_WRONG, took_us=took, private=(Fact(words("the provider says"), why),),
        )  # fmt: skip

    def unavailable(self, provider: Provider, error: ProviderUnavailable, reason: Reason) -> None:
        """See `Trace`."""
        took = self._took()
        self._step(
            Lane.GATEWAY, Lane.PROVIDER, words("authorize({})", shown.field_names(provider.fields)),
            words("The gateway asks the provider {} whose these are.", shown.provider(provider)),
        )  # fmt: skip
        text = words(
            "The provider could not say yes or no: it is busy, can't be reached, or raised. That is no wrong password, and not counted as one."
        )
        self._step(Lane.PROVIDER, Lane.GATEWAY, words("no answer"), text, why=reason, took_us=took, private=raised_at(error.__cause__))

    def verdict(self, user: User, let_in: bool) -> None:
        """See `Trace`."""
        if let_in:
            self._work(words("sign_in() says yes"), words("The sign_in callback lets {} in.", shown.user_label(user)), good=True)
        else:
            self._work(
                words("sign_in() says no"),
                words("The sign_in callback does not let them in, though the credentials are right."),
                why=Reason.SIGN_IN_DENIED,
            )

    def failed(self, error: CallbackFailed) -> None:
        """See `Trace`."""
        name = shown.callback(error)
        text = words("The callback {} raised, took too long, or gave nothing that can be used. That is never a yes.", name)
        private = (Fact(words("callback"), name), *raised_at(error.__cause__))
        self._work(words("{}() gave no answer", name), text, why=Reason.CALLBACK_FAILED, private=private)

    def claims(self, session: Session | None, *, asked: bool) -> None:
        """See `Trace`."""
        if session is None:
            self._work(
                words("jwt() ends the session"), words("The jwt callback gave None: there is to be no session."), why=Reason.SESSION_ENDED
            )
            return
        facts = tuple(Fact(name, value) for name, value in shown.session_facts(session))
        further = shown.further_claims(session.user)[:_FURTHER]
        facts += tuple(Fact(name, words("kept, not shown here")) for name in further)
        title = words("jwt() → {} claims", len(facts)) if asked else words("claims of the user: {}", len(facts))
        text = (
            words("What the session will say, once the jwt callback had its say.")
            if asked
            else words("What the session will say. There is no jwt callback that adds to it.")
        )
        self._step(Lane.GATEWAY, Lane.SESSION, title, text, mark=Mark.GOOD, took_us=self._took(), facts=facts)

    def unfit(self, reason: Reason) -> None:
        """See `Trace`."""
        self._work(
            words("can't be kept"),
            words("What the account holds does not fit into cookies, or can't be told to the app safely."),
            why=reason,
        )

    def sealed(self, session: Session, lines: Sequence[str]) -> None:
        """See `Trace`."""
        gateway = self._visit.gateway
        notes = written(lines, self._visit.cookies, gateway.sessions.names, now=self._visit.now)
        self._session, self._session_note = session, session_note(gateway, session, notes)
        size = sum(note.size for note in notes if self._session_note is not None and note.name == self._session_note.cookie.name)
        stored = self._session_note is not None and self._session_note.stored
        self._step(
            Lane.SESSION, Lane.SESSION,
            words("into the store → an id") if stored else words("encrypt → {} bytes", size),
            words("The claims are encrypted with {} and kept in the store. The browser gets an id that means nothing to anybody else.", shown.cipher(gateway.sessions.flavour)) if stored
            else words("The claims are encrypted with {}. Without the secret nobody can read or change them.", shown.cipher(gateway.sessions.flavour)),
            mark=Mark.GOOD, took_us=self._took(), facts=(Fact(words("cipher"), shown.cipher(gateway.sessions.flavour)),),
        )  # fmt: skip

    def destination(self, destination: Destination, *, kept_form: bool = False) -> None:
        """See `Trace`."""
        if kept_form:
            self._won = Candidate(source=words("the form that was sent before the sign-in"))
            self._spare = (Candidate(source=self._named(shown.winner(destination))),)
            self._work(words("redirect → the kept form"), words("A form met the sign-in, was kept, and is offered once more."), good=True)
            return
        winner = self._named(shown.winner(destination))
        self._won = Candidate(source=winner)
        lost = tuple(Candidate(source=self._named(source), why=why) for source, why in shown.losers(destination))
        self._lost = lost
        self._spare = tuple(Candidate(source=self._named(source)) for source in shown.behind(destination))
        facts = tuple(Fact(candidate.source, words("{}", candidate.why)) for candidate in lost if candidate.why is not None)
        self._work(
            words("redirect → {}", self._address(destination.location)),
            words("Where it ends: decided by {}.", winner),
            good=True,
            facts=facts,
        )

    def signed_out(self, session: Session | None) -> None:
        """See `Trace`."""
        if session is None:
            self._work(words("nobody was signed in"), words("There is no session to end; the answer is the same."), good=True)
            return
        self._user = shown.user_label(session.user)
        text = words("The sign-in is over for every token that came of it, copies as well.")
        whose = (Fact(words("of"), self._user),)  # whoever sits at the browser next reads the page, too
        self._step(Lane.GATEWAY, Lane.SESSION, words("end the sign-in"), text, mark=Mark.GOOD, took_us=self._took(), private=whose)

    def sent_to(self, location: str) -> None:
        """See `Trace`."""
        self._target = location

    def circles(self, lost: Lost) -> None:
        """See `Trace`."""
        self._circles = True
        if lost is Lost.SESSION:
            text = words(
                "This browser signed in twice in a row, and each time it was here again at once, without the session cookie. So the form would only lead here again."
            )
            self._work(words("the session was lost twice in a row"), text, why=Reason.SIGN_IN_LOOP)
            return
        text = words(
            "The form came back, and none of the cookies that went out with its page. So nobody can be signed in: the session would be lost as well."
        )
        self._work(words("no cookie came back"), text, why=Reason.SIGN_IN_LOOP)

    # Its parts.

    def _accepted(self, user: User, took: int) -> None:
        self._user = shown.user_label(user)
        facts = tuple(Fact(name, value) for name, value in shown.user_facts(user))
        self._step(
            Lane.PROVIDER, Lane.GATEWAY, words("yes: {}", self._user), words("The provider knows them: {}.", self._user),
            mark=Mark.GOOD, took_us=took, facts=facts,
        )  # fmt: skip

    def _named(self, source: Shown) -> Shown:
        """A rule by its number, with whom it is for."""
        found = _RULE.match(str(source))
        rules = redirect_rules_of(self._visit.gateway.settings)
        number = int(found[1]) if found else 0
        return words("{} ({})", source, shown.rule(rules[number - 1])) if 0 < number <= len(rules) else source
