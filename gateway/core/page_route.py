"""Which route a page is on that a sign-in is asked to end at."""

from __future__ import annotations

from gateway.core.routes import Routes
from gateway.core.target import Target, read_target


def route_of_page(location: str, routes: Routes, *, own_origin: str) -> str | None:
    """The name of the route of a judged location; None if it is on another origin, on no route, or can be read in several ways.

    Args:
        own_origin: The origin that the browser is on.
    """
    path = location.removeprefix(own_origin).partition("#")[0]
    target = read_target(path) if path.startswith("/") else None
    if not isinstance(target, Target):
        return None
    host = own_origin.partition("://")[2]
    found = {id(route): route for route in (routes.find(reading, host, "GET") for reading in target.readings)}
    (first, *others) = found.values()
    return None if others or first is None else first.name
