"""Routes: those that can't work, those that can never match, and those that close a door and leave the window beside it open."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gateway.core.path_pattern import PathPattern
from gateway.core.routes import Access, Route, Routes
from gateway.settings.finding import Finding, Path
from gateway.settings.model import Settings
from gateway.settings.policy import route_of
from gateway.settings.sections.routes import RouteSettings


def check_routes(settings: Settings, numbers: Sequence[int], *, providers: bool, upstreams: bool) -> Iterator[Finding]:
    """What is wrong with the routes; `numbers` are their positions in the file, from 0."""
    if not settings.routes and not numbers:
        yield Finding(
            path=("routes",),
            what="there are none, so every request gets a 404",
            cure='add a [[routes]] with a path, such as "/**"',
            on_key=True,
            warning=True,
        )
    routes = [route_of(route, number + 1, settings) for route, number in zip(settings.routes, numbers, strict=True)]
    positions = {id(route): index for index, route in enumerate(routes)}
    for index, entry in enumerate(settings.routes):
        yield from _single(settings, entry, ("routes", index), providers=providers, upstreams=upstreams)
    yield from _same_names(routes)
    indexed = Routes.of(routes)
    for late, earlier in indexed.unreachable():
        yield Finding(
            path=("routes", positions[id(late)], "path"),
            what=f"it can never match: {earlier.name} takes all of its requests",
            cure=f"put it before {earlier.name}, or remove it",
        )
    for index, route in enumerate(routes):
        yield from _ways_round(settings, _Takers(indexed, positions), route, ("routes", index, "path"))


def _single(settings: Settings, route: RouteSettings, path: Path, *, providers: bool, upstreams: bool) -> Iterator[Finding]:
    names = [upstream.name for upstream in settings.upstreams]
    if route.upstream is None and route.access != "deny" and not settings.forward_auth.dialects:
        yield Finding(
            path=(*path, "upstream"),
            what="it is missing",
            cure=f"name the upstream: {', '.join(names) or 'there is none yet'}",
            on_key=True,
        )
    if route.upstream is not None and route.upstream not in names and upstreams:
        yield Finding(path=(*path, "upstream"), what="there is no such upstream", cure=f"there is {', '.join(names) or 'none'}")
    for key in ("roles", "groups"):
        if getattr(route, key) and route.access != "signed-in":
            yield Finding(
                path=(*path, key),
                what=f'access = "{route.access}" asks nobody for {key}',
                cure=f'write access = "signed-in", or leave {key} out',
                on_key=True,
            )
        elif key in route.model_fields_set and not getattr(route, key):
            yield Finding(
                path=(*path, key),
                what="it is empty, and would let everybody in",
                cure="name at least one, or leave the line out",
                on_key=True,
            )
    yield from _accepts(settings, route, (*path, "accepts"), providers=providers)
    for key in ("host", "methods"):
        if key in route.model_fields_set and not getattr(route, key):
            yield Finding(path=(*path, key), what="it is empty", cure="name at least one, or leave the line out", on_key=True)
    if route.access == "signed-in" and not settings.providers and providers:
        yield Finding(
            path=(*path, "access"),
            what="there is no provider, so nobody can ever sign in",
            cure='add a [[providers]] entry, for example type = "users"',
        )


def _accepts(settings: Settings, route: RouteSettings, path: Path, *, providers: bool) -> Iterator[Finding]:
    if "accepts" not in route.model_fields_set:
        return
    if route.access in ("public", "deny"):
        what, cure = f'access = "{route.access}" asks nobody who he is', 'write access = "signed-in" or "optional", or leave accepts out'
        yield Finding(path=path, what=what, cure=cure, on_key=True)
    elif not route.accepts:
        yield Finding(
            path=path, what="it is empty, so nobody could ever pass", cure="name at least one, or leave the line out", on_key=True
        )
    if len(set(route.accepts)) < len(route.accepts):
        yield Finding(path=path, what="something stands there twice", cure="name each once")
    if (
        "basic" in route.accepts
        and providers
        and not any(set(entry.credentials) == {"username", "password"} for entry in settings.providers)
    ):
        what = "no provider has a form of `username` and `password` alone, which is all that Basic carries"
        yield Finding(path=path, what=what, cure="add such a provider, or take basic out")


def _same_names(routes: Sequence[Route]) -> Iterator[Finding]:
    seen: dict[str, int] = {}
    for index, route in enumerate(routes):
        if seen.setdefault(route.name, index) != index:
            yield Finding(
                path=("routes", index, "name"),
                what="another route has this name",
                cure="give each a name of its own: logs and `explain` use it",
            )


def _ways_round(settings: Settings, takers: _Takers, route: Route, path: Path) -> Iterator[Finding]:
    """Requests that the writer may think the route covers, and that another one lets more people in by, to the same service."""
    sample = _sample(route.path)
    if route.path.segments and "**" not in route.path.segments[-1]:
        below = route.path.text.rstrip("/")
        taker = takers.first(route, f"{sample}/x")
        if taker is not None and _opens(taker, route):
            yield Finding(
                path=path,
                what=f"what lies below it, such as {below}/x, is not covered and goes by {taker.name}, which lets more people in",
                cure=f'write "{below}/**" if it should be covered, too',
                warning=True,
            )
    taker = takers.first(route, sample.swapcase()) if sample.swapcase() != sample else None
    sensitive = {upstream.name for upstream in settings.upstreams if upstream.case_sensitive}
    if taker is not None and taker.upstream not in sensitive and _opens(taker, route):
        yield Finding(
            path=path,
            what=f"the same path in other letters, such as {sample.swapcase()}, goes by {taker.name}, which lets more people in",
            cure=f"if the upstream {taker.upstream} tells /Admin from /admin, write case_sensitive = true there; if not, this path can't protect it",
            warning=True,
        )


def _sample(pattern: PathPattern) -> str:
    """A path that fits the pattern."""
    return "/" + "/".join(segment.replace("*", "x") for segment in pattern.segments if segment != "**")


@dataclass(frozen=True)
class _Takers:
    """All routes, and the position of each by its identity."""

    routes: Routes
    positions: Mapping[int, int]

    def first(self, route: Route, path: str) -> Route | None:
        """The first route that may take the path, for a host and a method that `route` covers as well."""
        texts = [pattern.text for pattern in route.hosts]
        others = self.routes.candidates(path, texts[0]) if len(texts) == 1 else self.routes.below(path)
        for other in others:
            if self.positions[id(other)] < self.positions[id(route)] and other.path.matches(_sample(route.path)):
                continue  # for its hosts and methods it takes what `route` would have had, too
            hosts = not other.hosts or not route.hosts or set(other.hosts) & set(route.hosts)
            methods = not other.methods or not route.methods or other.methods & route.methods
            if hosts and methods and other.path.matches(path):
                return other
        return None


def _opens(other: Route, route: Route) -> bool:
    """True if `other` lets somebody reach the service that `route` would not."""
    return other is not route and (route.upstream in (None, other.upstream)) and _lets_in_more(other, route)


def _lets_in_more(other: Route, route: Route) -> bool:
    """True if `other` lets somebody in whom `route` does not."""
    if other.access is Access.DENY or route.access in (Access.PUBLIC, Access.OPTIONAL):
        return False
    if route.access is Access.DENY or other.access in (Access.PUBLIC, Access.OPTIONAL):
        return True
    return _wider(other.roles, route.roles) or _wider(other.groups, route.groups)


def _wider(those: frozenset[str], these: frozenset[str]) -> bool:
    return bool(these) and (not those or not those <= these)
