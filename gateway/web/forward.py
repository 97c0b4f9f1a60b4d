"""`Allow` → upstream and back: heads are rebuilt, bodies stream both ways with bounded memory, faults become the right answer."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
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
from gateway.core.policy import ACCEPTED
from gateway.core.reason import Reason
from gateway.proxy.answer_head import answer_head, known_answer_head
from gateway.proxy.fields import RawHeaders
from gateway.proxy.heads import Forwarded, Framing, request_head, via_count
from gateway.proxy.upstream.response import LAST_CHUNK
from gateway.sessions.cookie_header import CookieHeader
from gateway.web.body import BodyRefused, connection_of, pieces
from gateway.web.log import event
from gateway.web.pages import error_page
from gateway.web.relayed import relayed
from gateway.web.state import CHAIN, FACTS, GATEWAY, RENEWED, REQUEST_ID, Gateway, request_id_of
from gateway.web.tunnel import tunnel

if TYPE_CHECKING:
    from gateway.core.facts import RequestFacts
    from gateway.core.routes import Route
    from gateway.proxy.client.connection import ClientConnection
    from gateway.proxy.client.head import ClientHead
    from gateway.proxy.upstream.pool import UpstreamPool, UpstreamResponse

log = logging.getLogger(__name__)
_MAX_PASSES = 5
#: Under these reasons an answer is for one person.
PERSONAL = frozenset(ACCEPTED.values())
_MAX_DIGITS = 9

_FAULTS: tuple[tuple[type[UpstreamError], Reason, int], ...] = (
    (UpstreamBusy, Reason.UPSTREAM_BUSY, 503),
    (UpstreamTimedOut, Reason.UPSTREAM_TIMED_OUT, 504),
    (UpstreamInvalid, Reason.UPSTREAM_INVALID, 502),
    (UpstreamUnreachable, Reason.UPSTREAM_UNREACHABLE, 502),
    (UpstreamError, Reason.UPSTREAM_INVALID, 502),
)


async def forward(request: web.BaseRequest, allow: Allow, session: Session | Reason | None, cookies: CookieHeader) -> web.StreamResponse:
    """Pass an allowed request on, and its answer back. `cookies` are those that came with it."""
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
    let_in = session if allow.reason in PERSONAL and isinstance(session, Session) else None
    private = let_in is not None
    connection.guarded = (route.streaming and let_in) or False
    try:
        response = await send(
            request, connection, gateway, gateway.pools[route.upstream], _head(request, gateway, allow, connection, cookies),
            max_body=route.max_body, streaming=route.streaming,
        )  # fmt: skip
    except UpstreamError as error:
        return _fault(request, route, error)
    connection.guarded = let_in or False
    with response:
        renewed: Sequence[str] = ()
        if let_in is not None and allow.reason is Reason.SESSION_ACCEPTED:
            known = request.get(RENEWED)
            renewed = gateway.sessions.renewal(let_in, now=gateway.clock(), carried=cookies) if known is None else known
        if response.status == 101:
            opening = answer_head(
                response.head, private=private, owns_cookie=gateway.sessions.owns, chunked=False, keep_alive=True, cookies=renewed
            )
            return tunnel(request, response, opening, connection, let_in)
        return await relay(request, response, connection, gateway, private=private, cookies=renewed)


async def send(
    request: web.BaseRequest,
    connection: ClientConnection,
    gateway: Gateway,
    pool: UpstreamPool,
    outgoing: bytes,
    *,
    max_body: int,
    streaming: bool,
) -> UpstreamResponse:
    """Send a request with its head rebuilt, and wait for the head of the answer.

    Raises:
        UpstreamError: None came.
        BodyRefused, ClientGone: The body was no good, or did not come.
    """
    head = connection.head
    assert head is not None
    body = None
    if head.has_body:
        idle_s = gateway.settings.limits.request_body_idle.total_seconds()
        body = pieces(request, limit=max_body, idle_s=idle_s, invite=head.expects_continue)
    return await pool.send(
        outgoing, method=head.method.decode("ascii"), body=body, chunked=head.chunked, upgrade=head.upgrade, streaming=streaming
    )


def _head(request: web.BaseRequest, gateway: Gateway, allow: Allow, connection: ClientConnection, cookies: CookieHeader) -> bytes:
    head = connection.head
    assert head is not None
    cookie = cookies.without(gateway.sessions.owns)
    if allow.reason is Reason.SESSION_ACCEPTED and allow.route.upstream in gateway.told_sessions:
        cookie = "; ".join(filter(None, (cookie, gateway.sessions.handed_on(cookies))))
    return upstream_head(
        allow, request[FACTS], head, cookie=cookie, strips=gateway.stripper.strips, address=connection.address, chain=request[CHAIN]
    )


def upstream_head(
    allow: Allow, facts: RequestFacts, head: ClientHead, *, cookie: str, strips: Callable[[str], bool], address: str, chain: tuple[str, ...]
) -> bytes:
    """The head for an upstream, of one that a client sent.

    Args:
        cookie: What is left of the client's cookies.
        strips: Says of a lower-case name whether a client may not send it.
        address, chain: Who asks, and by which proxies, as far as they are believed.
    """
    port = facts.host.rpartition(":")[2]
    return request_head(
        method=facts.method,
        target=facts.target.raw,
        headers=head.headers if allow.route.keeps_authorization else [line for line in head.headers if line[0].lower() != b"authorization"],
        host=facts.host,
        cookie=cookie,
        set_headers=allow.set_headers,
        strips=strips,
        forwarded=Forwarded(
            client=address,
            scheme=facts.scheme,
            host=facts.host,
            port=int(port) if port.isdigit() and ":" in facts.host else None,
            chain=chain,
            via=tuple(value.decode("latin-1") for name, value in head.headers if name.lower() == b"via"),
            received_protocol=f"1.{head.minor}",
        ),
        framing=framing_of(head),
        upgrade=head.upgrade,
    )


def framing_of(head: ClientHead) -> Framing:
    """How the body of a request is delimited on its way on: as the client delimits it."""
    return Framing.chunked() if head.chunked else Framing.none() if head.length is None else Framing.length(head.length)


def _max_forwards(headers: RawHeaders) -> int | None:
    """The hops that are left; None where nothing was said, nothing that is a number, or more than could ever be used up."""
    values = [value for name, value in headers if name.lower() == b"max-forwards"]
    return int(values[0]) if values and values[0].isdigit() and len(values[0]) <= _MAX_DIGITS else None


def _fault(request: web.BaseRequest, route: Route, error: UpstreamError) -> web.StreamResponse:
    reason, status = next((reason, status) for kind, reason, status in _FAULTS if isinstance(error, kind))
    event(
        log, "upstream-fault", level=logging.WARNING, reason=reason, upstream=error.upstream, why=error.why,
        route=route.name, path=request[FACTS].target.path, request=request[REQUEST_ID],
    )  # fmt: skip
    headers = {"Retry-After": "1"} if status == 503 else {}
    return error_page(request, reason, status, headers=headers)


async def relay(
    request: web.BaseRequest,
    response: UpstreamResponse,
    connection: ClientConnection,
    gateway: Gateway,
    *,
    private: bool,
    cookies: Sequence[str] = (),
) -> web.StreamResponse:
    """Write the upstream's answer to the client, piece by piece; what breaks now can only be shown by cutting the connection."""
    transport, answer, minor = request.transport, response.head, connection.minor
    if transport is None:
        raise ClientGone("the client left before the answer")
    sized = not answer.has_body or answer.content_length is not None
    chunked = not sized and minor == 1
    may_go_on = sized or chunked
    goes_on = may_go_on and not (connection.last_request or connection.body_pending or connection.body_refusal is not None)
    try:
        # The head waits for no body: an event stream may be silent for long. What came along with it goes out in the same write.
        piece: bytes | None = response.read_nowait()
        if answer.rendered is not None and goes_on and minor and not cookies:
            head = known_answer_head(answer, private=private, keep_alive=True)
            if response.finished:
                transport.write(head + piece if piece else head)
                return relayed(answer.status, keep_alive=True)
        else:
            head = answer_head(
                answer, private=private, owns_cookie=gateway.sessions.owns, chunked=chunked, keep_alive=goes_on, minor=minor,
                cookies=cookies,
            )  # fmt: skip
        transport.write(head + _framed(piece or b"", chunked))
        await connection.drain()
        while (piece := await response.read()) is not None:
            transport.write(_framed(piece, chunked))
            await connection.drain()
        if chunked:
            transport.write(LAST_CHUNK)
            await connection.drain()
    except UpstreamTruncated as error:
        log_truncated(error, request_id_of(request))
        connection.abort()
    except BodyRefused:  # the rest of the upload can't be had, and the answer has begun: a page behind it would be read as its body
        connection.abort()
    return relayed(answer.status, keep_alive=goes_on)


def log_truncated(error: UpstreamError, request_id: str) -> None:
    """Say that an answer was cut short, whichever lane it was passed on by."""
    event(log, "upstream-truncated", level=logging.WARNING, upstream=error.upstream, why=error.why, request=request_id)


def _framed(piece: bytes, chunked: bool) -> bytes:
    return b"%x\r\n%b\r\n" % (len(piece), piece) if chunked and piece else piece
