"""What a running gateway is made of: one value, so that a reload can replace all of it at once, and who holds the one of now."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from aiohttp import web

from gateway.callbacks.module import Callbacks
from gateway.core.facts import RequestFacts
from gateway.core.reason import Reason
from gateway.proxy.counters import Counters
from gateway.sessions.revocation import MemoryRevocations, Revocations
from gateway.web.flows.memory import Flows
from gateway.web.live import POLICY_VIOLATION, LiveSockets
from gateway.web.machines.none import NoMachines
from gateway.web.shared_sessions import SharedSessions

if TYPE_CHECKING:
    from gateway.core.headers import Stripper
    from gateway.core.identity import Session
    from gateway.core.policy import Policy
    from gateway.providers.chain import Chain
    from gateway.proxy.heads import FieldFilter
    from gateway.proxy.upstream.pool import UpstreamPool
    from gateway.sessions.cookies import SessionCookies
    from gateway.sessions.csrf import Csrf
    from gateway.sessions.first_sign_ins import FirstSignIns
    from gateway.sessions.register import SignIn
    from gateway.sessions.seal import Sealer
    from gateway.sessions.sign_ins import SignIns
    from gateway.sessions.storage import TokenStorage
    from gateway.settings.model import Settings
    from gateway.web.auth.attempts import Attempts
    from gateway.web.facts import TrustedProxies
    from gateway.web.flows.arrival import Arrivals
    from gateway.web.forward_auth.engine import ForwardAuth
    from gateway.web.judge import PolicyJudge
    from gateway.web.machines.machines import Machines
    from gateway.web.tunnel import Bridge

_LOOK_S = 0.5


def _own_attempts() -> Attempts:
    from gateway.web.auth.attempts import Attempts  # the room of the pages needs this module first

    return Attempts()


@dataclass(frozen=True, kw_only=True)
class Gateway:
    """The parts that handlers use.

    Attributes:
        clock: Gives the time in UTC, aware.
        filter: Says which of a client's fields go on to an upstream.
        trusted: Whose forwarding headers are believed.
        judge: Remembers what the policy said.
        machines: Programs as clients: whose an Authorization is.
        attempts: The memory of failed sign-ins; a reload keeps it.
        counters: Those of the process; a reload keeps them.
        told: Who else hears of a sign-out: other processes.
        callbacks: Python of the operator's own.
        told_sessions: The upstreams that get the session cookie.
        sockets: The WebSockets that it let in.
        jwks: The public keys of assertions, as they are published; None where nothing is signed.
        forward_auth: What proxies may ask; None if nothing.
        first_sign_ins: Knows who has signed in before; None where no rule asks.
        revocations, sign_ins: Which sign-ins were signed out, and, with a store, who is signed in; the same for every gateway of this process.
        flows: What sign-ins did, if `[inspector]` is on; the same for every gateway of this process.
        arrivals: Sees the first request of each new sign-in; None if `[inspector]` is off.
    """

    settings: Settings
    policy: Policy
    stripper: Stripper
    sessions: SessionCookies
    storage: TokenStorage
    csrf: Csrf
    sealer: Sealer
    chain: Chain
    pools: Mapping[str, UpstreamPool]
    clock: Callable[[], datetime]
    filter: FieldFilter
    trusted: TrustedProxies
    judge: PolicyJudge
    machines: Machines | NoMachines = field(default_factory=NoMachines)
    attempts: Attempts = field(default_factory=_own_attempts)
    counters: Counters = field(default_factory=Counters)
    told: list[Callable[[Session], None]] = field(default_factory=list)
    callbacks: Callbacks = field(default_factory=Callbacks)
    told_sessions: frozenset[str] = frozenset()
    revocations: Revocations = field(default_factory=MemoryRevocations)
    sign_ins: SignIns | None = None
    forward_auth: ForwardAuth | None = None
    jwks: bytes | None = None
    first_sign_ins: FirstSignIns | None = None
    sockets: LiveSockets = field(default_factory=LiveSockets)
    flows: Flows = field(default_factory=Flows)
    arrivals: Arrivals | None = None

    @property
    def shared(self) -> SharedSessions:
        """What outlives it."""
        return SharedSessions(self.revocations, self.sign_ins)

    async def start(self) -> None:
        """Open what is needed, on the running loop. What is shared with other gateways (`shared`) is not its own to open.

        Raises:
            ConfigError: Something can't work as configured.
        """
        await self.callbacks.start()
        await self.chain.start()
        if self.first_sign_ins is not None:
            await self.first_sign_ins.start()
        await self.machines.start()
        self.revocations.watchers.extend((self.judge.forget, self.machines.forget, self._end_sockets))

    def watch(self, bridge: Bridge, session: Session) -> None:
        """Let a WebSocket end with the session that let it in, also if that ended a moment ago."""
        self.sockets.add(bridge, session)
        bridge.when_over = lambda: self.sockets.discard(bridge, session)
        if self._is_over(session):
            asyncio.get_running_loop().call_soon(bridge.end, POLICY_VIOLATION)

    def _end_sockets(self, heard: Container[str]) -> None:
        self.sockets.end_signed_out(heard, refused=self._is_over)

    def _is_over(self, session: Session) -> bool:
        """True if it was signed out; that nobody can say so now ends nothing that runs."""
        return self.sessions.refusal(session) is Reason.SESSION_REVOKED

    async def end(self, session: Session) -> None:
        """End a sign-in: none of its tokens is good from now on, in any process (promise 38)."""
        await self.revocations.revoke(session.sign_in_id, until=self.sessions.revoked_until(session))
        if self.sign_ins is not None:
            await self.sign_ins.remove([session.sign_in_id])
        for tell in self.told:
            tell(session)

    async def end_listed(self, sign_ins: Sequence[SignIn]) -> None:
        """The same for sign-ins as the register lists them."""
        if sign_ins:
            over_at = self.sessions.over_at
            await self.revocations.revoke_all({one.id: over_at(one.signed_in_at, one.ends_at) for one in sign_ins})
            if self.sign_ins is not None:
                await self.sign_ins.remove([one.id for one in sign_ins])

    async def close(self) -> None:
        """Close what was opened for it: providers, and connections to upstreams."""
        for watcher in (self.judge.forget, self.machines.forget, self._end_sockets):
            if watcher in self.revocations.watchers:
                self.revocations.watchers.remove(watcher)
        await self.machines.close()
        await self.chain.close()
        if self.first_sign_ins is not None:
            await self.first_sign_ins.close()
        for pool in self.pools.values():
            await pool.close()


class Term:
    """A gateway's time: from the moment it is the one that requests begin with, until the last of those is answered.

    `with term as gateway:` is one request.
    """

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self._requests = 0

    def __enter__(self) -> Gateway:
        self._requests += 1
        return self.gateway

    def __exit__(self, *_: object) -> None:
        self._requests -= 1

    @property
    def busy(self) -> bool:
        """True while a request of either lane needs the gateway; the express lane's are known to the pools alone."""
        return self._requests > 0 or any(
            stats.in_use or stats.waiting or stats.tunnels for stats in (pool.stats for pool in self.gateway.pools.values())
        )


