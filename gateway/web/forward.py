"""`Allow` → upstream and back: heads are rebuilt, bodies stream both ways with bounded memory, faults become the right answer."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from aiohttp import web

from gateway.core.decision import Allow
from gateway.core.errors import (
    ClientGone,
    UpstreamBusy,
    UpstreamError,
    UpstreamInvalid,
    UpstreamTimedOut,
    UpstreamTruncated,
    UpstreamUnreachable,
)
from gateway.core.identity import Session
from gateway.core.reason import Reason
from gateway.proxy.fields import RawHeaders
from gateway.proxy.heads import Forwarded, Framing, request_head, response_head, response_lines, via_count
from gateway.proxy.private import private_lines
from gateway.proxy.upstream.response import LAST_CHUNK
from gateway.sessions.cookie_header import CookieHeader
from gateway.web.body import BodyRefused, connection_of, pieces
from gateway.web.log import event
from gateway.web.pages import error_page
from gateway.web.relayed import Relayed
from gateway.web.state import CHAIN, FACTS, GATEWAY, REQUEST_ID, Gateway
from gateway.web.tunnel import tunnel

if TYPE_CHECKING:
    from gateway.core.routes import Route
    from gateway.proxy.client.connection import ClientConnection
    from gateway.proxy.upstream.pool import UpstreamResponse

log = logging.getLogger(__name__)
_MAX_PASSES = 5
_MAX_DIGITS = 9
_OURS = frozenset({b"x-gateway-reason"})  # it tells our answers from the upstream's only if no upstream can say it

_FAULTS: tuple[tuple[type[UpstreamError], Reason, int], ...] = (
    (UpstreamBusy, Reason.UPSTREAM_BUSY, 503),
    (UpstreamTimedOut, Reason.UPSTREAM_TIMED_OUT, 504),
    (UpstreamInvalid, Reason.UPSTREAM_INVALID, 502),
    (UpstreamUnreachable, Reason.UPSTREAM_UNREACHABLE, 502),
    (UpstreamError, Reason.UPSTREAM_INVALID, 502),
)


async def forward(request: web.Request, allow: Allow, session: Session | Reason | None) -> web.StreamResponse:
    """Pass an allowed request on, and its answer back."""
    gateway, connection = request[GATEWAY], connection_of(request)
    head, route = connection.head, allow.route
    assert head is not None and route.upstream is not None
    if via_count(head.headers) > _MAX_PASSES:
        return error_page(request, Reason.LOOP_DETECTED, 508)
    if head.method == b"OPTIONS" and (hops := _max_forwards(head.headers)) is not None:
        if hops == 0:
            return web.Response(status=204, headers={"X-Gateway-Reason": allow.reason, "Cache-Control": "no-store"})
        head.headers[:] = [(n, b"%d" % (hops - 1) if n.lower() == b"max-forwards" else v) for n, v in head.headers]
    if route.max_body and (head.length or 0) > route.max_body:
        return error_page(request, Reason.REQUEST_BODY_TOO_LARGE, 413)

    if connection.fault is not None:
        return _fault(request, route, connection.fault)
    if connection.body_refusal is not None:
        raise BodyRefused(connection.body_refusal)
    body = None
    if head.has_body:
        idle_s = gateway.settings.limits.request_body_idle.total_seconds()
        body = pieces(request, limit=route.max_body, idle_s=idle_s, invite=head.expects_continue)
    cookies = CookieHeader.parse(value for name, value in head.headers if name.lower() == b"cookie")
    try:
        response = await gateway.pools[route.upstream].send(
            _head(request, gateway, allow, connection, cookies),
            method=request.method,
            body=body,
            chunked=head.chunked,
            upgrade=head.upgrade,
            streaming=route.streaming,
        )
    except UpstreamError as error:
        return _fault(request, route, error)
    with response:
        lines = response_lines(response, owns_cookie=gateway.sessions.owns, drops=_OURS)
        if allow.reason is Reason.SESSION_ACCEPTED and isinstance(session, Session):
            renewed = gateway.sessions.renewal(session, now=gateway.clock(), carried=cookies)
            lines = [*private_lines(lines), *((b"Set-Cookie", line.encode("latin-1")) for line in renewed)]
        if response.status == 101:
            return await tunnel(request, response, lines, connection, session)
        return await _relay(request, response, lines, connection)


def _head(request: web.Request, gateway: Gateway, allow: Allow, connection: ClientConnection, cookies: CookieHeader) -> bytes:
    facts, head = request[FACTS], connection.head
    assert head is not None
    port = facts.host.rpartition(":")[2]
    return request_head(
        method=facts.method,
        target=facts.target.raw,
        headers=head.headers,
        host=facts.host,
        cookie=cookies.without(gateway.sessions.owns),
        set_headers=allow.set_headers,
        strips=gateway.stripper.strips,
        forwarded=Forwarded(
            client=connection.address,
            scheme=facts.scheme,
            host=facts.host,
            port=int(port) if port.isdigit() and ":" in facts.host else None,
            chain=request[CHAIN],
            via=tuple(value.decode("latin-1") for name, value in head.headers if name.lower() == b"via"),
            received_protocol=f"1.{head.minor}",
        ),
        framing=Framing.chunked() if head.chunked else Framing.length(head.length) if head.length is not None else Framing.none(),
        upgrade=head.upgrade,
    )


def _max_forwards(headers: RawHeaders) -> int | None:
    """The hops that are left; None where nothing was said, nothing that is a number, or more than could ever be used up."""
    values = [value for name, value in headers if name.lower() == b"max-forwards"]
    return int(values[0]) if values and values[0].isdigit() and len(values[0]) <= _MAX_DIGITS else None


def _fault(request: web.Request, route: Route, error: UpstreamError) -> web.StreamResponse:
    reason, status = next((reason, status) for kind, reason, status in _FAULTS if isinstance(error, kind))
    event(
        log, "upstream-fault", level=logging.WARNING, reason=reason, upstream=error.upstream, why=error.why,
        route=route.name, path=request[FACTS].target.path, request=request[REQUEST_ID],
    )  # fmt: skip
    headers = {"Retry-After": "1"} if status == 503 else {}
    return error_page(request, reason, status, headers=headers)


async def _relay(request: web.Request, response: UpstreamResponse, lines: RawHeaders, connection: ClientConnection) -> web.StreamResponse:
    """Write the upstream's answer to the client, piece by piece; what breaks now can only be shown by cutting the connection."""
    head, transport = connection.head, request.transport
    if head is None or transport is None:
        raise ClientGone("the client left before the answer")
    sized = not response.has_body or response.content_length is not None
    chunked = not sized and head.minor == 1
    may_go_on = sized or chunked
    goes_on = may_go_on and not (connection.last_request or connection.body_pending or connection.body_refusal is not None)
    try:
        # The head waits for no body: an event stream may be silent for long. What came along with it goes out in the same write.
        pending = response_head(response, lines, chunked=chunked, keep_alive=goes_on, minor=head.minor)
        pending += _framed(response.read_nowait(), chunked)
        while True:
            transport.write(pending)
            await connection.drain()
            piece = await response.read()
            if piece is None:
                break
            pending = _framed(piece, chunked)
        if chunked:
            transport.write(LAST_CHUNK)
            await connection.drain()
    except UpstreamTruncated as error:
        log_truncated(error, request[REQUEST_ID])
        connection.abort()
    return Relayed(response.status, keep_alive=goes_on)


def log_truncated(error: UpstreamError, request_id: str) -> None:
    """Say that an answer was cut short, whichever lane it was passed on by."""
    event(log, "upstream-truncated", level=logging.WARNING, upstream=error.upstream, why=error.why, request=request_id)


def _framed(piece: bytes, chunked: bool) -> bytes:
    return b"%x\r\n%b\r\n" % (len(piece), piece) if chunked and piece else piece
