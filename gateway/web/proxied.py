"""Requests that can only be for an upstream: aiohttp's low-level server hands them over, without an application's router and middlewares.

Where the policy has answered for this session and route before, its answer is taken from the judge's memory; everything else, and
whatever goes wrong, goes the long way through `guard`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from gateway.core.errors import UpstreamError
from gateway.proxy.client.connection import ClientConnection
from gateway.proxy.client.head import ClientHead
from gateway.proxy.client.plain import length_of
from gateway.proxy.express.lane import rebuilt, way_of
from gateway.proxy.express.ports import Pass, Terms
from gateway.proxy.heads import joined
from gateway.web.body import BodyRefused, connection_of
from gateway.web.forward import framing_of, relay, send
from gateway.web.guard import admit, converse
from gateway.web.state import GATEWAY, Current, Gateway


def proxied(current: Current) -> Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]:
    """The handler for aiohttp's `web.Server`."""

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        connection = connection_of(request)
        with current.term as gateway:
            response = await _by_memory(request, gateway, connection)
            if response is not None:
                gateway.counters.answered(response.status, None)
                (connection.answered if response.keep_alive else connection.close)()
                return response
            request[GATEWAY] = gateway
            return await converse(request, admit)

    return handle


async def _by_memory(request: web.BaseRequest, gateway: Gateway, connection: ClientConnection) -> web.StreamResponse | None:
    """The upstream's answer, where the judge knows that the request may pass and nothing about it is special; else None."""
    if connection.fault is not None or connection.body_refusal is not None or gateway.trusted.covers(connection.address):
        return None
    asked = _plain(connection, gateway) if connection.plain is not None else _read(connection, gateway)
    if asked is None or (pool := asked[0].pool) is None:
        return None
    terms, outgoing, method, has_body = asked
    connection.guarded = terms.private and terms.streaming
    if has_body:
        connection.body_failed = lambda refusal: request.content.set_exception(BodyRefused(refusal))
    try:
        if has_body:
            response = await send(request, connection, gateway, pool, outgoing, max_body=terms.max_body, streaming=terms.streaming)
        else:
            response = await pool.send(outgoing, method=method, streaming=terms.streaming)
    except UpstreamError as error:
        connection.fault = error
        return None
    except BodyRefused as error:
        connection.body_refusal = error.refusal
        return None
    connection.guarded = terms.private
    with response:
        return await relay(request, response, connection, gateway, private=terms.private)


#: On what terms a request passes, its head as it goes to the upstream, its method, and whether a body follows.
Asked = tuple[Terms, bytes, str, bool]


def _plain(connection: ClientConnection, gateway: Gateway) -> Asked | None:
    """As the express lane reads and rebuilds it."""
    plain, raw = connection.plain, connection.raw
    assert plain is not None
    if not gateway.machines.off and b"\nauthorization:" in raw.lower():
        return None  # read before a reload, by rules under which no Authorization was for us
    method, path, _, ahead, behind, cookie = plain
    host = ahead.host or behind.host
    assert host is not None
    passed = gateway.judge.judge(method, path, host, cookie, raw)
    length = length_of(plain) or 0
    if passed is None or (passed.terms.max_body and length > passed.terms.max_body):
        return None
    return passed.terms, rebuilt(plain, passed, connection.address, gateway.policy.hosts.scheme), method.decode("ascii"), length > 0


def _read(connection: ClientConnection, gateway: Gateway) -> Asked | None:
    """As `request_head` builds it, with what is remembered."""
    head = connection.head
    if head is None or not head.plain:
        return None
    if not gateway.machines.off and any(name.lower() == b"authorization" for name, _ in head.headers):
        return None
    path = head.target.partition(b"?")[0]
    passed = gateway.judge.judge(head.method, path, head.host, head.cookie, b"%b %b " % (head.method, head.target))
    if passed is None or (passed.terms.max_body and (head.length or 0) > passed.terms.max_body):
        return None
    try:
        return passed.terms, _outgoing(gateway, connection, head, passed), head.method.decode("ascii"), head.has_body
    except ValueError:
        return None  # the last line of defence (`heads.joined`); the long way meets it, too, and says so


def _outgoing(gateway: Gateway, connection: ClientConnection, head: ClientHead, passed: Pass) -> bytes:
    """The head for the upstream."""
    terms = passed.terms
    way = terms.ways.get(connection.address) or way_of(terms, connection.address, gateway.policy.hosts.scheme)
    lines = [
        b"%b %b HTTP/1.1\r\n%b" % (head.method, head.target, terms.opening[:-2]),
        *gateway.filter.passing(head.headers, head.options),
    ]
    ours = passed.cookie + way + passed.identity
    framing = framing_of(head).lines()
    lines.append(ours[:-2])
    lines += [line.encode("ascii") for line in framing]
    return joined(lines, breaks=len(lines) + ours.count(b"\n") - 1)
