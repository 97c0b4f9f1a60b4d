"""`GET signin`: the forms of all providers, or, for somebody who is signed in, who that is and where to go on."""

from __future__ import annotations

import logging
from dataclasses import replace

from aiohttp import web

from gateway.core.identity import Session
from gateway.web.auth import return_target
from gateway.web.auth.filled import Filled, read_filled
from gateway.web.auth.form import Form, form_of, warn_of_dropped
from gateway.web.auth.kept_form import kept_id, offer_of
from gateway.web.auth.loop_breaker import broken_at_page
from gateway.web.auth.messages import CREDENTIALS_SIGNIN, MISSING_CSRF, SESSION_REQUIRED, of_public_code, on_sign_in
from gateway.web.auth.reply import custom_page, go_to, page_address
from gateway.web.auth.return_target import TabState
from gateway.web.auth.visit import Visit
from gateway.web.auth.visitor import visitor_of
from gateway.web.flows.notes import why_link
from gateway.web.log import event
from gateway.web.pages import page

log = logging.getLogger(__name__)
_SHOWN = 120  # characters of a target on the page


class SignInPage:
    """The page; it remembers which providers it has warned about."""

    def __init__(self) -> None:
        self._warned: set[str] = set()

    async def __call__(self, request: web.Request, visit: Visit) -> web.StreamResponse:
        """Show it."""
        # Cookies in the order of Auth.js: csrf, callback-url, session (contract section 3).
        csrf_token = visit.csrf_token()
        location, tab = await self._settle_target(visit)
        visit.clear_bad_session()
        if (circle := broken_at_page(request, visit)) is not None:
            return circle
        code = visit.query.get("error") or (MISSING_CSRF if visit.query.get("csrf") == "true" else None)
        if custom_page(visit, "signin") is not None:
            return _to_custom_page(request, visit, location, code)
        tab = replace(tab, kept=kept_id(visit) or tab.kept)
        offered = offer_of(visit, tab.kept)
        filled = read_filled(visit, csrf_token)
        return_to = return_target.seal(visit, location, tab)
        visit.trace.page(return_to)
        forms = self._forms(visit, filled)
        return page(
            request,
            "sign_in.html",
            script="sign_in.js",
            field_styles="".join(form.style_rules for form in forms),
            host=visit.facts.host,
            message=self._message(visit, code, filled),
            failed=code not in (None, "", SESSION_REQUIRED, MISSING_CSRF),
            providers=forms,
            csrf_token=csrf_token,
            return_to=return_to,
            target=None if offered else _shown(visit, location),
            kept=offered is not None,
            visitor=visitor_of(visit.session),
            continue_to=offered or _continue_to(visit, visit.session, location),
            why=why_link(request, coded=False) if code == CREDENTIALS_SIGNIN else None,
        )

    @staticmethod
    def _message(visit: Visit, code: str | None, filled: Filled | None) -> str | None:
        """What the page says; a public code of `authorize()` is answered with the words of the configuration, never printed."""
        # Two providers may have words for one code: those of the form that failed come first.
        asked = sorted(visit.gateway.settings.providers, key=lambda provider: filled is None or provider.id != filled.provider)
        said = of_public_code(visit.query.get("code"), asked) if code == CREDENTIALS_SIGNIN else None
        return said if said is not None else on_sign_in(code)

    async def _settle_target(self, visit: Visit) -> tuple[str | None, TabState]:
        """Choose the target of this tab and keep the cookie in step with it; and what the tab carries beside it."""
        asked = await return_target.asked_for(visit)
        tab = return_target.tab_of(visit)
        refusals = list(return_target.refusals(visit, asked))
        for source, refused in refusals:
            event(log, "return-target-refused", reason=refused, source=source, client=visit.facts.client, request=visit.request_id)
        if refusals:
            tab = replace(tab, refused=": ".join(refusals[0]))
        if tab.refused:
            visit.trace.refused(tab.refused)
        location = return_target.target(visit, asked)
        if location is not None:
            visit.remember_callback_url(location)
        elif asked:
            visit.forget_callback_url()
        return location, tab

    def _forms(self, visit: Visit, filled: Filled | None) -> tuple[Form, ...]:
        forms: list[Form] = []
        for position, provider in enumerate(visit.gateway.chain.providers):
            failed = filled is not None and filled.provider == provider.id
            focus = failed if filled is not None else position == 0
            form = form_of(provider, filled=filled.name if filled and failed else None, failed=failed, focus=focus)
            if provider.id not in self._warned:
                self._warned.add(provider.id)
                warn_of_dropped(form)
            forms.append(form)
        return tuple(forms)


def _to_custom_page(request: web.Request, visit: Visit, location: str | None, code: str | None) -> web.StreamResponse:
    """Off to the operator's own page, with what it needs to know (contract section 7)."""
    query = {"callbackUrl": visit.absolute(location) if location else visit.origin}
    query |= {"error": code} if code else {}
    query |= {"code": said} if (said := visit.query.get("code")) else {}
    return go_to(request, visit, page_address(visit, "signin", query), None)


def _shown(visit: Visit, location: str | None) -> str | None:
    if location is None:
        return None
    text = location.removeprefix(visit.origin)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _continue_to(visit: Visit, session: Session | None, location: str | None) -> str:
    if session is None:
        return "/"
    return return_target.destination(
        visit, session.user, session.provider, (("the sign-in form", location),) if location else (), first=False
    ).location
