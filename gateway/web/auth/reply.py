"""The two ways an action ends: a redirect, or JSON with the address for clients that ask so; and the same for what goes wrong."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from aiohttp import web

from gateway.core.reason import Reason
from gateway.web.auth.visit import Visit
from gateway.web.pages import data, error_page
from gateway.web.security_headers import security_headers

_ASKS_FOR_JSON = "X-Auth-Return-Redirect"  # Auth.js v5, any value (contract section 7)


def asks_for_json(request: web.Request) -> bool:
    """True for `next-auth/react`, which follows the address itself."""
    return _ASKS_FOR_JSON in request.headers


def go_to(request: web.Request, visit: Visit, location: str, reason: Reason) -> web.Response:
    """Send the browser to a location that was judged. It is written as it was judged: no library touches it (promise 30)."""
    lines = {"X-Gateway-Reason": reason.value}
    if asks_for_json(request):
        absolute = visit.absolute(location)
        return data(request, {"url": absolute}, headers=lines | {"Location": absolute})
    https = visit.gateway.policy.hosts.scheme == "https"
    return web.Response(status=302, headers=security_headers(https=https) | lines | {"Location": location})


def to_sign_in_page(request: web.Request, visit: Visit, reason: Reason, query: Mapping[str, str]) -> web.Response:
    """Back to the form, with what it should say in the query."""
    return go_to(request, visit, f"/api/auth/signin?{urlencode(query)}", reason)


def fail(request: web.Request, visit: Visit, reason: Reason, status: int, *, headers: Mapping[str, str] | None = None) -> web.Response:
    """Say what went wrong. Clients that read an address from every answer get one that names the reason."""
    further = {"url": visit.absolute(f"/api/auth/error?{urlencode({'error': reason.value})}")} if asks_for_json(request) else None
    return error_page(request, reason, status, headers=headers, further=further)
