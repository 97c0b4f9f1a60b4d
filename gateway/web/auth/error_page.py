"""`GET error`: a page for a code in the address, the operator's own page, or the sign-in page, whichever the flavour leads to."""

from __future__ import annotations

from aiohttp import web

from gateway.web.auth.messages import CREDENTIALS_SIGNIN, of_public_code, on_error_page
from gateway.web.auth.reply import custom_page, go_to, with_query
from gateway.web.auth.visit import Visit
from gateway.web.flows.notes import why_link
from gateway.web.pages import page


async def error(request: web.Request, visit: Visit) -> web.StreamResponse:
    """Show it."""
    code = visit.query.get("error")
    if code in visit.flavour.sign_in_codes:
        return go_to(request, visit, with_query("/api/auth/signin", {"error": code}), None)
    custom = custom_page(visit, "error")
    if custom is not None:
        return go_to(request, visit, with_query(custom, {"error": code} if code else {}), None)
    if visit.flavour.own_error_page and of_public_code(code, visit.gateway.settings.providers) is not None:
        # Where clients of v4 go with it (`Flavour.coded`); its words stand above the form.
        return go_to(request, visit, with_query("/api/auth/signin", {"error": CREDENTIALS_SIGNIN, "code": code or ""}), None)
    words, status, reason = on_error_page(code, folds_case=visit.flavour.folds_case)
    return page(
        request,
        "error.html",
        status=status,
        words=words,
        code=status,
        reason=reason,
        request_id=visit.request_id,
        why=why_link(request, coded=False),
    )
