"""Where everything meets: settings become a `Gateway`, and a `Gateway` becomes an aiohttp application."""

from __future__ import annotations

import math
import os
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web

from gateway.assertion.keys import SigningKey, jwks, load_or_make
from gateway.assertion.signer import Assertions
from gateway.callbacks.module import Callbacks
from gateway.core.errors import ConfigError
from gateway.core.lifetime import Lifetime
from gateway.core.problem import Problem
from gateway.core.reason import Reason
from gateway.providers.build import build_chain
from gateway.proxy.client.head import HeadLimits
from gateway.proxy.counters import Counters
from gateway.proxy.heads import FieldFilter
from gateway.proxy.upstream.address import UpstreamAddress
from gateway.proxy.upstream.limits import UpstreamLimits
from gateway.proxy.upstream.pool import UpstreamPool
from gateway.sessions.cookies import SessionCookies
from gateway.sessions.csrf import Csrf, csrf_secrets
from gateway.sessions.flavour import FLAVOURS
from gateway.sessions.keys import KeyRing
from gateway.sessions.revocation import MemoryRevocations
from gateway.sessions.seal import Sealer
from gateway.sessions.storage import TokenStorage
from gateway.settings.model import Settings
from gateway.settings.policy import forged_of, policy_of, stripper_of
from gateway.settings.sections.limits import LimitSettings
from gateway.settings.sections.upstreams import UpstreamSettings
from gateway.web import auth
from gateway.web.auth.attempts import Attempts
from gateway.web.clock import utc_now
from gateway.web.facts import TrustedProxies
from gateway.web.flows.arrival import Arrivals
from gateway.web.flows.memory import Flows
from gateway.web.forward_auth.dialects import rooms_of
from gateway.web.forward_auth.engine import ForwardAuth
from gateway.web.guard import guard, remember, speak
from gateway.web.judge import PolicyJudge
from gateway.web.machines.machines import Machines
from gateway.web.pages import error_page
from gateway.web.self_test import chain_of, require_no_leak
from gateway.web.shared_sessions import SharedSessions
from gateway.web.state import CURRENT, Current, Gateway

if TYPE_CHECKING:
    from gateway.sessions.first_sign_ins import FirstSignIns

Clock = Callable[[], datetime]


def build_gateway(
    settings: Settings,
    *,
    clock: Clock = utc_now,
    keys: KeyRing | None = None,
    counters: Counters | None = None,
    attempts: Attempts | None = None,
    shared: SharedSessions | None = None,
    flows: Flows | None = None,
) -> Gateway:
    """Make the parts. Nothing is opened yet.

    Args:
        counters: Those of the process; by default new ones.
        flows: Those of the gateway before this one, which go on.
        attempts: The memory of failed sign-ins; by default one of its own.
        shared: What the gateway before this one knew of sessions, which goes on.

    Raises:
        ConfigError: The secrets, or an upstream's certificates, can't be used; or an upstream would believe a client's claim.
    """
    _require_strict_parser()
    keys = keys or keys_of(settings)
    signing = _signing_keys(settings)
    assertions = _assertions(settings, signing)
    policy = replace(policy_of(settings), assertion=assertions)
    flavour = FLAVOURS[settings.session.format]
    shared = shared or build_shared(settings, clock=clock)
    told = frozenset(upstream.name for upstream in settings.upstreams if upstream.session_cookie)
    sessions, fresh_s = session_cookies(settings, keys, policy.lifetime, shared)
    kept_s = fresh_s if assertions is None else min(fresh_s, assertions.may_be_kept.total_seconds())
    require_no_leak(chain_of(settings, policy, sessions.owns))
    rooms = tuple(room.encode("ascii") for room in rooms_of(settings.forward_auth.dialects))
    pools = _pools(settings)
    stripper = stripper_of(settings)
    chain = build_chain(settings)
    callbacks = Callbacks(
        settings.callbacks.module, folder=settings.folder, time_limit_s=settings.callbacks.time_limit.total_seconds()
    )  # fmt: skip
    attempts = attempts or Attempts()
    flows = flows or Flows(clock=clock)
    arrivals = Arrivals(flows, policy, sessions, clock=clock, told_sessions=told) if settings.inspector.enabled else None
    return Gateway(
        settings=settings,
        policy=policy,
        stripper=stripper,
        filter=FieldFilter(stripper.strips),
        sessions=sessions,
        storage=TokenStorage(sessions, clock=clock),
        csrf=Csrf(*csrf_secrets(keys, flavour)),
        sealer=Sealer(keys),
        chain=chain,
        pools=pools,
        clock=clock,
        trusted=TrustedProxies(settings.server.trusted_proxies),
        judge=PolicyJudge(
            policy,
            sessions,
            pools,
            clock=clock,
            told_sessions=told,
            kept_s=kept_s,
            not_here=rooms,
            on_first=None if arrivals is None else arrivals.first_yes,
        ),
        machines=Machines(settings, policy, chain, callbacks, attempts, refusal=sessions.refusal, clock=clock),
        attempts=attempts,
        callbacks=callbacks,
        told_sessions=told,
        revocations=shared.revocations,
        sign_ins=shared.sign_ins,
        counters=counters or Counters(),
        forward_auth=_forward_auth(settings),
        jwks=jwks(signing) if signing else None,
        first_sign_ins=_first_sign_ins(settings, clock=clock),
        flows=flows,
        arrivals=arrivals,
    )


