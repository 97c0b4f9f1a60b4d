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
from gateway.settings.policy import redirect_rules_of

if TYPE_CHECKING:
    from gateway.core.facts import RequestFacts
    from gateway.core.policy import Policy
    from gateway.core.reason import Reason
    from gateway.settings.model import Settings

_NOBODY = User(id="")


def sign_in_from(
    facts: RequestFacts, session: Session | Reason | None, settings: Settings, policy: Policy, *, now: datetime, first: bool | None = None
) -> SignIn | None:
    """What the request would come to for somebody who has to sign in first; None if it would send nobody to the sign-in page.

    Args:
        session: Who asks; their roles and groups decide about the rules.
        first: They have not signed in here yet; None: no rule asks, or nobody can say.
    """
    sent = decide(facts, None, policy, now=now)
    if not isinstance(sent, Redirect):
        return None
    asked = unquote(sent.location.partition("?callbackUrl=")[2])
    of_route = sent.route is not None and sent.route.sign_in_redirect is not None
    source = "sign_in_redirect of the route" if of_route else "the page that was asked for"
    known = isinstance(session, Session)
    user, provider = (session.user, session.provider) if isinstance(session, Session) else (_NOBODY, _only_provider(settings))
    origin = policy.hosts.origin(facts.host)
    limit = settings.limits.callback_url
    destination = after_sign_in(
        ((source, asked if len(asked) <= limit else "/" * 4096),) if asked else (),
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
    return SignIn(whose=user.id if known else None, destination=destination)


def _only_provider(settings: Settings) -> str:
    """The provider that anybody signs in with, if there is but one."""
    return settings.providers[0].id if len(settings.providers) == 1 else ""
