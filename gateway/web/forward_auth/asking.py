"""From a proxy's question to facts about the original request: read as strictly as if the client had sent it here, or refused."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from gateway.core.host import Hosts
from gateway.core.reason import Reason
from gateway.proxy.client.head import ClientHead, HeadLimits, Refusal, read_head
from gateway.proxy.fields import RawHeaders
from gateway.web.facts import Received, Refused, TrustedProxies, facts_of
from gateway.web.forward_auth.dialects import Dialect

_URL = re.compile(rb"https?://([^/?#@]*)(/.*)?\Z", re.IGNORECASE)
_INCOMPLETE = Refused(Reason.ORIGINAL_INCOMPLETE, 400)
#: Of the question, not of the original request. `Upgrade` says so where a proxy leaves it, and is looked for by itself.
_OF_THE_QUESTION = frozenset((b"host", b"x-forwarded-host"))


def original_of(
    dialect: Dialect, head: ClientHead, *, peer: str, hosts: Hosts, trusted: TrustedProxies, limits: HeadLimits
) -> Received | Refused:
    """Facts about the request that a proxy asks about.

    Each part has to be there exactly once: a part that is missing is not guessed, and of two none is believed (promise 53).

    Args:
        head: Of the question.
        peer: The proxy's address.
    """
    if not trusted.covers(peer):
        return Refused(Reason.PROXY_UNLISTED, 403)
    method, target, host = _parts(dialect, head)
    if not method or not target or not host:
        return _INCOMPLETE
    if not target.startswith(b"/"):
        return Refused(Reason.TARGET_MALFORMED, 400)
    # The client's own reader judges it: what would be refused as a request is refused as the subject of a question.
    read = read_head(b"%b %b HTTP/1.1\r\nHost: %b" % (method, target, host), limits)
    if isinstance(read, Refusal):
        return Refused(read.reason, read.status)
    received = facts_of(
        method=read.method.decode("ascii"),
        target=read.target.decode("latin-1"),
        headers=[(b"host", host), *((name, value) for name, value in head.headers if name.lower() not in _OF_THE_QUESTION)],
        peer=peer,
        hosts=hosts,
        trusted=trusted,
        upgrade=head.upgrade or is_handshake(head.headers),
    )
    if isinstance(received, Refused) or dialect.method_told:
        return received
    return replace(received, facts=replace(received.facts, method=""))  # no rule may rest on it


def _parts(dialect: Dialect, head: ClientHead) -> tuple[bytes | None, bytes | None, bytes | None]:
    """Method, target and host, as far as the proxy says them once each."""
    method = _only(head.headers, dialect.method) if dialect.method else head.method if dialect.method_told else b"GET"
    if dialect.url is not None:
        return method, *_of_url(head.headers, dialect.url)
    if dialect.or_url is not None and dialect.target is not None and (said := _all(head.headers, dialect.or_url)):
        target, host = _of_url(head.headers, dialect.or_url)
        agrees = _all(head.headers, dialect.target) in ([], [target]) and len(said) == 1 and host == _only(head.headers, b"host")
        return method, target if agrees else None, host
    target = _only(head.headers, dialect.target) if dialect.target else head.target.removeprefix(dialect.endpoint.encode("ascii"))
    return method, target, _only(head.headers, dialect.host or b"host")


def is_handshake(headers: RawHeaders) -> bool:
    """True for a WebSocket handshake, also where the proxy has taken Connection and Upgrade away: browsers can't leave the key out."""
    return any(
        name.lower().startswith(b"sec-websocket-") or (name.lower() == b"upgrade" and b"websocket" in value.lower())
        for name, value in headers
    )


def _of_url(headers: Sequence[tuple[bytes, bytes]], name: bytes) -> tuple[bytes | None, bytes | None]:
    """Target and host of a URL."""
    match = _URL.match(_only(headers, name) or b"")
    return (None, None) if match is None else (match[2] or b"/", match[1])


def _all(headers: Sequence[tuple[bytes, bytes]], name: bytes) -> list[bytes]:
    return [value for key, value in headers if key.lower() == name]


def _only(headers: Sequence[tuple[bytes, bytes]], name: bytes) -> bytes | None:
    values = _all(headers, name)
    return values[0] if len(values) == 1 else None
