"""Which route a request is for: the first that covers host, method and every reading of its path. Each look can be listened to."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TypeVar

from gateway.core.decision import Deny, Step
from gateway.core.facts import RequestFacts
from gateway.core.reason import Reason
from gateway.core.routes import Route, Routes

_T = TypeVar("_T")
Search = Generator[Step, None, _T]


def route_of(facts: RequestFacts, routes: Routes) -> Route | None:
    """The route that will decide about a request; None if none will. For whoever has to know which credentials it takes."""
    try:
        next(find_route(facts, routes, aloud=False))
    except StopIteration as end:
        return end.value if isinstance(end.value, Route) else None
    raise AssertionError("who looks in silence yields nothing")


def find_route(facts: RequestFacts, routes: Routes, *, aloud: bool) -> Search[Route | Deny]:
    """The first route that covers host, method and every reading of the path."""
    found: Route | None = None
    for index, reading in enumerate(facts.target.readings):
        route = yield from _first_match(facts, reading, routes, aloud=aloud and index == 0)
        if index == 0:
            found = route
        elif route is not found:
            other = "no route" if route is None else f"route {route.name}"
            if aloud:
                yield Step("path", "readings", False, f"an upstream may read the path as {reading}, which is {other}")
            return Deny(Reason.PATH_AMBIGUOUS, 400, found)
    if found is None:
        if aloud:
            yield Step("routes", "path", False, "no route covers this request, and what is not listed is closed")
        return Deny(Reason.ROUTE_MISSING, 404)
    if facts.target.encoded_slash and not found.encoded_slash:
        if aloud:
            yield Step(found.name, "encoded-slash", False, "the path holds %2F, and the route does not allow it")
        return Deny(Reason.PATH_AMBIGUOUS, 400, found)
    return found


def _first_match(facts: RequestFacts, path: str, routes: Routes, *, aloud: bool) -> Search[Route | None]:
    if aloud:
        return (yield from _first_match_aloud(facts, path, routes.ordered, routes.below(path)))
    for route in routes.candidates(path, facts.host):
        if (yield from _covers(route, facts, path, aloud=False)):
            return route
    return None


def _first_match_aloud(facts: RequestFacts, path: str, ordered: Sequence[Route], candidates: Sequence[Route]) -> Search[Route | None]:
    """The same choice, naming those as well that the index leaves out."""
    possible = {id(route) for route in candidates}
    for route in ordered:
        if id(route) not in possible:
            yield Step(route.name, "path", False, f"{path} does not begin like {route.path.text}")
        elif (yield from _covers(route, facts, path, aloud=True)):
            return route
    return None


def _covers(route: Route, facts: RequestFacts, path: str, *, aloud: bool) -> Search[bool]:
    """Path, then host, then method; what a route does not ask for is not mentioned."""
    covered = route.path.matches(path)
    if aloud:
        yield Step(route.name, "path", covered, f"{path} {'fits' if covered else 'does not fit'} {route.path.text}")
    if covered and route.hosts:
        covered = route.covers_host(facts.host)
        if aloud:
            yield Step(route.name, "host", covered, f"{facts.host} against {', '.join(pattern.text for pattern in route.hosts)}")
    if covered and route.methods:
        covered = route.covers_method(facts.method)
        if aloud:
            yield Step(route.name, "method", covered, f"{facts.method} against {', '.join(sorted(route.methods))}")
    return covered
