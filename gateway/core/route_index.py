"""Which routes may cover a request, by what their paths begin with and by the hosts that they name: ten thousand cost no more than ten."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from gateway.core.host import pattern_texts

if TYPE_CHECKING:
    from gateway.core.routes import Route

Routes = tuple["Route", ...]
_EVERY = ""  # the key of routes that name no host
_MAX_MERGED = 4096  # clients choose hosts and paths


class RouteIndex:
    """See the module's docstring. Everything it gives is in the order of the routes."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._position = {id(route): position for position, route in enumerate(routes)}
        self._all = _Paths(routes)
        by_host: dict[str, list[Route]] = {_EVERY: []}
        for route in routes:
            for key in {pattern.text for pattern in route.hosts} or {_EVERY}:
                by_host.setdefault(key, []).append(route)
        self._every = _Paths(by_host.pop(_EVERY))
        self._by_host = {key: _Paths(own) for key, own in by_host.items()}
        self._merged: dict[tuple[int, ...], Routes] = {}

    def below(self, path: str) -> Routes:
        """The routes that may match a decoded path, whatever their hosts; those left out can't."""
        return self._all.under(path)

    def candidates(self, path: str, host: str) -> Routes:
        """The routes that may match a decoded path on a host; a pattern of hosts stands for those that it names, and "" for none."""
        every = self._every.under(path)
        if not self._by_host:
            return every
        own = [self._by_host.get(text) for text in pattern_texts(host)]
        lists = (every, *(paths.under(path) for paths in own if paths is not None))
        return every if len(lists) == 1 else self._in_order(lists)

    def _in_order(self, lists: tuple[Routes, ...]) -> Routes:
        key = tuple(map(id, lists))  # each is made once, and lives as long as this
        found = self._merged.get(key)
        if found is None:
            position = self._position
            at = {position[id(route)]: route for routes in lists for route in routes}
            found = tuple(at[number] for number in sorted(at))
            if len(self._merged) >= _MAX_MERGED:
                self._merged.clear()
            self._merged[key] = found
        return found


class _Paths:
    """Some routes, by what their paths begin with."""

    def __init__(self, routes: Sequence[Route]) -> None:
        own: dict[str, list[tuple[int, Route]]] = {"": []}
        for position, route in enumerate(routes):
            own.setdefault(route.path.beginning, []).append((position, route))
        self._lists: dict[str, Routes] = {}
        for beginning in own:
            entries = sorted(entry for shorter in _beginnings(beginning) for entry in own.get(shorter, ()))
            self._lists[beginning] = tuple(route for _, route in entries)
        self._depth = max(beginning.count("/") for beginning in own)

    def under(self, path: str) -> Routes:
        depth, lists = self._depth, self._lists
        parts = path.split("/", depth + 1)
        beginning = path if len(parts) <= depth + 1 else "/".join(parts[:-1])
        while (found := lists.get(beginning)) is None:
            beginning = beginning.rpartition("/")[0]
        return found


def _beginnings(path: str) -> Iterator[str]:
    """A path and all that it lies below, the shortest last: `/a/b`, `/a`, and the empty one."""
    while path:
        yield path
        path = path.rpartition("/")[0]
    yield ""
