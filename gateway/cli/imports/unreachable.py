"""Routes that no request would ever reach, since an earlier one takes all of theirs: other gateways don't mind them, ours refuses to start."""

from __future__ import annotations

from gateway.cli.imports.found import Found, Setting, Table, texts


def without_unreachable(found: Found) -> None:
    """Take them out, and say so; the same goes for routes that are there twice."""
    from gateway.core.host import HostPattern
    from gateway.core.path_pattern import PathPattern
    from gateway.core.routes import Access, Route, Routes

    def compiled(number: int, route: Table) -> Route:
        hosts = route.get("host", [])
        assert isinstance(hosts, (str, list))
        methods = route.get("methods", [])
        assert isinstance(methods, list)
        return Route(
            name=str(number),
            path=PathPattern.parse(str(route["path"])),
            access=Access(str(route["access"])),
            hosts=tuple(HostPattern(host.lower()) for host in ([hosts] if isinstance(hosts, str) else hosts)),
            methods=frozenset(methods),
        )

    routes = Routes.of([compiled(number, route) for number, route in enumerate(found.routes)])
    gone = {int(late.name): int(earlier.name) for late, earlier in routes.unreachable()}
    for number, earlier in gone.items():
        what = f"{_named(found.routes[number])} is taken by {_named(found.routes[earlier])} before it, and left out"
        found.say(Setting("routes", ""), what, "put it first, if it was meant to count")
    found.routes[:] = [route for number, route in enumerate(found.routes) if number not in gone]


def _named(route: Table) -> str:
    return f"{route['path']} on {', '.join(texts(route['host']))}" if "host" in route else str(route["path"])
