"""What a browser app asks: how can one sign in (`providers`), the token for its own forms (`csrf`); and what it reports (`_log`)."""

from __future__ import annotations

import logging
import re
from urllib.parse import quote

from aiohttp import web

from gateway.web.auth.posted import Refused, read_post
from gateway.web.auth.reply import fail
from gateway.web.auth.visit import Visit
from gateway.web.log import event
from gateway.web.pages import data
from gateway.web.security_headers import security_headers

log = logging.getLogger(__name__)


async def csrf(request: web.Request, visit: Visit) -> web.StreamResponse:
    """`GET csrf`: the token, and its cookie."""
    return data(request, {"csrfToken": visit.csrf_token()})


async def providers(request: web.Request, visit: Visit) -> web.StreamResponse:
    """`GET providers`: all of them by id, in the order of the configuration."""
    listed = {}
    for provider in visit.gateway.chain.providers:
        part = quote(provider.id, safe="")
        listed[provider.id] = {
            "id": provider.id,
            "name": provider.name,
            "type": "credentials",
            "signinUrl": visit.absolute(f"/api/auth/signin/{part}"),
            "callbackUrl": visit.absolute(f"/api/auth/callback/{part}"),
        }
    return data(request, listed)


async def take_report(request: web.Request, visit: Visit) -> web.StreamResponse:
    """`POST _log`: v4 clients report their errors. What they say is anybody's text, so it is counted in the log, not repeated."""
    posted = await read_post(request, visit)
    if isinstance(posted, Refused):
        return fail(request, visit, posted.reason, posted.status)
    event(log, "client-reported", level=logging.DEBUG, code=_code(posted.get("code")), client=visit.facts.client, request=visit.request_id)
    return web.Response(headers=security_headers(https=visit.gateway.policy.hosts.scheme == "https"))


def _code(text: str | None) -> str | None:
    return text if text is not None and re.fullmatch(r"[A-Z_]{1,64}", text) else None