def build_app(
    settings: Settings, *, clock: Clock = utc_now, keys: KeyRing | None = None, attempts: Attempts | None = None
) -> web.Application:
    """Make the application: our own endpoints, and the proxy for everything else.

    Args:
        attempts: The memory of failed sign-ins; by default one of its own.

    Raises:
        ConfigError: The secrets can't be used.
    """
    app = web.Application(middlewares=[speak, remember, guard])
    shared, keys = build_shared(settings, clock=clock), keys or keys_of(settings)
    attempts = _counted_by_all(attempts or Attempts(), shared, keys)
    app[CURRENT] = current = Current(build_gateway(settings, clock=clock, keys=keys, shared=shared, attempts=attempts))
    current.gateway.flows.obey(settings.inspector)
    app.add_routes(auth.routes(attempts=attempts))
    # The guard answers before this handler is reached; the route exists so that aiohttp sends no "100 Continue" by itself.
    app.router.add_route("*", "/{path:.*}", _unknown_action, expect_handler=_invite_nobody)
    app.cleanup_ctx.append(_open_and_close)
    return app


def build_shared(settings: Settings, *, clock: Clock = utc_now) -> SharedSessions:
    """What is known of sessions beside their cookies, as the settings ask for it. Nothing is opened yet."""
    if settings.session.revocation == "memory":
        return SharedSessions(MemoryRevocations(clock=clock))
    from gateway.sessions.stores import open_session_store  # only here is anything of a database imported

    store = open_session_store(settings.store.for_sessions, key=settings.store.sessions_key, clock=clock)
    return SharedSessions(store.revocations, store.sign_ins, store.failures)


def _counted_by_all(own: Attempts, shared: SharedSessions, keys: KeyRing) -> Attempts:
    """Failed sign-ins of all replicas, where there is somebody who counts them."""
    if shared.failures is None:
        return own
    from gateway.web.auth.store_attempts import StoreAttempts

    salt = keys.derive(info="auth-gateway failed sign-ins", salt="", length=32)[0]
    revocations = shared.revocations
    return StoreAttempts(own, shared.failures, available=lambda: revocations.refusal("") is not Reason.SESSION_STORE_UNAVAILABLE, salt=salt)


def session_cookies(settings: Settings, keys: KeyRing, lifetime: Lifetime, shared: SharedSessions) -> tuple[SessionCookies, float]:
    """How sessions are read and written, and for how many seconds what was read may be kept."""
    secure, flavour = settings.server.public_url.scheme == "https", FLAVOURS[settings.session.format]
    revocations, sign_ins = shared.revocations, shared.sign_ins
    if settings.session.strategy == "jwt":
        cookies = SessionCookies(keys, secure=secure, lifetime=lifetime, flavour=flavour, revocations=revocations, sign_ins=sign_ins)
        return cookies, math.inf
    from gateway.sessions.kept_cookies import REFRESH_S, KeptSessionCookies

    assert sign_ins is not None, "the settings' checks let no such sessions be without a store"
    return (
        KeptSessionCookies(keys, secure=secure, lifetime=lifetime, flavour=flavour, revocations=revocations, sign_ins=sign_ins),
        REFRESH_S,
    )


