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
        everywhere: The pattern fits every path.
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

    everywhere: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "everywhere", self.path.segments == ("**",))

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
    _by_segment: dict[str, tuple[Route, ...]] = field(default_factory=dict, repr=False, compare=False)
    _anywhere: tuple[Route, ...] = field(default=(), repr=False, compare=False)

    @classmethod
    def of(cls, routes: Sequence[Route]) -> Routes:
        """Index the routes: under each first segment those that may match there, in order."""
        ordered = tuple(routes)
        literals = [route.path.first_literal for route in ordered]
        anywhere = [(position, route) for position, route in enumerate(ordered) if literals[position] is None]
        under: dict[str, list[tuple[int, Route]]] = {}
        for position, literal in enumerate(literals):
            if literal is not None:
                under.setdefault(literal, []).append((position, ordered[position]))
        index = {literal: tuple(route for _, route in heapq.merge(entries, anywhere, key=_position)) for literal, entries in under.items()}
        return cls(ordered, index, tuple(route for _, route in anywhere))

    def candidates(self, path: str) -> tuple[Route, ...]:
        """The routes that may match the decoded path, in order; those left out can't."""
        return self._by_segment.get(path.split("/", 2)[1], self._anywhere)

    def find(self, path: str, host: str, method: str) -> Route | None:
        """The route of a path that has one reading: what the decision engine finds, without its steps."""
        for route in self._by_segment.get(path.split("/", 2)[1], self._anywhere):
            if (
                (route.everywhere or route.path.regex.fullmatch(path))
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
