"""How each proxy asks: where it puts the request that it asks about, and which answers it can take. Data only; `engine.py` obeys it."""

from __future__ import annotations

from dataclasses import dataclass, replace

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
    """

    name: str
    method: bytes | None
    target: bytes | None
    host: bytes | None
    hands_on: bool = True
    removal: str | None = None
    cleans: bool = False
    numbered: str | None = None

    @property
    def endpoint(self) -> str:
        """Its path."""
        return f"{BASE}/{self.name}"

    @property
    def carriers(self) -> frozenset[bytes]:
        """The fields in which the proxy speaks."""
        return frozenset(field for field in (self.method, self.target, self.host) if field is not None)

    def covers(self, path: str) -> bool:
        """True if a path, as it came, is the endpoint."""
        return path == self.endpoint if self.target is not None else path.startswith(f"{self.endpoint}/")

    def status(self, status: int) -> int:
        """What a status becomes where the proxy can't take each: 401 stays, faults of ours stay (the proxy makes a 500 of them)."""
        if self.hands_on or status == 401 or status >= 500:
            return status
        return 401 if status in (302, 303) else 403


_NUMBERED = "X-Gateway-Set-Cookie"
_FORWARDED = Dialect(name="", method=b"x-forwarded-method", target=b"x-forwarded-uri", host=b"x-forwarded-host")


#: By name, as `forward_auth.dialects` lists them.
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