def _first_sign_ins(settings: Settings, *, clock: Clock) -> FirstSignIns | None:
    """Who has signed in before, if a rule asks."""
    if all(rule.when.first_sign_in is None for rule in settings.redirects.rules):
        return None
    from gateway.sessions.first_sign_ins import FirstSignIns  # SQLAlchemy takes longer to import than everything else

    return FirstSignIns(settings.store.url, clock=clock)


def keys_of(settings: Settings, *, make: bool = True) -> KeyRing:
    """The key ring: given secrets, or the secrets file, made on the first run.

    Args:
        make: False where a missing file is no first run.

    Raises:
        ConfigError: They can't be used.
    """
    if settings.session.secrets:
        return KeyRing.of([secret.get_secret_value() for secret in settings.session.secrets])
    file = settings.session.secrets_file or Path("secret")
    return KeyRing.load_or_make(file) if make else KeyRing.load(file)


def _signing_keys(settings: Settings) -> tuple[SigningKey, ...]:
    assertion = settings.headers.assertion
    return load_or_make(assertion.keys_file, assertion.algorithm) if assertion is not None else ()


def _assertions(settings: Settings, keys: tuple[SigningKey, ...]) -> Assertions | None:
    assertion = settings.headers.assertion
    if assertion is None:
        return None
    return Assertions(
        assertion.name,
        keys[0],
        issuer=settings.server.public_url.text,
        audiences={upstream.name: upstream.audience or upstream.name for upstream in settings.upstreams},
        claims=assertion.claims,
        life=assertion.lifetime,
    )


def head_limits(limits: LimitSettings) -> HeadLimits:
    """The bounds of a request head, from `[limits]`."""
    return HeadLimits(line=limits.request_line, field=limits.header_field, count=limits.header_count, total=limits.request_head)


def _forward_auth(settings: Settings) -> ForwardAuth | None:
    dialects = settings.forward_auth.dialects
    return ForwardAuth(dialects, forged_of(settings), head_limits(settings.limits)) if dialects else None


def upstream_limits(limits: LimitSettings) -> UpstreamLimits:
    """The data plane's view of `[limits]`."""
    return UpstreamLimits(
        connect_s=limits.upstream_connect.total_seconds(),
        response_head_s=limits.upstream_response_head.total_seconds(),
        body_idle_s=limits.upstream_body_idle.total_seconds(),
        wait_s=limits.upstream_wait.total_seconds(),
        idle_s=limits.upstream_idle.total_seconds(),
        max_connections=limits.upstream_connections,
        max_head=limits.upstream_head,
        max_field=limits.upstream_header_field,
        buffer=limits.buffer,
    )


def _pools(settings: Settings) -> Mapping[str, UpstreamPool]:
    limits = upstream_limits(settings.limits)
    return {upstream.name: _pool(upstream, limits) for upstream in settings.upstreams}


def _pool(upstream: UpstreamSettings, limits: UpstreamLimits) -> UpstreamPool:
    url = upstream.url
    address = UpstreamAddress(name=upstream.name, scheme=url.scheme, host=url.host, port=url.port, path=url.path, ca_file=upstream.ca_file)
    try:
        return UpstreamPool(address, limits)
    except OSError as error:  # ssl.SSLError is one
        key, what = f"upstreams.{upstream.name}.ca_file", "no certificates can be read from it"
        raise ConfigError([Problem(key=key, value=str(upstream.ca_file), what=what, cure="name a file in PEM form")]) from error


async def _open_and_close(app: web.Application) -> AsyncIterator[None]:
    current = app[CURRENT]
    await current.gateway.shared.start()
    await current.gateway.start()
    yield
    await current.close()


async def _unknown_action(request: web.Request) -> web.StreamResponse:
    return error_page(request, Reason.ACTION_UNKNOWN, 404)


async def _invite_nobody(request: web.Request) -> None:
    """Auth first, then 100 (promise 13): `web/body.py` sends it, once somebody wants the body."""


def _require_strict_parser() -> None:
    if os.environ.get("AIOHTTP_NO_EXTENSIONS"):
        raise ConfigError(
            [Problem(key="AIOHTTP_NO_EXTENSIONS", what="aiohttp's Python parser is looser than the C one", cure="unset the variable")]
        )
