"""What a configuration serves, in one value: `check` prints all of it, `run` the short form, `--json` the value itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from gateway.core.identity_headers import PRESETS

if TYPE_CHECKING:
    from gateway.settings.model import RouteSettings, Settings

Pair = tuple[str, str]


def summary_of(settings: Settings) -> dict[str, object]:
    """The whole answer as JSON values; keys are those of the configuration where there is one."""
    urls = {upstream.name: str(upstream.url) for upstream in settings.upstreams}
    return {
        "listen": [str(address) for address in settings.server.listen],
        "public_url": str(settings.server.public_url),
        "providers": [
            {"id": provider.id, "type": provider.type, "name": provider.name or provider.id, "fields": list(fields_of(provider.credentials))}
            for provider in settings.providers
        ],
        "routes": [_route(route, index, urls) for index, route in enumerate(settings.routes, 1)],
        "upstreams": [{"name": name, "url": url} for name, url in urls.items()],
        "headers": {"set": headers_of(settings)},
        "session": {
            "max_age_s": settings.session.max_age.total_seconds(),
            "absolute_max_age_s": settings.session.absolute_max_age.total_seconds(),
            "update_age_s": settings.session.update_age.total_seconds(),
        },
    }


def _route(route: RouteSettings, index: int, urls: dict[str, str]) -> dict[str, object]:
    return {
        "name": route.name or f"{index} {route.path}",
        "path": route.path,
        "host": list(route.host),
        "methods": list(route.methods),
        "access": route.access,
        "roles": list(route.roles),
        "groups": list(route.groups),
        "upstream": route.upstream,
        "url": urls.get(route.upstream or ""),
    }


def fields_of(credentials: dict[str, object] | object) -> tuple[str, ...]:
    """The names of a provider's form fields; without any, user name and password are asked."""
    names = tuple(credentials) if isinstance(credentials, dict) else ()
    return names or ("username", "password")


def headers_of(settings: Settings) -> dict[str, str]:
    """Every identity header with its template: presets in order, then `[headers.set]`, which wins."""
    chosen: dict[str, Pair] = {}
    for mapping in (*(PRESETS[preset] for preset in settings.headers.presets), settings.headers.set):
        chosen |= {name.lower(): (name, template) for name, template in mapping.items()}
    return dict(chosen.values())


def provider_lines(settings: Settings) -> Iterator[Pair]:
    """Each provider with its kind and its fields."""
    for provider in settings.providers:
        yield provider.id, f"{provider.type}: asks for {', '.join(fields_of(provider.credentials))}"


def route_lines(settings: Settings) -> Iterator[Pair]:
    """Each route in order: what it covers, and who passes to where."""
    urls = {upstream.name: str(upstream.url) for upstream in settings.upstreams}
    for route in settings.routes:
        covers = " ".join((*route.methods, *(f"{host}:" for host in route.host), route.path))
        needs = "".join(f" as {' or '.join(names)}" for names in (route.roles, route.groups) if names)
        to = f" → {route.upstream} ({urls.get(route.upstream, '?')})" if route.upstream else ""
        yield covers, f"{route.access}{needs}{to}"
