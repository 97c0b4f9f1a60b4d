"""How each proxy asks: where it puts the request that it asks about, and which answers it can take. Data only; `engine.py` obeys it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from gateway.settings.sections.forward_auth import ROOMS

#: The endpoints lie here and not under `/api/auth/`: that is what proxies hand on to the gateway for browsers, and these are for proxies
#: alone. Whoever could ask them himself would be told his identity headers, and these are for the app.
BASE = "/.gateway/auth"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One way of asking.

    Attributes:
        method, target, host: The fields, in lower case, that hold the method, the path with the query, and the host of the original
            request. None: it is the request's own; the path then stands behind the endpoint's.
        hands_on: The proxy passes an answer that is no yes on to the client as it is. False: it knows 401 and 403 alone.
        removal: The field of an answer that names what the proxy takes out of the original request. None: it can't be told.
        cleans: It takes that out first and sets what it is told afterwards, all of it. False: what a configuration forgets to take from
            the answer would stay as the client sent it, so nothing forged may come at all.
        numbered: The prefix of fields that carry one Set-Cookie each, for a proxy that can't pass several of one name.
        place: Where it is asked, if not below `BASE`.
        url: The field that holds the whole URL of the original request, in the place of `target` and `host`.
        says: Further fields that the proxy writes itself.
        preset: Identity headers that the answer has besides the configured ones: those of the gateway that is stood in for.
        yes: The status of a yes.
        method_told: The proxy tells the method. False: what is said of it may be the client's own word, so the method must not matter.
        or_url: The field that holds the whole URL where the proxy says that instead; if it says both, they have to agree.
        takes_authorization: It can be told to take an Authorization away that was for the gateway.
        renews: The most cookies that it can hand on from one answer; None: any number.
    """

    name: str
    method: bytes | None
    target: bytes | None
    host: bytes | None
    hands_on: bool = True
    removal: str | None = None
    cleans: bool = False
    numbered: str | None = None
    place: str | None = None
    url: bytes | None = None
    or_url: bytes | None = None
    says: frozenset[bytes] = frozenset()
    preset: str | None = None
    yes: int = 200
    method_told: bool = True
    takes_authorization: bool = True
    renews: int | None = None

    @property
    def endpoint(self) -> str:
        """Its path."""
        return self.place or f"{BASE}/{self.name}"

    @property
    def carriers(self) -> frozenset[bytes]:
        """The fields in which the proxy speaks."""
        return self.says.union(field for field in (self.method, self.target, self.host, self.url, self.or_url) if field is not None)

    def covers(self, path: str) -> bool:
        """True if a path, as it came, is the endpoint."""
        whole = self.target is not None or self.url is not None
        return path == self.endpoint if whole else path.startswith(f"{self.endpoint}/")

    def status(self, status: int) -> int:
        """What a status becomes where the proxy can't take each: 401 stays, faults of ours stay (the proxy makes a 500 of them)."""
        if self.hands_on or status == 401 or status >= 500:
            return status
        return 401 if status in (302, 303) else 403


_NUMBERED = "X-Gateway-Set-Cookie"
_FORWARDED = Dialect(name="", method=b"x-forwarded-method", target=b"x-forwarded-uri", host=b"x-forwarded-host")


#: As oauth2-proxy is asked: by nginx as its documentation sets it up, which says the path, or by Kubernetes' ingress, which says the URL.
#: Neither takes away what a client says in the fields that it does not set itself.
OAUTH2_PROXY = Dialect(
    name="oauth2-proxy",
    place="/oauth2/auth",
    method=None,
    target=b"x-forwarded-uri",
    host=b"host",
    or_url=b"x-original-url",
    hands_on=False,
    says=frozenset({b"x-auth-request-redirect"}),
    preset="x-auth-request",
    yes=202,
    method_told=False,
    takes_authorization=False,
    renews=1,
)
#: As Authelia is asked (its "Proxy Authorization" guide), by the name of each of its endpoints.
_AUTHELIA = Dialect(
    name="authelia",
    method=None,
    target=None,
    host=None,
    says=frozenset({b"x-authelia-url"}),
    preset="remote",
    takes_authorization=False,
    renews=1,
)
AUTHELIA = (
    replace(_AUTHELIA, place="/api/authz/forward-auth", method=b"x-forwarded-method", target=b"x-forwarded-uri", host=b"x-forwarded-host"),
    replace(_AUTHELIA, place="/api/authz/auth-request", method=b"x-original-method", url=b"x-original-url", hands_on=False),
    # Its guide for Envoy writes the prefix with a slash at its end, and Envoy puts the path with its own behind it.
    replace(_AUTHELIA, place="/api/authz/ext-authz/", removal="X-Envoy-Auth-Headers-To-Remove"),
)


def spoken(names: Iterable[str]) -> Iterator[Dialect]:
    """The dialects that `forward_auth.dialects` names."""
    for name in names:
        if name == "authelia":
            yield from AUTHELIA
        else:
            yield OAUTH2_PROXY if name == "oauth2-proxy" else DIALECTS[name]


def rooms_of(names: Iterable[str]) -> tuple[str, ...]:
    """The rooms of those."""
    return tuple(ROOMS[name] for name in names if name in ROOMS)


#: The gateway's own, by name.
DIALECTS = {
    dialect.name: dialect
    for dialect in (
        Dialect(
            name="nginx",
            method=b"x-original-method",
            target=b"x-original-uri",
            host=b"x-original-host",
            hands_on=False,
            numbered=_NUMBERED,
        ),
        replace(_FORWARDED, name="caddy", numbered=_NUMBERED),
        replace(_FORWARDED, name="traefik"),
        replace(_FORWARDED, name="haproxy", removal="X-Gateway-Remove", cleans=True),
        Dialect(name="envoy", method=None, target=None, host=None, removal="X-Envoy-Auth-Headers-To-Remove"),
    )
}
