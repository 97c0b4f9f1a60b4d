"""`/.well-known/jwks.json`: the public keys that upstreams verify assertions with. Public by nature, so any host's name will do."""

from __future__ import annotations

from aiohttp import web

from gateway.core.reason import Reason
from gateway.core.target import Target
from gateway.web.pages import error_page
from gateway.web.state import FACTS, GATEWAY

JWKS_PATH = "/.well-known/jwks.json"
#: Verifiers may keep it for so long; a good one asks again when it meets a key that it does not know.
MAX_AGE_S = 300


def asks_for_keys(request: web.BaseRequest, target: Target) -> bool:
    """True for the page of keys, where there are any; else an app may have one of its own there."""
    return request[GATEWAY].jwks is not None and target.path == JWKS_PATH


def keys_page(request: web.BaseRequest) -> web.StreamResponse:
    """The keys, newest first."""
    if request[FACTS].method not in ("GET", "HEAD"):
        return error_page(request, Reason.METHOD_REFUSED, 405, headers={"Allow": "GET, HEAD"})
    headers = {
        "Cache-Control": f"public, max-age={MAX_AGE_S}",
        "X-Content-Type-Options": "nosniff",
        "X-Gateway-Reason": Reason.OWN_ENDPOINT.value,
    }
    return web.Response(body=request[GATEWAY].jwks, content_type="application/json", headers=headers)
