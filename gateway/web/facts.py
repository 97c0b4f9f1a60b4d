"""From a request head to facts: the one place that believes headers, and forwarding headers only from a listed proxy.

Free of aiohttp, so that `gateway explain` builds facts with the very lines that the running gateway uses.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gateway.core.facts import RequestFacts
from gateway.core.host import Hosts, read_host
from gateway.core.reason import Reason
from gateway.core.target import Target, read_target
from gateway.core.wants import sign_of

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
#: What browsers use, and what proxies ask.
_OWN = ("/api/auth", "/.gateway")
_OWN_BELOW = tuple(f"{root}/" for root in _OWN)
_OWN_PART = re.compile(rb"/auth|/oauth2|/\.gateway|/\.well-known/jwks\.json|%")
_ABSOLUTE = re.compile(r"(https?)://([^/?#]*)(.*)\Z", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class TrustedProxies:
    """The `server.trusted_proxies` list."""

    networks: tuple[Network, ...] = ()

    def covers(self, address: str) -> bool:
        """True if the address is listed. A unix socket's peer has no address and is never listed."""
        if not self.networks or not address:
            return False
        try:
            parsed = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return False
        if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
            parsed = parsed.ipv4_mapped
        return any(parsed in network for network in self.networks)


@dataclass(frozen=True, slots=True)
class Received:
    """Facts, and the addresses that the request passed before it came here (oldest first, only what is believed)."""

    facts: RequestFacts
    chain: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """The head can't be made facts of."""

    reason: Reason
    status: int


def facts_of(
    *,
    method: str,
    target: str,
    headers: Sequence[tuple[bytes, bytes]],
    peer: str,
    hosts: Hosts,
    trusted: TrustedProxies,
    upgrade: bool = False,
) -> Received | Refused:
    """Read a request head.

    Args:
        target: As it came, decoded as latin-1.
        headers: As they came; names in any case.
        peer: The address at the other end of the socket, or "" for a unix socket.
    """
    fields = _Fields(headers)
    asked = fields.first(b"host")
    if method in ("CONNECT", "TRACE"):
        return Refused(Reason.METHOD_REFUSED, 405)
    if asked is None:
        return Refused(Reason.HOST_INVALID, 400)
    believed = trusted.covers(peer)
    if believed and (forwarded_host := fields.only(b"x-forwarded-host")) is not None:
        asked = forwarded_host
    host = read_host(asked, scheme=hosts.scheme)
    if host is None:
        return Refused(Reason.HOST_INVALID, 400)
    origin_form = _origin_form(target, host, hosts)
    if origin_form is None:
        return Refused(Reason.TARGET_MALFORMED, 400)
    read = read_target(origin_form)
    if isinstance(read, Reason):
        return Refused(read, 400)
    accept, fetch_mode = ",".join(fields.all(b"accept")) or None, fields.first(b"sec-fetch-mode")
    sign = sign_of(fetch_mode=fetch_mode, accept=accept, requested_with=fields.first(b"x-requested-with"))
    client, chain = _client(peer, fields.all(b"x-forwarded-for"), trusted) if believed else (peer, ())
    facts = RequestFacts(
        method=method,
        scheme=hosts.scheme,
        host=host,
        target=read,
        client=client,
        wants=sign.wants,
        wants_by=sign.header,
        upgrade=upgrade,
        origin=", ".join(fields.all(b"origin")) or None,  # two origins are no origin of ours
    )
    return Received(facts, chain)


def is_own_endpoint(target: Target) -> bool:
    """True if any reading of the path lies in the gateway's own space, which is never forwarded."""
    return any(reading in _OWN or reading.startswith(_OWN_BELOW) for reading in target.readings)


def may_be_own_endpoint(target: bytes) -> bool:
    """False only if no reading of a target as it came can be one of the gateway's endpoints."""
    return _OWN_PART.search(target) is not None or not target.startswith(b"/")


def _origin_form(target: str, host: str, hosts: Hosts) -> str | None:
    """RFC 9112 3.2.2: absolute-form is taken for our own host only, and only if it says the same as Host."""
    if target.startswith("/"):
        return target
    absolute = _ABSOLUTE.match(target)
    if absolute is None or read_host(absolute[2], scheme=hosts.scheme) != host:
        return None
    rest = absolute[3]
    return rest if rest.startswith("/") else f"/{rest}"


def _client(peer: str, values: Iterable[str], trusted: TrustedProxies) -> tuple[str, tuple[str, ...]]:
    """Read X-Forwarded-For from the right: the first address that is not a listed proxy is the client (promise 20)."""
    entries = [entry.strip() for value in values for entry in value.split(",")]
    believed: list[str] = []
    for entry in reversed(entries):
        try:
            ipaddress.ip_address(entry)
        except ValueError:
            break
        believed.insert(0, entry)
        if not trusted.covers(entry):
            break
    return (believed[0] if believed else peer), tuple(believed)


class _Fields:
    """Header fields by lower-case name."""

    def __init__(self, headers: Sequence[tuple[bytes, bytes]]) -> None:
        self._values: dict[bytes, list[str]] = {}
        for name, value in headers:
            self._values.setdefault(name.lower(), []).append(value.decode("latin-1"))

    def all(self, name: bytes) -> list[str]:
        return self._values.get(name, [])

    def first(self, name: bytes) -> str | None:
        values = self._values.get(name)
        return values[0] if values else None

    def only(self, name: bytes) -> str | None:
        """The value if there is exactly one."""
        values = self._values.get(name, ())
        return values[0] if len(values) == 1 else None
