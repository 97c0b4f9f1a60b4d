"""oauth2-proxy's addresses for browsers: its sign-in and sign-out, with the pages and the checks of `/api/auth/`, and who is signed in.

Its users' proxies hand `/oauth2/` on and nothing else, so everything that a sign-in needs can be reached there.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import re
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlsplit

from aiohttp import web

from gateway.core.host import read_host
from gateway.core.identity import Session
from gateway.core.reason import Reason
from gateway.sessions.codec import claims_of
from gateway.web.auth import return_target
from gateway.web.auth.callback import Callback
from gateway.web.auth.carried_sessions import end_carried
from gateway.web.auth.error_page import error
from gateway.web.auth.reply import fail, go_to
from gateway.web.auth.sign_in_page import SignInPage
from gateway.web.auth.sign_out import sign_out, sign_out_page
from gateway.web.auth.visit import Visit
from gateway.web.body import connection_of
from gateway.web.log import event
from gateway.web.pages import data, error_page
from gateway.web.side_cookie import KEPT_FORM, TRAIL
from gateway.web.state import FACTS, GATEWAY

log = logging.getLogger(__name__)
ROOM = "/oauth2"
#: Its name of an address → ours.
_NAMES = {"sign_in": "signin", "start": "signin", "sign_out": "signout", "error": "error"}
_OURS = re.compile(r'(?P<quote>"?)/api/auth/(?P<name>signin|signout|error|callback/[a-z0-9_-]*)(?=["?#]|\Z)')
_THEIRS = {ours: theirs for theirs, ours in reversed(_NAMES.items())}
_READS = ("GET", "HEAD")


async def browse(request: web.Request) -> web.StreamResponse:
    """Answer an address of `/oauth2/` that is for browsers."""
    request[FACTS] = replace(request[FACTS], client=_client(request))
    target, method = request[FACTS].target, request[FACTS].method
    if target.readings != (target.path,):
        return error_page(request, Reason.PATH_AMBIGUOUS, 400)
    name = target.path.removeprefix(f"{ROOM}/") if target.path.startswith(f"{ROOM}/") else ""
    if name == "userinfo" and method in _READS:
        return _userinfo(request)
    visit = _visit(request)
    if name in ("sign_in", "start") and method in _READS:
        response = await SignInPage()(request, visit)
    elif name.startswith("callback/") and method == "POST":
        response = await _callback(request, visit)
    elif name == "sign_out" and method in _READS:
        response = await (sign_out_page(request, visit) if _from_elsewhere(request) else _sign_out(request, visit))
    elif name == "sign_out" and method == "POST":
        response = await sign_out(request, visit)
    elif name == "error" and method in _READS:
        response = await error(request, visit)
    else:
        return error_page(request, Reason.ACTION_UNKNOWN, 404)
    for line in visit.lines:
        response.headers.add("Set-Cookie", line)
    return _here(response)


async def _callback(request: web.Request, visit: Visit) -> web.StreamResponse:
    return await Callback(visit.gateway.attempts, sleep=asyncio.sleep)(request, visit)


def _client(request: web.Request) -> str:
    """The client's address, by which failed sign-ins are counted.

    Of X-Forwarded-For and X-Real-IP, these users' proxies set one and pass the other on as it came: nginx as oauth2-proxy's documentation
    sets it up sets X-Real-IP alone, Caddy the other. So where they differ neither is believed, and it is the proxy's (promise 46).
    """
    peer, said = connection_of(request).address, request.headers.getall("X-Real-IP", [])
    believed = request[FACTS].client
    if not said or not request[GATEWAY].trusted.covers(peer):
        return believed
    try:
        real = str(ipaddress.ip_address(said[0].strip())) if len(said) == 1 else peer
    except ValueError:
        return peer
    return real if believed == real or "X-Forwarded-For" not in request.headers else peer


def _visit(request: web.Request) -> Visit:
    """The visit, with where it was asked to end in oauth2-proxy's way: `rd`, else what the proxy says was asked for."""
    visit = Visit.of(request)
    asked = visit.query.get("rd") or request.headers.get("X-Auth-Request-Redirect")
    query: Mapping[str, str] = {name: value for name, value in visit.query.items() if name != "callbackUrl"}
    if asked and not _is_here(visit, asked):
        query = {**query, "callbackUrl": asked}
    return replace(visit, query=query)


