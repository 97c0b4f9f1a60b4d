"""What a configuration serves, in one value: `check` prints all of it, `run` the short form, `--json` the value itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from gateway.core.credentials import Means
from gateway.core.identity_headers import PRESETS
from gateway.settings.policy import policy_of

if TYPE_CHECKING:
    from gateway.core.routes import Route
    from gateway.settings.model import Settings

Pair = tuple[str, str]


def summary_of(settings: Settings) -> dict[str, object]:
    """The whole answer as JSON values; keys are those of the configuration where there is one."""
    policy = policy_of(settings)
    urls = upstream_urls(settings)
    return {
        "listen": [str(address) for address in settings.server.listen],
        "public_url": str(settings.server.public_url),
        "hosts": [pattern.text for pattern in policy.hosts.patterns],
        "providers": [
            {"id": provider.id, "type": provider.type, "name": provider.name or provider.id, "fields": list(provider.credentials)}
            for provider in settings.providers
        ],
        "routes": [_route(route, urls) for route in policy.routes.ordered],
        "upstreams": [{"name": name, "url": url} for name, url in urls.items()],
        "headers": {"set": headers_of(settings)},
        "session": {
            "max_age_s": settings.session.max_age.total_seconds(),
            "absolute_max_age_s": settings.session.absolute_max_age.total_seconds(),
            "update_age_s": settings.session.update_age.total_seconds(),
        },
    }


def upstream_urls(settings: Settings) -> dict[str, str]:
    """Where each upstream is, by its name."""
    return {upstream.name: str(upstream.url) for upstream in settings.upstreams}


def headers_of(settings: Settings) -> dict[str, str]:
    """Every identity header with its template: presets in order, then `[headers.set]`, which wins."""
    chosen: dict[str, Pair] = {}
    for mapping in (*(PRESETS[preset] for preset in settings.headers.presets), settings.headers.set):
        chosen |= {name.lower(): (name, template) for name, template in mapping.items()}
    return dict(chosen.values())


def provider_lines(settings: Settings) -> Iterator[Pair]:
    """Each provider with its kind and its fields."""
    for provider in settings.providers:
        yield provider.id, f"{provider.type}: asks for {', '.join(provider.credentials)}"


def route_lines(settings: Settings) -> Iterator[Pair]:
    """Each route in order: what it covers, and who passes to where."""
    urls = upstream_urls(settings)
    for route in policy_of(settings).routes.ordered:
        hosts = f" on {', '.join(pattern.text for pattern in route.hosts)}" if route.hosts else ""
        needs = "".join(
            f", {kind} {' or '.join(sorted(names))}" for kind, names in (("role", route.roles), ("group", route.groups)) if names
        )
        by = f", by {' or '.join(sorted(route.accepts))}" if route.accepts != {Means.SESSION} else ""
        to = f" → {route.upstream} at {urls.get(route.upstream, '?')}" if route.upstream else ""
        yield " ".join((*sorted(route.methods), route.path.text)) + hosts, f"{route.access}{needs}{by}{to}"


def _route(route: Route, urls: dict[str, str]) -> dict[str, object]:
    return {
        "name": route.name,
        "path": route.path.text,
        "host": [pattern.text for pattern in route.hosts],
        "methods": sorted(route.methods),
        "access": route.access.value,
        "roles": sorted(route.roles),
        "groups": sorted(route.groups),
        "accepts": sorted(route.accepts),
        "upstream": route.upstream,
        "url": urls.get(route.upstream or ""),
    }
