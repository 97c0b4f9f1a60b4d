"""`POST callback/ID`: from posted fields to a session. Every answer to a wrong sign-in is the same, whatever was wrong (promise 45)."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from aiohttp import web

from gateway.core.errors import HashingBusy, ProviderUnavailable
from gateway.core.reason import Reason
from gateway.providers.base import Accepted, Answer, Credentials, NotMine, Provider, Rejected
from gateway.sessions.flavour import Refusal
from gateway.web.auth import return_target
from gateway.web.auth.attempts import Attempts
from gateway.web.auth.filled import Filled, seal_filled
from gateway.web.auth.form import Form, form_of
from gateway.web.auth.loop_breaker import broken_at_post, broken_by_http, lost_now
from gateway.web.auth.messages import CREDENTIALS_SIGNIN
from gateway.web.auth.posted import Refused, read_post
from gateway.web.auth.reply import custom_page, fail, refuse
from gateway.web.auth.return_target import Candidates, TabState
from gateway.web.auth.visit import Visit
from gateway.web.auth.welcome import welcome
from gateway.web.log import event

log = logging.getLogger(__name__)
_UNAVAILABLE_RETRY_S = 5
_BUSY_S = 1.0
#: A form is shown again at once, in either flavour, with what an error page could not carry along.
_TO_THE_FORM = Refusal(page="signin", query=(("error", CREDENTIALS_SIGNIN), ("code", "{code}")))


class Callback:
    """The action.

    Args:
        attempts: Recent failures.
        sleep: Waits a number of seconds.
    """

    def __init__(self, attempts: Attempts, *, sleep: Callable[[float], Awaitable[None]]) -> None:
        self._attempts = attempts
        self._sleep = sleep

    async def __call__(self, request: web.Request, visit: Visit) -> web.StreamResponse:
        """Sign in, or say why not."""
        provider = _provider(visit)
        if provider is None:
            return fail(request, visit, Reason.PROVIDER_UNKNOWN, 404)
        posted = await read_post(request, visit)
        visit.trace.read(provider, posted.reason if isinstance(posted, Refused) else None)
        if isinstance(posted, Refused):
            _log_refusal(visit, provider, posted.reason)
            circle = broken_by_http(request, visit) if posted.reason is Reason.CROSS_SITE else None
            return circle or fail(request, visit, posted.reason, posted.status)
        fits = visit.csrf_holds(posted)
        visit.trace.csrf(fits)
        if not fits:
            _log_refusal(visit, provider, Reason.CSRF_MISMATCH)
            if (circle := broken_at_post(request, visit, posted)) is not None:
                return circle
            tab = replace(return_target.tab_of(visit, posted), lost_at=int(visit.now.timestamp()) if lost_now(visit) else 0)
            kept = _kept_target(visit, return_target.candidates(visit, posted), tab)
            return refuse(request, visit, visit.flavour.missing_csrf["callback"], Reason.CSRF_MISMATCH, also=kept)
        asked = await return_target.asked_for(visit, posted)
        answer = await self._attempt(request, visit, provider, posted)
        if isinstance(answer, web.Response):
            if answer.headers.get("X-Gateway-Reason") == Reason.SIGN_IN_BUSY:
                await self._sleep(_BUSY_S)  # who asks again without pause would take the time of everybody else
            return answer
        if isinstance(answer, Accepted):
            return await welcome(request, visit, answer, posted, asked)
        return _back_to_form(request, visit, provider, posted, answer, asked)

    async def _attempt(self, request: web.Request, visit: Visit, provider: Provider, posted: Mapping[str, str]) -> Answer | web.Response:
        """Ask the providers, within the limits on failures; a response if there was no asking, or no answer."""
        limits = visit.gateway.settings.limits
        form = form_of(provider)
        account = self._attempts.account_key(provider.id, posted.get(form.account or "", ""))
        async with self._attempts.turn(visit.facts.client, limits) as turn:
            if turn.refused:
                reason = Reason.SIGN_IN_BUSY if turn.busy else Reason.SIGN_IN_LIMITED
                visit.trace.limits(reason)
                _log_refusal(visit, provider, reason, account=account)
                retry = {"Retry-After": str(turn.retry_after_s or 1)}
                return fail(request, visit, reason, 503 if turn.busy else 429, headers=retry)
            # Until the answer is there it counts as a failure: who leaves early has made the gateway work all the same.
            turn.failed = True
            delay = await self._attempts.delay_of(account, limits)
            if delay:
                event(log, "sign-in-delayed", account=account, seconds=delay, client=visit.facts.client, request=visit.request_id)
                await self._sleep(delay)
            visit.trace.limits(None, delay)
            try:
                answer = await _authorize(request, visit, provider, posted, form)
            except ProviderUnavailable as error:
                turn.failed = False
                visit.trace.unavailable(
                    provider, error, Reason.SIGN_IN_BUSY if isinstance(error, HashingBusy) else Reason.PROVIDER_UNAVAILABLE
                )
                return _unavailable(request, visit, error)
            visit.trace.authorized(provider, answer)
            turn.failed = not isinstance(answer, Accepted)
            if not isinstance(answer, Accepted):
                self._attempts.account_failed(account, limits)
                why = "no provider knows whose these are" if isinstance(answer, NotMine) else answer.why
                _log_refusal(visit, provider, Reason.CREDENTIALS_WRONG, account=account, why=why)
            return answer


async def _authorize(request: web.Request, visit: Visit, provider: Provider, posted: Mapping[str, str], form: Form) -> Answer:
    limits = visit.gateway.settings.limits
    for entry in form.inputs:
        # Longer than anybody's: refused before hashing (promise 47), with the answer that a wrong one gets.
        limit = limits.password if entry.type == "password" else limits.user_name
        if len(posted.get(entry.key, "").encode("utf-8")) > limit:
            return NotMine()
    credentials = Credentials(
        fields=posted,
        client=visit.facts.client,
        url=visit.absolute(visit.facts.target.raw),
        headers={name.lower(): value for name, value in request.headers.items()},
        query=visit.query,
    )
    return await visit.gateway.chain.authorize(provider.id, credentials)


def _back_to_form(
    request: web.Request, visit: Visit, provider: Provider, posted: Mapping[str, str], answer: Answer, asked: Candidates
) -> web.Response:
    code = answer.code if isinstance(answer, Rejected) else ""
    fill = {"provider": provider.id, "code": code or "credentials"}
    kept = _kept_target(visit, asked, return_target.tab_of(visit, posted))
    if visit.asks_for_json:
        refusal = visit.flavour.coded if code else visit.flavour.wrong_credentials
        return refuse(request, visit, refusal, Reason.CREDENTIALS_WRONG, fill=fill)
    name = posted.get(form_of(provider).account or "")
    if name is not None and len(name.encode("utf-8")) > visit.gateway.settings.limits.user_name:
        name = None
    also = kept | {"filled": seal_filled(visit, posted["csrfToken"], Filled(provider.id, name))}
    return refuse(request, visit, _TO_THE_FORM, Reason.CREDENTIALS_WRONG, fill=fill, also=also)


def _kept_target(visit: Visit, asked: Candidates, tab: TabState) -> dict[str, str]:
    """The target of this tab must survive the way back to the form, so it goes along, sealed anew; without a form of ours, in the cookie."""
    location = return_target.target(visit, asked)
    if not visit.asks_for_json and custom_page(visit, "signin") is None:
        return {"returnTo": return_target.seal(visit, location, tab)}
    if location is not None:
        visit.remember_callback_url(location)
    return {}


def _provider(visit: Visit) -> Provider | None:
    asked = visit.facts.target.path.rpartition("/")[2]
    return next((provider for provider in visit.gateway.chain.providers if provider.id == asked), None)


def _unavailable(request: web.Request, visit: Visit, error: ProviderUnavailable) -> web.Response:
    """No answer is no "wrong password": the same page for everybody, and not counted as a failure."""
    busy = isinstance(error, HashingBusy)
    reason = Reason.SIGN_IN_BUSY if busy else Reason.PROVIDER_UNAVAILABLE
    event(log, "sign-in-unavailable", level=logging.ERROR, reason=reason, provider=error.provider, why=error.why, request=visit.request_id)
    retry_after = error.retry_after if isinstance(error, HashingBusy) else _UNAVAILABLE_RETRY_S
    return fail(request, visit, reason, 503, headers={"Retry-After": str(retry_after)})


def _log_refusal(visit: Visit, provider: Provider, reason: Reason, *, account: str | None = None, why: str | None = None) -> None:
    event(
        log,
        "sign-in-failed",
        level=logging.WARNING,
        reason=reason,
        provider=provider.id,
        account=account,
        why=why,
        client=visit.facts.client,
        request=visit.request_id,
    )
