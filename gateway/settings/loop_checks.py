"""Settings that are each good and would together send people round in circles, or to where nothing is for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gateway.core.routes import Access, Route, Routes
from gateway.core.target import Target, read_target
from gateway.settings.finding import Finding, Path
from gateway.settings.model import Settings
from gateway.settings.policy import hosts_of, route_of

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104  # names of addresses that are listened on, not a bind


def check_loops(settings: Settings, *, routes: bool = True) -> Iterator[Finding]:
    """What an operator should be told; the gateway starts all the same.

    Args:
        routes: False if some of them were set aside, so that nothing can be said of what they cover.
    """
    yield from _upstreams(settings)
    yield from _secure_without_front(settings)
    if not routes:
        return
    indexed = Routes.of([route_of(route, number, settings) for number, route in enumerate(settings.routes, 1)])
    for path, target in _targets(settings):
        yield from _other_host(settings, path, target)
        yield from _dead_end(settings, indexed, path, target)


def _secure_without_front(settings: Settings) -> Iterator[Finding]:
    """Cookies that only https carries, and an address that browsers can reach over http."""
    server = settings.server
    open_ = [address for address in server.listen if not address.path and address.host not in _LOOPBACK]
    if server.public_url.scheme == "https" and open_ and not server.trusted_proxies:
        yield Finding(
            path=("server", "public_url"),
            what=f"the gateway itself speaks http, at {open_[0]}: a browser that opens that address keeps no Secure cookie, so nobody can sign in there",
            cure="list what ends https in front in server.trusted_proxies, and let nobody else reach the address; or listen on 127.0.0.1",
            warning=True,
        )


def _upstreams(settings: Settings) -> Iterator[Finding]:
    listens = {(address.host, address.port) for address in settings.server.listen if not address.path and address.port}
    for index, upstream in enumerate(settings.upstreams):
        url = upstream.url
        here = any(url.port == port and _same(url.host, host) for host, port in listens)
        if url.scheme != "unix" and (here or url.text == settings.server.public_url.text):
            what = "it is where the gateway listens" if here else "it is server.public_url, where browsers reach the gateway"
            yield Finding(
                path=("upstreams", index, "url"),
                what=f"{what}, so requests would come back to it until it refuses them (loop-detected)",
                cure="write where the service itself listens",
                warning=True,
            )


def _same(upstream: str, listening: str) -> bool:
    if upstream == listening:
        return True
    return upstream in _LOOPBACK and (listening in _LOOPBACK or listening in _EVERYWHERE)


def _targets(settings: Settings) -> Iterator[tuple[Path, str]]:
    """Everywhere that the file sends somebody after a sign-in. A default is nobody's choice and is not talked about."""
    if "after_sign_in" in settings.redirects.model_fields_set:
        yield ("redirects", "after_sign_in"), settings.redirects.after_sign_in
    for index, rule in enumerate(settings.redirects.rules):
        yield ("redirects", "rules", index, "to"), rule.to
    for index, route in enumerate(settings.routes):
        if route.sign_in_redirect is not None:
            yield ("routes", index, "sign_in_redirect"), route.sign_in_redirect


def _other_host(settings: Settings, path: Path, target: str) -> Iterator[Finding]:
    """A session cookie is for one host alone, so a sign-in on one ends as nobody on another."""
    hosts = hosts_of(settings)
    scheme, mark, rest = target.partition("://")
    host = rest.partition("/")[0]
    if not mark or scheme != hosts.scheme or not hosts.covers(host):
        return
    if path[0] == "routes" and isinstance(path[1], int):
        begins = [settings.routes[path[1]]]
    else:
        begins = [route for route in settings.routes if route.access == "signed-in"]
    if any(not route.host or any(asked != host for asked in route.host) for route in begins) and len(hosts.patterns) > 1:
        yield Finding(
            path=path,
            what=f"the session cookie is for one host alone: whoever signs in elsewhere is not signed in on {host}, and is asked again there",
            cure="write a path, so that people stay on the host that they signed in on",
            warning=True,
        )


def _dead_end(settings: Settings, routes: Routes, path: Path, target: str) -> Iterator[Finding]:
    asked = read_target(target.partition("#")[0]) if target.startswith("/") else None
    if not isinstance(asked, Target) or not settings.routes:
        return
    public = settings.server.public_url.host
    found = [routes.find(asked.readings[0], host, "GET") for host in (public, *(host for route in settings.routes for host in route.host))]
    if all(route is None or route.access is Access.DENY for route in found):
        yield Finding(
            path=path,
            what="no route lets anybody see it, so whoever signs in ends at an error page",
            cure="write a path that a route is for, or add one",
            warning=True,
        )
    elif lacking := _lacking(settings, [route for route in found if route is not None], path):
        yield Finding(
            path=path,
            what=f"the page asks for {lacking}, which not everybody has who is sent there: others end at an error page",
            cure="write a page that they may all see, or a rule in [[redirects.rules]] for those who have it",
            warning=True,
        )


def _lacking(settings: Settings, ends: Sequence[Route], path: Path) -> str:
    """What a page asks for that people need not have who are sent there; empty if they have it, or can go nowhere else either."""
    if not any(route.access == "signed-in" and not route.roles and not route.groups for route in settings.routes):
        return ""
    roles, groups = _held(settings, path)
    for route in ends:
        if route.roles and not (roles and roles <= route.roles):
            return f"role {' or '.join(sorted(route.roles))}"
        if route.groups and not (groups and groups <= route.groups):
            return f"group {' or '.join(sorted(route.groups))}"
    return ""


def _held(settings: Settings, path: Path) -> tuple[frozenset[str], frozenset[str]]:
    """Of which roles and groups whoever is sent has at least one, by the rule or the route that sends them."""
    match path:
        case ("redirects", "rules", int(index), *_):
            when = settings.redirects.rules[index].when
            return frozenset(filter(None, [when.role])), frozenset(filter(None, [when.group]))
        case ("routes", int(index), *_):
            route = settings.routes[index]
            return frozenset(route.roles or ()), frozenset(route.groups or ())
        case _:
            return frozenset(), frozenset()
