from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest
from aiohttp import DummyCookieJar, web

from gateway.callbacks.module import Callbacks
from gateway.core.errors import HashingBusy, ProviderUnavailable
from gateway.core.identity import Session, User
from gateway.providers.base import Accepted, Answer, Credentials, Field, Rejected
from gateway.providers.chain import Chain
from gateway.providers.passwords import Passwords
from gateway.proxy.heads import FieldFilter
from gateway.sessions.cookie_header import CookieHeader
from gateway.sessions.csrf import Csrf, csrf_secrets
from gateway.sessions.keys import KeyRing
from gateway.sessions.revocation import MemoryRevocations
from gateway.sessions.seal import Sealer
from gateway.sessions.storage import TokenStorage
from gateway.sessions.stores import SessionStore
from gateway.settings.model import Settings
from gateway.settings.policy import policy_of, stripper_of
from gateway.web import auth
from gateway.web.app import session_cookies
from gateway.web.auth.attempts import Attempts
from gateway.web.facts import TrustedProxies, facts_of
from gateway.web.flows.memory import Flows
from gateway.web.judge import PolicyJudge
from gateway.web.pages import error_page
from gateway.web.shared_sessions import SharedSessions
from gateway.web.state import FACTS, GATEWAY, REQUEST_ID, Gateway
from tests.people import ADA, BOB, MALLORY, NOW
from tests.web.auth.browser import HOST, Browser

PASSWORD = "correct horse"
FIELDS = (
    Field(key="username", label="User name", attributes={"placeholder": "jsmith"}),
    Field(key="password", label="Password", type="password"),
)
LARGE = replace(BOB, id="large", claims={"notes": "x" * 20_000})


@dataclass
class People:
    """A provider that knows a few people and remembers what it was given."""

    id: str = "credentials"
    name: str = "Credentials"
    fields: tuple[Field, ...] = FIELDS
    users: Mapping[str, User] = field(default_factory=lambda: {"ada": ADA, "bob": BOB, "mallory": MALLORY, "large": LARGE})
    disabled: frozenset[str] = frozenset({"eve"})
    asked: list[Credentials] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0

    async def authorize(self, credentials: Credentials) -> Answer:
        self.asked.append(credentials)
        self.at_once += 1
        self.most_at_once = max(self.at_once, self.most_at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        name, password = credentials.fields.get("username", ""), credentials.fields.get("password")
        if name == "unavailable":
            raise ProviderUnavailable(self.id, "the database is gone")
        if name == "busy":
            raise HashingBusy(self.id, retry_after=7)
        if name in self.disabled:
            return Rejected("disabled", self.id)
        if name not in self.users:
            return Rejected("unknown-user", self.id)
        return Accepted(self.users[name], self.id) if password == PASSWORD else Rejected("wrong-password", self.id)

    async def find_active(self, user_id: str) -> User | None:
        return None

    async def find(self, user_id: str) -> User | None:
        return self.users.get(user_id)

    async def start(self) -> None: ...

    async def close(self) -> None: ...


@dataclass
class Clock:
    now: datetime = NOW
    monotonic: float = 1000.0

    def __call__(self) -> datetime:
        return self.now

    def forward(self, by: timedelta) -> None:
        self.now += by
        self.monotonic += by.total_seconds()


@dataclass
class Site:
    """A gateway with its own endpoints only."""

    app: web.Application
    gateway: Gateway
    provider: People
    clock: Clock
    slept: list[float]
    keys: KeyRing
    client: object = None

    def browser(self, host: str = HOST) -> Browser:
        return Browser(self.client, host=host, scheme=self.gateway.policy.hosts.scheme)


def make_site(
    *,
    providers=None,
    settings: dict | None = None,
    public_url: str = f"http://{HOST}",
    keys: KeyRing | None = None,
    clock: Clock | None = None,
    store: SessionStore | None = None,
) -> Site:
    made = Settings.model_validate({"server": {"public_url": public_url, "trusted_proxies": ["127.0.0.0/8"]}} | (settings or {}))
    keys = keys or KeyRing.of(["0123456789abcdef" * 4])
    policy = policy_of(made)
    clock, slept = clock or Clock(), []
    shared = SharedSessions(MemoryRevocations(clock=clock)) if store is None else SharedSessions(store.revocations, store.sign_ins)
    people = People() if providers is None else providers[0]
    sessions, _ = session_cookies(made, keys, policy.lifetime, shared)
    gateway = Gateway(
        settings=made,
        policy=policy,
        stripper=stripper_of(made),
        filter=FieldFilter(stripper_of(made).strips),
        sessions=sessions,
        storage=TokenStorage(sessions, clock=clock),
        csrf=Csrf(*csrf_secrets(keys, sessions.flavour)),
        sealer=Sealer(keys),
        chain=Chain([people] if providers is None else providers, Passwords()),
        pools={},
        clock=clock,
        trusted=TrustedProxies(made.server.trusted_proxies),
        judge=PolicyJudge(policy, sessions, {}, clock=clock),
        callbacks=Callbacks(made.callbacks.module, folder=made.folder, time_limit_s=made.callbacks.time_limit.total_seconds()),
        revocations=shared.revocations,
        sign_ins=shared.sign_ins,
        flows=Flows(clock=clock),
    )
    gateway.flows.obey(made.inspector)

    async def start(app: web.Application) -> None:
        await gateway.start()

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    @web.middleware
    async def believe(request: web.Request, handler):
        request[REQUEST_ID] = "0123456789abcdef"
        request[GATEWAY] = gateway
        received = facts_of(
            method=request.method,
            target=request.raw_path,
            headers=request.raw_headers,
            peer=request.remote or "",
            hosts=policy.hosts,
            trusted=TrustedProxies(made.server.trusted_proxies),
        )
        request[FACTS] = received.facts
        return await handler(request)

    async def elsewhere(request: web.Request) -> web.StreamResponse:
        return error_page(request, reason_of(request), int(request.query["status"]))

    app = web.Application(middlewares=[believe])
    app.on_startup.append(start)
    app.add_routes(auth.routes(attempts=Attempts(clock=lambda: clock.monotonic), sleep=sleep))
    app.router.add_get("/error-page", elsewhere)
    return Site(app, gateway, people, clock, slept, keys)


def reason_of(request: web.Request):
    from gateway.core.reason import Reason

    return Reason(request.query["reason"])


def session_in(site, browser: Browser) -> Session | None:
    return site.gateway.sessions.read(CookieHeader(f"{name}={value}" for name, value in browser.cookies.items()))


@pytest.fixture
def open_site(aiohttp_client):
    """Make a site and connect to it: `await open_site(settings={...})`."""

    async def opened(**how) -> Site:
        site = make_site(**how)
        site.client = await aiohttp_client(site.app, cookie_jar=DummyCookieJar())
        return site

    return opened


@pytest.fixture
async def site(open_site) -> Site:
    return await open_site()


@pytest.fixture
def browser(site) -> Browser:
    return site.browser()
