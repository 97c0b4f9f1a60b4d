"""Keeps a form whose sender has to sign in first: reads it within bounds, and lets it travel with the redirect to the sign-in page.

Only what a page of our own sent in a person's browser is kept: a form of another site is as unwelcome after the sign-in as before it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import quote

from aiohttp import web

from gateway.core.decision import Redirect
from gateway.core.identity import Session
from gateway.core.reason import Reason
from gateway.core.return_to import safe_return
from gateway.sessions.cookie_header import LARGEST_COOKIE, CookieHeader, set_cookie_line
from gateway.web.answers import answer
from gateway.web.auth.cross_site import is_cross_site
from gateway.web.auth.kept_form import KeptForm, fields_of
from gateway.web.body import BodyRefused, connection_of, pieces
from gateway.web.log import event
from gateway.web.side_cookie import KEPT_FORM, csrf_of
from gateway.web.state import FACTS, GATEWAY, REQUEST_ID, Gateway

log = logging.getLogger(__name__)
_TYPES = (b"application/x-www-form-urlencoded", b"application/x-www-form-urlencoded;charset=utf-8")
#: What common servers in front take for one header line, and what of it our further cookies need.
_MOST_COOKIES, _OTHERS = 8 * 1024, 1024


async def sent_to_sign_in(
    request: web.BaseRequest, decision: Redirect, session: Session | Reason | None, cookies: CookieHeader
) -> web.StreamResponse:
    """The redirect to the sign-in page; a form that can be kept goes along in a cookie, and its id in the address."""
    lines: tuple[str, ...] = ()
    if request[FACTS].method == "POST" and _may_be_kept(request, decision):
        body = await _read(request)
        kept = KeptForm(
            host=request[FACTS].host,
            target=request[FACTS].target.raw,
            body=body.decode("ascii") if fields_of(body) is not None else "",
            user=session.user.id if isinstance(session, Session) else None,
        )
        lines = _lines(request[GATEWAY], kept, cookies) if kept.body else ()
        event(log, "form-kept" if lines else "form-not-kept", bytes=len(body), request=request[REQUEST_ID])
        if lines:
            mark = "&" if "?" in decision.location else "?"
            decision = replace(decision, location=f"{decision.location}{mark}kept={quote(kept.id, safe='')}")
    response = answer(request, decision)
    for line in lines:
        response.headers.add("Set-Cookie", line)
    return response


def _may_be_kept(request: web.BaseRequest, decision: Redirect) -> bool:
    gateway, facts, head = request[GATEWAY], request[FACTS], connection_of(request).head
    assert head is not None
    said: dict[bytes, list[bytes]] = {}
    for name, value in head.headers:
        said.setdefault(name.lower(), []).append(value)
    types = [value.replace(b" ", b"").lower() for value in said.get(b"content-type", [])]
    origin = gateway.policy.hosts.origin(facts.host)
    target = safe_return(facts.target.raw, own_origin=origin, hosts=gateway.policy.hosts)
    return (
        0 < (head.length or 0) <= gateway.settings.limits.kept_form
        and not head.expects_continue
        and not (decision.route is not None and decision.route.api)
        and gateway.settings.pages.sign_in is None  # a page of somebody else's would not carry it on
        and len(types) == 1
        and types[0] in _TYPES
        and not said.get(b"content-encoding")
        and _from_our_page(_texts(said.get(b"origin", [])), _texts(said.get(b"sec-fetch-site", [])), origin)
        and target.refused is None
        and target.location == facts.target.raw
    )


def _texts(values: Sequence[bytes]) -> list[str]:
    return [value.decode("latin-1") for value in values]


def _from_our_page(origins: Sequence[str], fetch_sites: Sequence[str], own: str) -> bool:
    """True if the browser says so; silence is not enough here, as no csrf token stands beside it."""
    says_so = list(fetch_sites) == ["same-origin"] or list(origins) == [own]
    return says_so and not is_cross_site(origins=origins, fetch_sites=fetch_sites, own_origin=own)


async def _read(request: web.BaseRequest) -> bytes:
    """The body; empty if it does not come whole and in time."""
    limits = request[GATEWAY].settings.limits
    in_all_s = limits.sign_in_body_timeout.total_seconds()
    body = bytearray()
    try:
        async with asyncio.timeout(in_all_s):
            async for piece in pieces(request, limit=limits.kept_form, idle_s=in_all_s, invite=False):
                body += piece
    except (BodyRefused, TimeoutError):
        return b""
    return bytes(body)


def _lines(gateway: Gateway, kept: KeptForm, cookies: CookieHeader) -> tuple[str, ...]:
    """The Set-Cookie values; none if the browser would not keep it, or could not send it back beside its other cookies."""
    more: tuple[str, ...] = ()
    csrf = csrf_of(gateway, cookies)
    if csrf is None:
        csrf, value = gateway.csrf.issue()
        more = (set_cookie_line(gateway.sessions.names.csrf, value, secure=gateway.policy.hosts.scheme == "https"),)
    line = KEPT_FORM.line(gateway, kept.sealed_text(), csrf=csrf, now=gateway.clock())
    size = len(line.partition(";")[0])
    return (*more, line) if size <= LARGEST_COOKIE and size + cookies.size + _OTHERS <= _MOST_COOKIES else ()
