"""The guard in front of every handler: facts, session, decision. Whatever is not allowed ends here."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from aiohttp_session import session_middleware

from gateway.core.decision import Allow, Deny, Redirect
from gateway.core.errors import ClientGone
from gateway.core.identity import Session
from gateway.core.policy import decide
from gateway.core.reason import Reason
from gateway.proxy.client.head import ALLOWED_METHODS
from gateway.sessions.cookie_header import CookieHeader
from gateway.web.answers import answer, unexpected
from gateway.web.body import BodyRefused, connection_of
from gateway.web.facts import Refused, facts_of, is_own_endpoint
from gateway.web.forward import forward
from gateway.web.forward_auth.oauth2_proxy import browse
from gateway.web.jwks import asks_for_keys, keys_page
from gateway.web.keeping import sent_to_sign_in
from gateway.web.log import event, listen
from gateway.web.pages import error_page
from gateway.web.relayed import Relayed
from gateway.web.revisit import revisited
from gateway.web.state import CHAIN, CURRENT, FACTS, GATEWAY, REQUEST_ID

log = logging.getLogger(__name__)
_ALLOW = {"Allow": ALLOWED_METHODS}
Handler = Callable[[Any], Awaitable[web.StreamResponse]]


@web.middleware
async def speak(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The outermost middleware: every request gets one gateway and one answer, then the connection learns that it is out."""
    with request.app[CURRENT].term as request[GATEWAY]:
        return await converse(request, handler)


@web.middleware
async def remember(request: web.Request, handler: Handler) -> web.StreamResponse:
    """aiohttp-session, over the storage of the gateway that the request began with."""
    storage = request[GATEWAY].storage
    await storage.load(request)
    return await session_middleware(storage)(request, handler)


async def converse(request: web.BaseRequest, handler: Handler) -> web.StreamResponse:
    """Get an answer from a handler, or make one; send it unless it is out already; and let the connection go on, or close it."""
    connection = connection_of(request)
    request[REQUEST_ID] = secrets.token_hex(8)
    connection.body_failed = lambda refusal: request.content.set_exception(BodyRefused(refusal))
    if connection.body_refusal is not None:
        connection.body_failed(connection.body_refusal)
    told = listen()
    response = await _answer(request, handler)
    ours = None if isinstance(response, Relayed) else response.headers.get("X-Gateway-Reason", Reason.OWN_ENDPOINT)
    request[GATEWAY].counters.answered(response.status, ours)
    if ours is not None and ours not in told:
        _say(request, response, ours)
    if not isinstance(response, Relayed):
        response.headers.setdefault("X-Request-Id", request[REQUEST_ID])
        response.headers.setdefault("X-Gateway-Reason", Reason.OWN_ENDPOINT)
        response.headers.setdefault("Server", "auth-gateway")  # aiohttp would name its version (promise 51)
        if connection.last_request or connection.body_pending or connection.body_refusal is not None:
            response.force_close()
        try:
            await response.prepare(request)
            await response.write_eof()
        except ConnectionError:
            return response
    if response.keep_alive:
        connection.answered()
    else:
        connection.close()  # now, before anything that was sent behind this request is looked at
    return response


def _say(request: web.BaseRequest, response: web.StreamResponse, reason: str) -> None:
    """One line for an answer of ours that nobody has said anything of, if something is wrong: each reason is in the log as well."""
    if response.status < 300 or reason == Reason.OWN_ENDPOINT:
        return
    facts = request.get(FACTS)
    asked = {"method": facts.method, "host": facts.host, "path": facts.target.path} if facts is not None else {}
    client = facts.client if facts is not None else connection_of(request).address
    event(log, "refused", reason=reason, status=response.status, **asked, client=client, request=request[REQUEST_ID])


