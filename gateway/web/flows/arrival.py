"""The first request after a sign-in, on its way to the app: seen where a session is opened that was not met before, not where requests fly by.

Sessions are opened by the judge, for both lanes, which tells of each first yes; by the guard, for what comes by way of a proxy in front; and
where a proxy asks.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from datetime import datetime, timedelta

from gateway.core.decision import Allow
from gateway.core.facts import RequestFacts
from gateway.core.identity import Session
from gateway.core.policy import Policy
from gateway.core.reason import Reason
from gateway.core.routes import Route
from gateway.proxy.express.ports import Pass
from gateway.sessions.cookie_header import CookieHeader
from gateway.sessions.cookies import SessionCookies
from gateway.web.flows import shown
from gateway.web.flows.cookie_notes import sent
from gateway.web.flows.memory import Flows, digest
from gateway.web.flows.shown import Shown, words
from gateway.web.flows.steps import Fact, Lane, Mark, Step

#: A session that was signed in longer ago was met before, by another worker or another run.
_NEW = timedelta(minutes=2)


class Arrivals:
    """Adds the first request of each new sign-in to its flow.

    Args:
        told_sessions: Upstreams that get the session cookie.
    """

    def __init__(
        self, flows: Flows, policy: Policy, sessions: SessionCookies, *, clock: Callable[[], datetime], told_sessions: Container[str] = ()
    ) -> None:
        self._flows = flows
        self._told_sessions = told_sessions
        self._policy = policy
        self._sessions = sessions
        self._clock = clock

    def allowed(self, session: Session | Reason | None, facts: RequestFacts, allow: Allow, cookies: CookieHeader) -> None:
        """The policy let a request pass."""
        if isinstance(session, Session):
            self.passed(session, (facts.method, facts.target.raw), allow.route, [name for name, _ in allow.set_headers], cookies)

    def first_yes(self, session: Session, data: bytes, host: str, cookie: bytes, passed: Pass) -> None:
        """The judge let a session pass that it had just read. `data` begins with the request line, and is plain."""
        method, target, _ = data.decode("ascii").split(" ", 2)
        # What is remembered may be of another route that is alike; people want to see the one that covers the address.
        route = self._policy.routes.find(target.partition("?")[0], host, method)
        if route is not None:
            told = [line.partition(":")[0] for line in passed.identity.decode("ascii").splitlines()]
            self.passed(session, (method, target), route, told, CookieHeader.parse([cookie]))

    def passed(self, session: Session, line: tuple[str, str], route: Route, told: Iterable[str], cookies: CookieHeader) -> None:
        """A request is passed on.

        Args:
            line: Method and target.
            told: The names of the headers that say who it is.
        """
        if not cookies.starting_with(self._sessions.names.session):
            return  # a program, which brings its own credentials each time
        now = self._clock()
        if now - session.signed_in_at > _NEW or not self._flows.is_first(sign_in := digest(f"sign-in {session.sign_in_id}")):
            return
        at, request = now.timestamp(), words("{} {}", shown.method(line[0]), shown.address(line[1]))
        arrives = Step(
            at=at,
            source=Lane.BROWSER,
            target=Lane.GATEWAY,
            title=request,
            text=words("The browser goes there, and brings the session cookie along."),
            cookies=sent(cookies, self._sessions.names, session, now=now),
        )
        opened = Step(
            at=at,
            source=Lane.GATEWAY,
            target=Lane.SESSION,
            title=words("decrypt → {}", shown.user_label(session.user)),
            text=words("The cookie opens with the gateway's secret, has not ended, and was not signed out."),
            mark=Mark.GOOD,
        )
        ruled = Step(
            at=at,
            source=Lane.GATEWAY,
            target=Lane.GATEWAY,
            title=words("route {}", shown.route(route)),
            text=words("The first route that covers the address lets them pass."),
            mark=Mark.GOOD,
            why=Reason.SESSION_ACCEPTED,
        )
        self._flows.later(sign_in, (arrives, opened, ruled, self._goes_on(at, request, route, told)))

    def _goes_on(self, at: float, request: Shown, route: Route, told: Iterable[str]) -> Step:
        names, gets_it = shown.names_of_headers(told), route.upstream in self._told_sessions
        return Step(
            at=at,
            source=Lane.GATEWAY,
            target=Lane.UPSTREAM,
            title=request,
            text=words("The request goes on to {}, which is told who it is.", shown.upstream(route)),
            mark=Mark.GOOD,
            facts=(
                Fact(words("upstream"), shown.upstream(route)),
                Fact(words("headers set"), names if str(names) else words("none")),
                Fact(words("headers stripped first"), shown.names_of_headers(self._policy.identity.names)),
                Fact(
                    words("cookies of the gateway"),
                    words("the session goes along (session_cookie)") if gets_it else words("taken out: the app never sees them"),
                ),
            ),
        )