class Current:
    """The gateway that requests begin with. Replaced by a reload; what a request began with stays with it (promise 61)."""

    def __init__(self, gateway: Gateway) -> None:
        self.term = Term(gateway)
        self._past: dict[Term, asyncio.Task[None]] = {}

    @property
    def gateway(self) -> Gateway:
        """The one of now."""
        return self.term.gateway

    def replace(self, gateway: Gateway) -> None:
        """Let requests begin with another one, whose chain has been started; the old one is closed when nobody needs it any more."""
        past, self.term = self.term, Term(gateway)
        self._past[past] = asyncio.get_running_loop().create_task(self._close_after(past), name="past-gateway")

    async def close(self) -> None:
        """Close all that are left, the one of now too."""
        tasks = list(self._past.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for term in (*self._past, self.term):
            await term.gateway.close()
        await self.gateway.shared.close()

    async def _close_after(self, term: Term) -> None:
        while True:
            await asyncio.sleep(_LOOK_S)  # first of all: a request that was just taken may have reached no pool yet
            if not term.busy:
                break
        await term.gateway.close()
        del self._past[term]


CURRENT = web.AppKey("current", Current)
GATEWAY = web.RequestKey("gateway", Gateway)
FACTS = web.RequestKey("facts", RequestFacts)
REQUEST_ID = web.RequestKey("request_id", str)
CHAIN = web.RequestKey("chain", tuple[str, ...])
#: The Set-Cookie values of a session that was renewed before the request was passed on.
RENEWED = web.RequestKey("renewed", tuple[str, ...])


def request_id_of(request: web.BaseRequest) -> str:
    """The id of a request, by which people find it in the log; made when somebody wants it for the first time."""
    known = request.get(REQUEST_ID)
    if known is None:
        known = request[REQUEST_ID] = secrets.token_hex(8)
    return known
