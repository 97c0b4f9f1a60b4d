"""`POST signin/ID`: `signIn()` of a provider that is not of credentials would begin here. For one of credentials it leads to the form."""

from __future__ import annotations

from aiohttp import web

from gateway.core.reason import Reason
from gateway.web.auth import return_target
from gateway.web.auth.posted import Refused, read_post
from gateway.web.auth.reply import fail, go_to, page_address, refuse
from gateway.web.auth.visit import Visit


async def sign_in_elsewhere(request: web.Request, visit: Visit) -> web.StreamResponse:
    """Off to the sign-in page; nobody is signed in by it (contract section 7)."""
    posted = await read_post(request, visit)
    if isinstance(posted, Refused):
        return fail(request, visit, posted.reason, posted.status)
    if not visit.csrf_holds(posted):
        return refuse(request, visit, visit.flavour.missing_csrf["signin"], Reason.CSRF_MISMATCH)
    location = return_target.target(visit, await return_target.asked_for(visit, posted))
    if location is not None:
        visit.remember_callback_url(location)
    return go_to(request, visit, page_address(visit, "signin", {}), None)
