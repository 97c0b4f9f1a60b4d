"""The two ways an action ends: a redirect, or JSON with the address for clients that ask so; and the same for what goes wrong."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, urlencode

from aiohttp import web

from gateway.core.reason import Reason
from gateway.sessions.flavour import Refusal
from gateway.web.auth.visit import Visit
from gateway.web.pages import data, error_page
from gateway.web.security_headers import security_headers


def go_to(
    request: web.Request, visit: Visit, location: str, reason: Reason | None, *, status: int = 200, failed: bool = False
) -> web.Response:
    """Send the browser to a location that was judged. It is written as it was judged: no library touches it (promise 30).

    Args:
        status: Of a JSON answer.
        failed: It tells of an error, so a JSON answer says nothing that a cache or a proxy could follow.
    """
    visit.trace.sent_to(location)
    lines = {"X-Gateway-Reason": reason.value} if reason else {}
    if visit.asks_for_json:
        absolute = visit.absolute(location)
        if visit.flavour.json_location and not failed:
            lines["Location"] = absolute
        return data(request, {"url": absolute}, status=status, headers=lines)
    https = visit.gateway.policy.hosts.scheme == "https"
    return web.Response(status=302, headers=security_headers(https=https) | lines | {"Location": location})


def refuse(
    request: web.Request,
    visit: Visit,
    refusal: Refusal,
    reason: Reason,
    *,
    fill: Mapping[str, str] | None = None,
    also: Mapping[str, str] | None = None,
) -> web.Response:
    """Tell of a refusal in the way of the flavour.

    Args:
        fill: What its query is filled in with.
        also: What else the query holds, for the gateway's own pages.
    """
    query = {key: value.format(**(fill or {})) for key, value in refusal.query}
    return go_to(request, visit, page_address(visit, refusal.page, query, also=also), reason, status=refusal.status, failed=True)


def page_address(visit: Visit, page: str, query: Mapping[str, str], *, also: Mapping[str, str] | None = None) -> str:
    """The address of a page below `/api/auth/`, or of the operator's own in its place.

    Args:
        also: What else the query holds if the page is ours.
    """
    custom = custom_page(visit, page)
    if custom is None or (page == "error" and visit.flavour.own_error_page):
        return with_query(f"/api/auth/{page}", {**query, **(also or {})})
    return with_query(custom, query)


def custom_page(visit: Visit, page: str) -> str | None:
    """The operator's own page in the place of one of ours, if there is one."""
    pages = visit.gateway.settings.pages
    return {"signin": pages.sign_in, "signout": pages.sign_out, "error": pages.error}[page]


def with_query(address: str, query: Mapping[str, str]) -> str:
    """An address with more in its query."""
    if not query:
        return address
    return f"{address}{'&' if '?' in address else '?'}{urlencode(query, quote_via=quote, safe='')}"


def fail(request: web.Request, visit: Visit, reason: Reason, status: int, *, headers: Mapping[str, str] | None = None) -> web.Response:
    """Say what went wrong. Clients that read an address from every answer get one that names the reason."""
    further = {"url": visit.absolute(f"/api/auth/error?{urlencode({'error': reason.value})}")} if visit.asks_for_json else None
    if further is not None:
        return error_page(request, reason, status, headers=headers, further=further, as_data=True)
    return error_page(request, reason, status, headers=headers)
