"""`GET client.js`: the module for pages that have no Auth.js client. The same bytes for everybody, so a browser may keep them and ask."""

from __future__ import annotations

import hashlib
from importlib import resources

from aiohttp import web

from gateway.web.auth.visit import Visit
from gateway.web.security_headers import security_headers

_SOURCE = (resources.files("gateway.web") / "static" / "client.js").read_bytes()
_TAG = hashlib.sha256(_SOURCE).hexdigest()[:32]


async def client_module(request: web.Request, visit: Visit) -> web.StreamResponse:
    """The module, or 304 if the browser has this very one."""
    lines = security_headers(https=visit.gateway.policy.hosts.scheme == "https")
    # Kept, but never used unasked: after an update of the gateway no page runs yesterday's client.
    lines |= {"Cache-Control": "no-cache", "ETag": f'"{_TAG}"'}
    del lines["Pragma"], lines["Expires"]
    if any(tag.value in (_TAG, "*") for tag in request.if_none_match or ()):
        return web.Response(status=304, headers=lines)
    return web.Response(body=_SOURCE, content_type="text/javascript", charset="utf-8", headers=lines)
