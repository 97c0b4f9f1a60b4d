"""The policy's own answer, remembered for one session on one route until something could change it. Both lanes ask here first."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Collection, Container, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from gateway.core.decision import Allow
from gateway.core.facts import RequestFacts
from gateway.core.host import read_host
from gateway.core.identity import Session
from gateway.core.path_pattern import PathPattern
from gateway.core.policy import Policy, decide_on
from gateway.core.reason import Reason
from gateway.core.routes import Route
from gateway.core.target import Target, read_target
from gateway.proxy.client.plain import is_plain_value
from gateway.proxy.express.ports import Pass, Terms
from gateway.sessions.cookie_header import CookieHeader
from gateway.sessions.cookies import SessionCookies
from gateway.web.clock import utc_now

if TYPE_CHECKING:
    from gateway.proxy.upstream.pool import UpstreamPool

# Clients choose the cookies, and how many routes they visit with each. A session takes about a kilobyte.
_MAX_SESSIONS, _MAX_NOBODIES, _MAX_BYTES = 131_072, 4096, 128 * 1024 * 1024
_MAX_ROUTES, _MAX_TERMS, _MAX_HOSTS = 64, 65_536, 1024
_MAX_GONE, _FEW = 1024, 4096
_FIRST_SWEEP = 256
_KNOWN_BYTES, _PASS_BYTES = 400, 160  # what is remembered takes beside its bytes
_NOBODY = b""
_ANY = PathPattern.parse("/**")
_NOT_HERE = (b"/api/auth", b"/.gateway", b"/.well-known/jwks.json")


@dataclass(slots=True, eq=False)
class _Known:
    """What a Cookie line was found to mean.

    Attributes:
        sign_in_id: Of whose sign-in the token is; None if it holds no session cookie at all.
        rest: The Cookie line without ours, its line end behind it; b"" if nothing is left.
        since, until: Unix times between which the answer holds: then the session ends, or its token is due for renewal.
        route, passed: What the policy answered on the route that was asked for first, and on all that are alike.
        more: The same for further routes, by the identity of the first of those that are alike.
        size: About how many bytes all of that takes.
    """

    sign_in_id: str | None
    rest: bytes
    since: float
    until: float
    route: Route | None = None
    passed: Pass | None = None
    more: dict[int, Pass] | None = None
    size: int = 0


class PolicyJudge:
    """See the module's docstring. One for each gateway: with other settings or keys, nothing is remembered.

    Args:
        clock: Gives the time in UTC, aware.
        told_sessions: Upstreams that get the session cookie: what is remembered of a Cookie line leaves it out, so they are for the guard.
        not_here: Where else addresses of the gateway's own lie.
        on_first: Told of the first yes for a session that was just read: the session, the request's head, its host, its cookies, the yes.
        kept_s: For how many seconds an answer about a session may be kept: what it tells the upstream may have an end of its own.
    """

    def __init__(
        self,
        policy: Policy,
        sessions: SessionCookies,
        pools: Mapping[str, UpstreamPool],
        *,
        clock: Callable[[], datetime],
        told_sessions: Container[str] = (),
        kept_s: float = math.inf,
        not_here: tuple[bytes, ...] = (),
        on_first: Callable[[Session, bytes, str, bytes, Pass], None] | None = None,
    ) -> None:
        self._policy = policy
        self._sessions = sessions
        self._pools = pools
        self._told_sessions = told_sessions
        self._kept_s = kept_s
        self._not_here = (*_NOT_HERE, *not_here)
        self._on_first = on_first
        self._clock = clock
        self._seconds: Callable[[], float] = time.time if clock is utc_now else lambda: clock().timestamp()
        self._find = policy.routes.find
        self._alike = _alike(policy.routes.ordered)
        self._known: dict[bytes, _Known] = {}
        self._nobodies: dict[bytes, _Known] = {}
        self._terms: dict[tuple[int, str, bool], Terms] = {}
        self._size = 0
        self._sweep_at = _FIRST_SWEEP
        self._fresh: tuple[_Known, Session] | None = None
        self._gone: set[str] = set()
        self._hosts: dict[bytes, str] = {}

    def judge(self, method: bytes, path: bytes, host: bytes, cookie: bytes | None, data: bytes) -> Pass | None:
        """See `Judge.judge`."""
        name = self._hosts.get(host) or self._learn_host(host)
        if name is None or path.startswith(self._not_here):
            return None
        line = _NOBODY if cookie is None else cookie
        known = self._known.get(line) or self._nobodies.get(line) or self._learn(line)
        if known is None:
            return None
        if not self._holds(known):
            self._drop(line)
            # Where answers are kept for a while only, the session may live on: then it is learned anew, and not the guard's to look at.
            known = None if self._kept_s == math.inf else self._learn(line)
            if known is None or not self._holds(known):
                self._drop(line)
                return None
        route = self._find(path.decode("ascii"), name, method.decode("ascii"))
        if route is None or not route.keeps_authorization:  # what the client sends must be looked at: the guard's
            return None
        if route is known.route:
            passed = known.passed
        else:
            route = self._alike[id(route)]
            passed = known.passed if route is known.route else None if known.more is None else known.more.get(id(route))
        if passed is None or passed.terms.host != name:
            passed = self._decide(data, name, line, route, known)
        return passed

    @property
    def remembered(self) -> tuple[int, int]:
        """How many Cookie lines are remembered, and about how many bytes that takes."""
        return len(self._known) + len(self._nobodies), self._size

    def forget(self, sign_in_ids: Container[str]) -> None:
        """Forget the sessions of these sign-ins: they were signed out. `SessionCookies.read` lets none of them be learned anew."""
        if isinstance(sign_in_ids, Collection) and len(self._known) > _FEW and len(self._gone) < _MAX_GONE:
            self._gone.update(sign_in_ids)  # to look at all of many takes a while: not at each sign-out
            return
        for cookie in [
            cookie for cookie, known in self._known.items() if known.sign_in_id in sign_in_ids or known.sign_in_id in self._gone
        ]:
            self._drop(cookie)
        self._gone.clear()

    def _holds(self, known: _Known) -> bool:
        return known.since <= self._seconds() < known.until and known.sign_in_id not in self._gone

    def _decide(self, data: bytes, host: str, cookie: bytes, route: Route, known: _Known) -> Pass | None:
        """Ask the policy, as the general lane would."""
        method, raw, _ = data.split(b" ", 2)
        target = read_target(raw.decode("ascii"))
        if not isinstance(target, Target):
            return None
        facts = RequestFacts(method=method.decode("ascii"), scheme=self._policy.hosts.scheme, host=host, target=target)
        session, first = None, False
        if known.sign_in_id is not None:
            fresh, self._fresh = self._fresh, None
            first = fresh is not None and fresh[0] is known
            session = fresh[1] if fresh is not None and first else self._sessions.read(CookieHeader.parse([cookie]))
        decision = decide_on(route, facts, session, self._policy, now=self._clock())
        if not isinstance(decision, Allow):
            return None
        if session is not None and route.upstream in self._told_sessions:
            return None
        terms = self._terms_of(route, host, private=decision.reason is Reason.SESSION_ACCEPTED)
        identity = "".join(f"{name}: {value}\r\n" for name, value in decision.set_headers).encode("ascii")
        passed = Pass(terms, known.rest, identity)
        self._keep(known, route, passed, len(identity))
        if first and self._on_first is not None and isinstance(session, Session):
            self._on_first(session, data, host, cookie, passed)
        return passed

    def _keep(self, known: _Known, route: Route, passed: Pass, size: int) -> None:
        """Remember an answer; room is taken only by one that is there besides the others."""
        more = known.more or {}
        if known.route is route:
            known.passed = passed  # the same route by another of its hosts
            return
        if known.route is None:
            known.route, known.passed = route, passed
        elif id(route) in more:
            more[id(route)] = passed
            return
        else:
            known.more = {**(more if len(more) < _MAX_ROUTES else {}), id(route): passed}
        self._grow(known, _PASS_BYTES + size)

    def _terms_of(self, route: Route, host: str, *, private: bool) -> Terms:
        terms = self._terms.get((id(route), host, private))
        if terms is None:
            opening = f"Host: {host}\r\n".encode("ascii")
            pool = None if route.upstream is None else self._pools[route.upstream]
            terms = Terms(pool, host, opening, private, route.streaming, route.max_body)
            if len(self._terms) >= _MAX_TERMS:
                self._terms.clear()
            self._terms[id(route), host, private] = terms
        return terms

    def _learn(self, cookie: bytes) -> _Known | None:
        if cookie is not _NOBODY and not is_plain_value(cookie):
            return None
        cookies = CookieHeader.parse([cookie] if cookie else [])
        session = self._sessions.read(cookies)
        rest = cookies.without(self._sessions.owns).encode("utf-8", "surrogateescape")
        line = b"Cookie: " + rest + b"\r\n" if rest else b""
        if session is None:
            known, place, most = _Known(None, line, 0.0, math.inf), self._nobodies, _MAX_NOBODIES
        elif isinstance(session, Session):
            lifetime = self._policy.lifetime
            since = max(session.issued_at, session.signed_in_at).timestamp()
            until = min(lifetime.ends_at(session), session.issued_at + lifetime.renewal)
            end = min(until.timestamp(), self._seconds() + self._kept_s)
            known, place, most = _Known(session.sign_in_id, line, since, end), self._known, _MAX_SESSIONS
            self._fresh = known, session  # it is asked for at once
        else:
            return None  # a cookie of ours that can't be read is for the general lane, which says why
        if len(self._known) >= self._sweep_at:
            self._sweep()
        if len(place) >= most:
            self._make_room(place)
        place[cookie] = known
        self._grow(known, _KNOWN_BYTES + len(cookie) + len(line))
        return known

    def _sweep(self) -> None:
        """Let go of what does not hold any more; not again before there is twice as much as is left, so that it costs little."""
        now, gone = self._seconds(), self._gone
        for cookie in [cookie for cookie, known in self._known.items() if known.until <= now or known.sign_in_id in gone]:
            self._drop(cookie)
        gone.clear()
        self._sweep_at = max(_FIRST_SWEEP, 2 * len(self._known))

    def _grow(self, known: _Known, size: int) -> None:
        """Account for more; where that is too much, what was learned first goes."""
        known.size += size
        self._size += size
        while self._size > _MAX_BYTES:
            self._make_room(self._known or self._nobodies)

    def _make_room(self, place: dict[bytes, _Known]) -> None:
        """Let go of the eighth part that was learned first. A dict keeps that order."""
        for cookie in list(itertools.islice(place, len(place) // 8 + 1)):
            self._drop(cookie)

    def _drop(self, cookie: bytes) -> None:
        known = self._known.pop(cookie, None) or self._nobodies.pop(cookie, None)
        if known is not None:
            self._size -= known.size

    def _learn_host(self, value: bytes) -> str | None:
        hosts = self._policy.hosts
        host = read_host(value.decode("ascii"), scheme=hosts.scheme)
        if host is None or not hosts.covers(host):
            return None
        if len(self._hosts) >= _MAX_HOSTS:
            self._hosts.clear()
        self._hosts[value] = host
        return host


def _alike(routes: Iterable[Route]) -> dict[int, Route]:
    """By each route's identity the first of those that ask for the same and give the same: they differ in what they cover alone."""
    first: dict[Route, Route] = {}
    found: dict[int, Route] = {}
    for route in routes:
        terms = replace(route, name="", path=_ANY, hosts=(), methods=frozenset(), api=False, sign_in_redirect=None)
        found[id(route)] = first.setdefault(terms, route)
    return found