def _is_here(visit: Visit, asked: str) -> bool:
    """True for an address of this room: a sign-in that ended here would begin again, or end at once."""
    try:
        path = urlsplit(asked).path
    except ValueError:
        return True
    return path == ROOM or path.startswith(f"{ROOM}/")


def _from_elsewhere(request: web.Request) -> bool:
    """What another site links to or loads must sign nobody out, and no picture on a page of ours: who does not come by a link of ours is
    asked first. A sibling subdomain is another site, unless it is a host of ours.
    """
    said = request.headers
    sites, referers = said.getall("Sec-Fetch-Site", []), said.getall("Referer", [])
    if request.method != "GET" or said.get("Sec-Fetch-Mode", "navigate") != "navigate":
        return True
    if sites in (["same-origin"], ["none"]):
        return False
    if sites not in ([], ["same-site"]):
        return True
    # Browsers that stand on plain http don't say the first. Nobody can forge the second in somebody else's browser, but leave it out.
    return len(referers) != 1 or not _is_ours(request, referers[0])


def _is_ours(request: web.Request, referer: str) -> bool:
    hosts = request[GATEWAY].policy.hosts
    scheme, _, rest = referer.partition("://")
    host = read_host(rest.partition("/")[0], scheme=hosts.scheme)
    return scheme == hosts.scheme and host is not None and hosts.covers(host)


async def _sign_out(request: web.Request, visit: Visit) -> web.StreamResponse:
    """oauth2-proxy's answer: the session is over, and the browser goes on to `rd`."""
    gateway = visit.gateway
    ended = await end_carried(visit)
    if ended.unknown:
        return fail(request, visit, Reason.SESSION_STORE_UNAVAILABLE, 503, headers={"Retry-After": "5"})
    for one in ended.sessions:
        await gateway.callbacks.tell("on_sign_out", token=claims_of(one))
    visit.forget_callback_url()
    visit.lines.extend((*gateway.sessions.clear(), *ended.lines))
    for cookie in (TRAIL, KEPT_FORM):  # browsers send them to `/api/auth` alone
        visit.lines.extend(cookie.forget(gateway))
    asked = visit.query.get("callbackUrl")
    judged = return_target.judge(visit, asked, default=gateway.settings.redirects.after_sign_out)
    whose = ended.sessions[0].user.id if ended.sessions else None
    event(log, "sign-out", reason=Reason.SIGNED_OUT, user=whose, client=visit.facts.client, request=visit.request_id)
    return go_to(request, visit, judged.location, Reason.SIGNED_OUT)


def _userinfo(request: web.Request) -> web.StreamResponse:
    held = request[GATEWAY].storage.held(request)
    if not isinstance(held, Session):
        return error_page(request, held or Reason.SESSION_MISSING, 401, as_data=True)
    user = held.user
    told = {"user": user.id, "email": user.email or "", "groups": list(user.groups), "preferredUsername": user.name}
    return data(request, {name: value for name, value in told.items() if value or name in ("user", "email")})


def _here(response: web.StreamResponse) -> web.StreamResponse:
    """Let what leads to the gateway's own addresses lead to this room: forms, links and redirects. Text of others has no bare quotes."""
    if location := response.headers.get("Location"):
        response.headers["Location"] = _OURS.sub(_renamed, location) if location.startswith("/api/auth/") else location
    if isinstance(response, web.Response) and response.content_type == "text/html" and response.text:
        response.text = _OURS.sub(lambda match: _renamed(match) if match["quote"] else match[0], response.text)
    return response


def _renamed(match: re.Match[str]) -> str:
    return f"{match['quote']}{ROOM}/{_THEIRS.get(match['name'], match['name'])}"
