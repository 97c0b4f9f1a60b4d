"""Where a sign-in would end that begins with a request: the same candidates, and the same judge, as when it is really done."""

from __future__ import annotations

import functools
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import unquote

from gateway.cli.explained import SignIn
from gateway.core.decision import Redirect
from gateway.core.identity import Session, User
from gateway.core.page_route import route_of_page
from gateway.core.policy import decide
from gateway.core.return_to import after_sign_in
from gateway.sessions.cookies import CookieNames
from gateway.sessions.flavour import FLAVOURS
from gateway.settings.policy import redirect_rules_of
from gateway.web.auth.addresses import BASE
from gateway.web.auth.visit import read_query

if TYPE_CHECKING:
    from gateway.core.facts import RequestFacts
    from gateway.core.policy import Policy
    from gateway.core.reason import Reason
    from gateway.sessions.cookie_header import CookieHeader
    from gateway.settings.model import Settings

_NOBODY = User(id="")
_PAGE = f"{BASE}/signin"


def sign_in_from(
    facts: RequestFacts,
    cookies: CookieHeader,
    session: Session | Reason | None,
    settings: Settings,
    policy: Policy,
    *,
    now: datetime,
    first: bool | None = None,
) -> SignIn | None:
    """What the request would come to for somebody who has to sign in first; None if it shows nobody the sign-in page.

    Args:
        cookies: What an earlier visit left behind may decide as well.
        session: Who asks; their roles and groups decide about the rules.
        first: They have not signed in here yet; None: no rule asks, or nobody can say.
    """
    asked = _asked_of_page(facts) if is_sign_in_page(facts) else _asked_on_the_way(facts, policy, now)
    if asked is None:
        return None
    names = CookieNames.of(secure=policy.hosts.scheme == "https", flavour=FLAVOURS[settings.session.format])
    left = cookies.first(names.callback_url)
    candidates = [*asked, *([("the callback-url cookie", left)] if left else [])]
    known = isinstance(session, Session)
    user, provider = (session.user, session.provider) if isinstance(session, Session) else (_NOBODY, _only_provider(settings))
    origin = policy.hosts.origin(facts.host)
    limit = settings.limits.callback_url
    destination = after_sign_in(
        [(source, page if len(page) <= limit else "/" * 4096) for source, page in candidates],
        user,
        provider,
        rules=redirect_rules_of(settings),
        default=settings.redirects.after_sign_in,
        first=first,
        own_origin=origin,
        origins=policy.allowed_origins,
        hosts=policy.hosts,
        route_of=functools.partial(route_of_page, routes=policy.routes, own_origin=origin),
    )
    return SignIn(
        whose=user.id if known else None,
        destination=destination,
        rules=redirect_rules_of(settings),
        default=settings.redirects.after_sign_in,
    )


def is_sign_in_page(facts: RequestFacts) -> bool:
    """True for the page with the forms of all providers, or of one."""
    path = facts.target.path
    one = path.removeprefix(f"{_PAGE}/") if path.startswith(f"{_PAGE}/") else ""
    return facts.method in ("GET", "HEAD") and (path == _PAGE or (one != "" and "/" not in one))


def _asked_of_page(facts: RequestFacts) -> list[tuple[str, str]]:
    asked = read_query(facts.target.query).get("callbackUrl")
    return [("callbackUrl in the query", asked)] if asked else []


def _asked_on_the_way(facts: RequestFacts, policy: Policy, now: datetime) -> list[tuple[str, str]] | None:
    """The page that a redirect to the sign-in names; None if there would be none."""
    sent = decide(facts, None, policy, now=now)
    if not isinstance(sent, Redirect):
        return None
    asked = unquote(sent.location.partition("?callbackUrl=")[2])
    of_route = sent.route is not None and sent.route.sign_in_redirect is not None
    return [("sign_in_redirect of the route" if of_route else "the page that was asked for", asked)] if asked else []


def _only_provider(settings: Settings) -> str:
    """The provider that anybody signs in with, if there is but one."""
    return settings.providers[0].id if len(settings.providers) == 1 else ""
