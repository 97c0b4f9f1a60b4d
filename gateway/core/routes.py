"""Routes: which host, path and method asks for what. The first that matches decides; where none matches, the gateway is closed."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from gateway.core.authorization import Authorization
from gateway.core.credentials import Means
from gateway.core.host import HostPattern
from gateway.core.path_pattern import PathPattern
from gateway.core.route_index import RouteIndex


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
        sign_in_redirect: Where a sign-in ends that begins here, instead of at the page that was asked for.
        encoded_slash: `%2F` in the path is passed on; the rule must hold with the slash decoded as well.
        max_body: Bytes of a proxied request body; 0 means no limit.
        streaming: The response may be silent for as long as it likes (Server-Sent Events, long polls).
        keeps_authorization: The client's own `Authorization` goes on to the upstream.
        authorization: What the upstream gets in its place for the signed-in.
        accepts: How a client may say who it is.
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
    sign_in_redirect: str | None = None
    encoded_slash: bool = False
    max_body: int = 100 * 1024 * 1024
    streaming: bool = False
    keeps_authorization: bool = True
    authorization: Authorization | None = None
    accepts: frozenset[Means] = frozenset({Means.SESSION})

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
    """All routes in order."""

    ordered: tuple[Route, ...]
    _index: RouteIndex = field(repr=False, compare=False)

    @classmethod
    def of(cls, routes: Sequence[Route]) -> Routes:
        """Index the routes."""
        return cls(tuple(routes), RouteIndex(routes))

    def below(self, path: str) -> tuple[Route, ...]:
        """See `RouteIndex.below`."""
        return self._index.below(path)

    def candidates(self, path: str, host: str) -> tuple[Route, ...]:
        """See `RouteIndex.candidates`."""
        return self._index.candidates(path, host)

    def find(self, path: str, host: str, method: str) -> Route | None:
        """The route of a path that has one reading: what the decision engine finds, without its steps."""
        for route in self._index.candidates(path, host):
            if (
                (route.everywhere or route.path.regex.fullmatch(path))
                and (not route.hosts or route.covers_host(host))
                and (not route.methods or method in route.methods)
            ):
                return route
        return None

    def unreachable(self) -> Iterator[tuple[Route, Route]]:
        """Each route that can never match, with the earlier one that takes all of its requests."""
        for route in self.ordered:
            # Whatever takes all of a route's requests begins like it, or with less, and names all of its hosts, or none.
            for earlier in self._index.candidates(route.path.beginning, route.hosts[0].text if route.hosts else ""):
                if earlier is route:
                    break
                hosts = not earlier.hosts or (route.hosts and set(route.hosts) <= set(earlier.hosts))
                methods = not earlier.methods or (route.methods and route.methods <= earlier.methods)
                if hosts and methods and earlier.path.includes(route.path):
                    yield route, earlier
                    break