async def _answer(request: web.BaseRequest, handler: Handler) -> web.StreamResponse:
    if _asks_about_us(request):
        return web.Response(status=204, headers={"Cache-Control": "no-store"})  # RFC 9110 9.3.7: it asks about us, not an upstream
    refused = _read_facts(request)
    try:
        if refused is not None:
            response = error_page(request, refused.reason, refused.status, headers=_ALLOW if refused.status == 405 else {})
            if refused.status == 400:
                response.force_close()  # nothing behind a request that was not understood is read (promise 5)
            return response
        return await handler(request)
    except BodyRefused as error:
        return error_page(request, error.refusal.reason, error.refusal.status)
    except web.HTTPException as error:
        reason = Reason.METHOD_REFUSED if error.status == 405 else Reason.ACTION_UNKNOWN
        allow = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
        return error_page(request, reason, error.status, headers=allow)
    except (asyncio.CancelledError, ClientGone, ConnectionError):
        raise
    except Exception as error:
        # The last line of defence: whatever failed while a session was checked is a 500, never a pass (promise 44).
        return unexpected(request, error)


def _asks_about_us(request: web.BaseRequest) -> bool:
    head = connection_of(request).head
    return head is not None and head.method == b"OPTIONS" and head.target == b"*"


def _read_facts(request: web.BaseRequest) -> Refused | None:
    gateway = request[GATEWAY]
    connection = connection_of(request)
    head = connection.head
    if head is None:  # only a lane that was fed past the strict reader could get here
        return Refused(Reason.REQUEST_MALFORMED, 400)
    received = facts_of(
        method=head.method.decode("ascii"),
        target=head.target.decode("latin-1"),
        headers=head.headers,
        peer=connection.address,
        hosts=gateway.policy.hosts,
        trusted=gateway.trusted,
        upgrade=head.upgrade,
    )
    if isinstance(received, Refused):
        return received
    request[FACTS] = received.facts
    request[CHAIN] = received.chain
    return None


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Our own endpoints pass; everything else is for the proxy."""
    gateway, facts = request[GATEWAY], request[FACTS]
    if asks_for_keys(request, facts.target):
        return keys_page(request)
    stands_in = gateway.forward_auth is not None and gateway.forward_auth.owns(facts.target)
    if not is_own_endpoint(facts.target) and not stands_in:
        return await admit(request)
    if gateway.forward_auth is not None and (dialect := gateway.forward_auth.dialect_of(facts.target)) is not None:
        return await gateway.forward_auth.answer(request, dialect)
    if not gateway.policy.hosts.covers(facts.host):
        return error_page(request, Reason.HOST_UNKNOWN, 421)
    if stands_in:
        return await browse(request)
    if facts.target.path != facts.target.readings[0] or len(facts.target.readings) > 1:
        return error_page(request, Reason.PATH_AMBIGUOUS, 400)
    return await handler(request)


async def admit(request: web.BaseRequest) -> web.StreamResponse:
    """Ask the policy; only an `Allow` is forwarded."""
    gateway, facts = request[GATEWAY], request[FACTS]
    if is_own_endpoint(facts.target) or (gateway.forward_auth is not None and gateway.forward_auth.owns(facts.target)):
        # Never forwarded, whoever asks.
        return error_page(request, Reason.ACTION_UNKNOWN, 404)
    head = connection_of(request).head
    assert head is not None
    cookies = CookieHeader.parse(value for name, value in head.headers if name.lower() == b"cookie")
    await gateway.sessions.load(cookies)
    session = gateway.storage.held_in(cookies)
    shown = None if gateway.machines.off else await gateway.machines.shown(facts, head.headers)
    decision = decide(facts, session, gateway.policy, now=gateway.clock(), shown=shown)
    if shown is not None:
        session = shown.held
    if isinstance(decision, Allow) and isinstance(session, Session) and "jwt" in gateway.callbacks:
        decision, session = await revisited(request, decision, session, cookies)
    if isinstance(decision, Allow) and decision.route.upstream is None:
        decision = Deny(Reason.ROUTE_NOT_PROXIED, 404, decision.route)
    gateway.counters.decisions[decision.reason] += 1
    if isinstance(decision, Allow):
        if not gateway.machines.off:
            head.headers[:] = gateway.machines.passing(head.headers, decision.route)
        if gateway.arrivals is not None:
            gateway.arrivals.allowed(session, facts, decision, cookies)
        return await forward(request, decision, session, cookies)
    if isinstance(decision, Redirect):
        return await sent_to_sign_in(request, decision, session, cookies)
    return answer(request, decision)
