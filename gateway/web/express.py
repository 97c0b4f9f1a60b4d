"""The express lane's judge: the policy's own answer, remembered for one session on one route until something could change it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.core.decision import Allow
from gateway.core.facts import RequestFacts
from gateway.core.host import read_host
from gateway.core.identity import Session
from gateway.core.policy import decide
from gateway.core.routes import Access, Route
from gateway.core.target import Target, read_target
from gateway.proxy.client.head import HeadLimits
from gateway.proxy.express.lane import ExpressLane
from gateway.proxy.express.plain import PlainReader, is_plain_value
from gateway.proxy.express.ports import Pass
from gateway.proxy.heads import is_rebuilt
from gateway.sessions.cookie_header import CookieHeader
from gateway.web.facts import TrustedProxies
from gateway.web.forward import log_truncated
from gateway.web.state import Gateway, utc_now

_MAX_SESSIONS = 8192
_MAX_BYTES = 32 * 1024 * 1024  # clients choose the cookies, and how many routes they visit with each
_PASS_BYTES = 512  # what a remembered answer takes beside its identity headers
_MAX_HOSTS = 1024
_NOBODY = b""


@dataclass(slots=True)
class _Known:
    """What a Cookie line was found to mean.

    Attributes:
        session: Who it is; None if it holds no session cookie at all.
        until: Unix time from which the general lane must look again: the session ends, or its token is due for renewal.
        passes: By route, what the policy answered.
        size: About how many bytes all of that takes.
    """

    session: Session | None
    rest: bytes
    since: float
    until: float
    passes: dict[int, Pass] = field(default_factory=dict)
    size: int = 0


class PolicyJudge:
    """See the module's docstring. One for each `Gateway`: with other settings or keys, nothing is remembered.

    Args:
        gateway: The running gateway.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._find = gateway.policy.routes.find
        self._seconds: Callable[[], float] = time.time if gateway.clock is utc_now else lambda: gateway.clock().timestamp()
        self._known: dict[bytes, _Known] = {}
        self._size = 0
        self._hosts: dict[bytes, str] = {}

    def judge(self, method: bytes, path: bytes, host: bytes, cookie: bytes | None, data: bytes) -> Pass | None:
        """See `Judge.judge`."""
        name = self._hosts.get(host) or self._learn_host(host)
        if name is None or path.startswith(b"/api/auth"):
            return None
        line = _NOBODY if cookie is None else cookie
        known = self._known.get(line) or self._learn(line)
        if known is None:
            return None
        if not known.since <= self._seconds() < known.until:
            self._drop(line)
            return None
        route = self._find(path.decode("ascii"), name, method.decode("ascii"))
        if route is None:
            return None
        passed = known.passes.get(id(route))
        if passed is None or passed.host != name:
            passed = self._decide(data, name, route, known)
        return passed

    @property
    def remembered(self) -> tuple[int, int]:
        """How many Cookie lines are remembered, and about how many bytes that takes."""
        return len(self._known), self._size

    def forget(self, session: Session) -> None:
        """Forget a session, by the id of its token: it was signed out."""
        for cookie in [cookie for cookie, known in self._known.items() if known.session and known.session.token_id == session.token_id]:
            self._drop(cookie)

    def _decide(self, data: bytes, host: str, route: Route, known: _Known) -> Pass | None:
        """Ask the policy, as the general lane would."""
        gateway = self._gateway
        method, raw, _ = data.split(b" ", 2)
        target = read_target(raw.decode("ascii"))
        if not isinstance(target, Target):
            return None
        facts = RequestFacts(method=method.decode("ascii"), scheme=gateway.policy.hosts.scheme, host=host, target=target)
        decision = decide(facts, known.session, gateway.policy, now=gateway.clock())
        if not isinstance(decision, Allow) or decision.route is not route or route.upstream is None:
            return None
        identity = "".join(f"{name}: {value}\r\n" for name, value in decision.set_headers).encode("ascii")
        passed = Pass(
            pool=gateway.pools[route.upstream],
            host=host,
            opening=f"Host: {host}\r\n".encode("ascii"),
            cookie=known.rest,
            identity=identity,
            private=known.session is not None and route.access is not Access.PUBLIC,
            streaming=route.streaming,
            max_body=route.max_body,
        )
        if id(route) not in known.passes:
            self._grow(known, _PASS_BYTES + 4 * len(identity))
        known.passes[id(route)] = passed
        return passed

    def _learn(self, cookie: bytes) -> _Known | None:
        gateway = self._gateway
        if cookie is not _NOBODY and not is_plain_value(cookie):
            return None
        cookies = CookieHeader.parse([cookie] if cookie else [])
        session = gateway.sessions.read(cookies)
        rest = cookies.without(gateway.sessions.owns).encode("utf-8", "surrogateescape")
        line = b"Cookie: " + rest + b"\r\n" if rest else b""
        if isinstance(session, Session):
            lifetime = gateway.policy.lifetime
            since = max(session.issued_at, session.signed_in_at).timestamp()
            # The token's own end may lie beyond ours: another maker sealed it, or the limits were made shorter since.
            ends = session.expires_at, session.issued_at + lifetime.sliding, session.signed_in_at + lifetime.absolute
            until = min(*ends, session.issued_at + lifetime.renewal)
            known = _Known(session, line, since, until.timestamp())
        else:
            # A cookie of ours that can't be read is for the general lane, which says why.
            known = _Known(None, line, 0.0, float("inf") if session is None else 0.0)
        self._known[cookie] = known
        self._grow(known, len(cookie) + len(line) + _PASS_BYTES)
        return known

    def _grow(self, known: _Known, size: int) -> None:
        """Account for more; where that is too much, the eighth part that was learned first goes. A dict keeps that order."""
        known.size += size
        self._size += size
        while len(self._known) > _MAX_SESSIONS or self._size > _MAX_BYTES:
            for cookie in list(self._known)[: len(self._known) // 8 + 1]:
                self._drop(cookie)

    def _drop(self, cookie: bytes) -> None:
        known = self._known.pop(cookie, None)
        if known is not None:
            self._size -= known.size

    def _learn_host(self, value: bytes) -> str | None:
        hosts = self._gateway.policy.hosts
        host = read_host(value.decode("ascii"), scheme=hosts.scheme)
        if host is None or not hosts.covers(host):
            return None
        if len(self._hosts) >= _MAX_HOSTS:
            self._hosts.clear()
        self._hosts[value] = host
        return host


def express_lane(gateway: Gateway, limits: HeadLimits, trusted: TrustedProxies) -> ExpressLane:
    """Make the lane for a gateway."""

    def drops(name: bytes) -> bool:
        return is_rebuilt(name) or gateway.stripper.strips(name.decode("ascii").lower())

    judge = PolicyJudge(gateway)
    gateway.rememberers.append(judge.forget)
    return ExpressLane(
        PlainReader(drops, limits),
        judge,
        scheme=gateway.policy.hosts.scheme,
        owns_cookie=gateway.sessions.owns,
        believes=trusted.covers,
        on_cut=lambda error: log_truncated(error, secrets.token_hex(8)),
    )
