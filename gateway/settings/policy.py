"""From the settings to the rules that decisions rest on, and to the names of headers that no client may send."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.core.authorization import Authorization, Basic, Bearer
from gateway.core.credentials import Means
from gateway.core.headers import Stripper
from gateway.core.host import HostPattern, Hosts
from gateway.core.identity_headers import PRESETS, IdentityHeaders
from gateway.core.lifetime import Lifetime
from gateway.core.origins import Origins
from gateway.core.path_pattern import PathPattern
from gateway.core.policy import Policy
from gateway.core.return_to import RedirectRule
from gateway.core.routes import Access, Route, Routes
from gateway.settings.model import Settings
from gateway.settings.sections.forward_auth import ROOMS
from gateway.settings.sections.routes import RouteSettings
from gateway.settings.sections.upstreams import UpstreamSettings
from gateway.settings.values.patterns import host_pattern


def policy_of(settings: Settings) -> Policy:
    """Compile the rules.

    Raises:
        PatternError, TemplateError, ValueError: The settings did not come from `load`, which refuses such ones by name.
    """
    routes = tuple(route_of(route, number, settings) for number, route in enumerate(settings.routes, 1))
    session = settings.session
    return Policy(
        routes=Routes.of(routes),
        hosts=hosts_of(settings),
        identity=IdentityHeaders.of(settings.headers.presets, settings.headers.set),
        lifetime=Lifetime(sliding=session.max_age, absolute=session.absolute_max_age, renewal=session.update_age),
        allowed_origins=origins_of(settings),
    )


def stripper_of(settings: Settings) -> Stripper:
    """What no client may say to an upstream: every identity header there is a preset for, and the configured ones.

    The presets that are not in use are stripped as well: an app that still trusts one must not be fooled.
    """
    return Stripper(_owned(settings))


def forged_of(settings: Settings) -> Stripper:
    """What no request that a proxy asks about may hold: the same, but for what such proxies write about the client themselves."""
    return Stripper(_owned(settings), claims=())


def _owned(settings: Settings) -> Iterator[str]:
    yield from (name for preset in PRESETS.values() for name in preset)
    yield from settings.headers.set
    if settings.headers.assertion is not None:
        yield settings.headers.assertion.name


def redirect_rules_of(settings: Settings) -> tuple[RedirectRule, ...]:
    """The rules for where a sign-in ends."""
    return tuple(RedirectRule(to=rule.to, **rule.when.model_dump()) for rule in settings.redirects.rules)


def origins_of(settings: Settings) -> Origins:
    """The origins beside the own one."""
    return Origins(tuple(origin.text for origin in settings.redirects.allowed_origins))


def hosts_of(settings: Settings) -> Hosts:
    """The hosts that the gateway answers for: the public URL's, and those of all routes; and what is its own on each."""
    scheme = settings.server.public_url.scheme
    named = (host_pattern(host, scheme=scheme) for route in settings.routes for host in route.host)
    patterns = dict.fromkeys((HostPattern(settings.server.public_url.host), *named))
    rooms = tuple(ROOMS[name] for name in settings.forward_auth.dialects if name in ROOMS)
    return Hosts(scheme=scheme, patterns=tuple(patterns), rooms=rooms)


def route_of(route: RouteSettings, number: int, settings: Settings) -> Route:
    """One route, compiled; `number` is its place in the file, counted from 1.

    Raises:
        PatternError: Its path can't mean what its writer hoped.
        ValueError: A host is none.
    """
    authorization = _authorization_of(next((upstream for upstream in settings.upstreams if upstream.name == route.upstream), None))
    return Route(
        name=route.name or f"routes[{number}] {route.path}",
        path=PathPattern.parse(route.path),
        access=Access(route.access),
        upstream=route.upstream,
        hosts=tuple(host_pattern(host, scheme=settings.server.public_url.scheme) for host in route.host),
        methods=frozenset(route.methods),
        roles=frozenset(route.roles),
        groups=frozenset(route.groups),
        api=route.api,
        sign_in_redirect=route.sign_in_redirect,
        encoded_slash=route.encoded_slash,
        max_body=settings.limits.request_body if route.max_body is None else route.max_body,
        streaming=route.streaming,
        keeps_authorization=route.client_authorization == "keep" and authorization is None,
        authorization=authorization,
        accepts=frozenset(map(Means, route.accepts)),
    )


def _authorization_of(upstream: UpstreamSettings | None) -> Authorization | None:
    if upstream is None or upstream.authorization is None:
        return None
    if upstream.authorization == "bearer":
        return Bearer()
    return Basic(upstream.basic_password.get_secret_value() if upstream.basic_password is not None else "")
