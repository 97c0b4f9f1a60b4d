"""Routes: which host, path and method asks for what. The first that matches decides; where none matches, the gateway is closed."""

from __future__ import annotations

import enum
import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from gateway.core.host import HostPattern
from gateway.core.path_pattern import PathPattern


class Access(enum.StrEnum):
    """Who may pass."""

    PUBLIC = "public"  # everybody; no identity header is set, even for the signed-in
    OPTIONAL = "optional"  # everybody; identity headers are set for the signed-in
    SIGNED_IN = "signed-in"  # the signed-in, with one of `roles` and one of `groups` where these are given
    DENY = "deny"  # nobody


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One `[[routes]]` entry.

    Attributes:
        name: Its own, or its position and path; logs and `explain` print it.
        hosts: Asked hosts that it covers; empty: every host the gateway answers for.
        methods: Exact names (RFC 9110 9.1); empty: every method.
        roles, groups: One of each list is needed; an empty list asks for nothing.
        upstream: The name of an `[[upstreams]]` entry; None only for `deny`.
        api: Clients that don't say what they want get 401, not a redirect.
        encoded_slash: `%2F` in the path is passed on; the rule must hold with the slash decoded as well.
        max_body: Bytes of a proxied request body; 0 means no limit.
        streaming: The response may be silent for as long as it likes (Server-Sent Events, long polls).
    """

    name: str
    path: PathPattern
    access: Access
    upstream: str | None = None
    hosts: tuple[HostPattern, ...] = ()
    methods: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    api: bool = False
    encoded_slash: bool = False
    max_body: int = 100 * 1024 * 1024
    streaming: bool = False

    def covers_host(self, host: str) -> bool:
        """True if the route is for the asked host."""
        return not self.hosts or any(pattern.matches(host) for pattern in self.hosts)

    def covers_method(self, method: str) -> bool:
        """True if the route is for the method."""
        return not self.methods or method in self.methods


@dataclass(frozen=True, slots=True)
class Routes:
    """All routes in order, with an index over the first path segment so that ten thousand cost no more than ten."""

    ordered: tuple[Route, ...]
    _by_segment: dict[str, list[tuple[int, Route]]] = field(default_factory=dict, repr=False, compare=False)
    _anywhere: list[tuple[int, Route]] = field(default_factory=list, repr=False, compare=False)

    @classmethod
    def of(cls, routes: Sequence[Route]) -> Routes:
        """Index the routes."""
        made = cls(tuple(routes))
        for entry in enumerate(made.ordered):
            literal = entry[1].path.first_literal
            (made._anywhere if literal is None else made._by_segment.setdefault(literal, [])).append(entry)
        return made

    def candidates(self, path: str) -> Iterator[Route]:
        """The routes that may match the decoded path, in order; those left out can't."""
        literal = self._by_segment.get(path.split("/", 2)[1], ())
        for _, route in heapq.merge(literal, self._anywhere, key=_position) if literal else self._anywhere:
            yield route

    def find(self, path: str, *, host: str, method: str) -> Route | None:
        """The route of a path that has one reading: what the decision engine finds, without its steps."""
        for route in self.candidates(path):
            if (
                route.path.regex.fullmatch(path)
                and (not route.hosts or route.covers_host(host))
                and (not route.methods or method in route.methods)
            ):
                return route
        return None

    def unreachable(self) -> Iterator[tuple[Route, Route]]:
        """Each route that can never match, with the earlier one that takes all of its requests."""
        for index, route in enumerate(self.ordered):
            for earlier in self.ordered[:index]:
                hosts = not earlier.hosts or (route.hosts and set(route.hosts) <= set(earlier.hosts))
                methods = not earlier.methods or (route.methods and route.methods <= earlier.methods)
                if hosts and methods and earlier.path.includes(route.path):
                    yield route, earlier
                    break


def _position(entry: tuple[int, Route]) -> int:
    return entry[0]
