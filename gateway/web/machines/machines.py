"""What the guard and forward-auth ask about an `Authorization`: is it for the gateway, whose is it, and may it go on?"""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import replace
from datetime import datetime

from gateway.callbacks.module import Callbacks
from gateway.core.credentials import Means, Shown
from gateway.core.facts import RequestFacts
from gateway.core.identity import Session
from gateway.core.policy import Policy
from gateway.core.reason import Reason
from gateway.core.route_search import route_of
from gateway.core.routes import Access, Route
from gateway.providers.chain import Chain
from gateway.proxy.fields import RawHeaders
from gateway.settings.model import Settings
from gateway.web.auth.attempts import Attempts
from gateway.web.machines.basic import BasicLogins
from gateway.web.machines.bearer import BearerTokens
from gateway.web.machines.sent import Sent, goes_on, sent_in

_AUTHORIZATION = b"authorization"
#: The routes on which somebody is asked who he is.
_ASKING = frozenset({Access.SIGNED_IN, Access.OPTIONAL})


class Machines:
    """See the module's docstring. Where no route takes an Authorization it is `off`, and nobody has to ask.

    Args:
        attempts: Recent failures, the same as for the sign-in page.
        refusal: Says why a session that is remembered is over all the same.
    """

    def __init__(
        self, settings: Settings, policy: Policy, chain: Chain, callbacks: Callbacks, attempts: Attempts, *,
        refusal: Callable[[Session], Reason | None], clock: Callable[[], datetime],
    ) -> None:  # fmt: skip
        self._policy = policy
        self._refusal = refusal
        accepted = frozenset().union(*(route.accepts for route in policy.routes.ordered if route.access in _ASKING))
        self._bearer: BearerTokens | None = None
        self._basic: BasicLogins | None = None
        if Means.BEARER in accepted:
            from gateway.tokens.sql_tokens import SqlTokens  # SQLAlchemy takes longer to import than everything else

            tokens = SqlTokens(settings.store.url)
            self._bearer = BearerTokens(tokens, chain, callbacks, scheme=policy.hosts.scheme, clock=clock)
        if Means.BASIC in accepted:
            self._basic = BasicLogins(chain, callbacks, attempts, settings.limits, lifetime=policy.lifetime, clock=clock)
        self.off = self._bearer is None and self._basic is None

    async def start(self) -> None:
        """Open what is needed.

        Raises:
            ConfigError: It can't work as configured.
        """
        if self._bearer is not None:
            await self._bearer.start()

    async def close(self) -> None:
        """Close it; safe to call twice."""
        if self._bearer is not None:
            await self._bearer.close()

    def forget(self, sign_in_ids: Container[str]) -> None:
        """Forget what was remembered of these (`Revocations.watchers`)."""
        if self._bearer is not None:
            self._bearer.forget(sign_in_ids)
        if self._basic is not None:
            self._basic.forget(sign_in_ids)

    async def shown(self, facts: RequestFacts, headers: RawHeaders) -> Shown | None:
        """What came of the request's Authorization; None if it has none for us, or the route asks nobody."""
        if self.off or not any(name.lower() == _AUTHORIZATION for name, _ in headers):
            return None
        route = route_of(facts, self._policy.routes)
        sent = None if route is None or route.access not in _ASKING else sent_in(headers, route.accepts)
        if sent is None:
            return None
        shown = await self._asked(sent, facts, headers)
        if isinstance(shown.held, Session) and self._refusal(shown.held) is Reason.SESSION_REVOKED:
            # What was remembered is over, with all sessions of the user, say. The credential may be good all the same: it is asked anew.
            self.forget((shown.held.sign_in_id,))
            shown = await self._asked(sent, facts, headers)
        return self._still_good(shown)

    async def _asked(self, sent: Sent, facts: RequestFacts, headers: RawHeaders) -> Shown:
        if sent.means is Means.BEARER and self._bearer is not None:
            return await self._bearer.shown(sent.value, client=facts.client)
        if sent.means is Means.BASIC and self._basic is not None:
            said = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in headers if name.lower() != _AUTHORIZATION}
            return await self._basic.shown(sent.value, client=facts.client, headers=said)
        return Shown(means=sent.means, held=Reason.AUTHORIZATION_MALFORMED)

    def passing(self, headers: RawHeaders, route: Route) -> RawHeaders:
        """The headers without an Authorization that was for the gateway."""
        if self.off:
            return headers
        return [(name, value) for name, value in headers if name.lower() != _AUTHORIZATION or goes_on(value, _taken(route))]

    def _still_good(self, shown: Shown) -> Shown:
        if isinstance(shown.held, Session) and (refusal := self._refusal(shown.held)) is not None:
            revoked = refusal is Reason.SESSION_REVOKED and shown.means is Means.BEARER
            return replace(shown, held=Reason.TOKEN_REVOKED if revoked else refusal)
        return shown


def _taken(route: Route) -> frozenset[Means]:
    return route.accepts if route.access in _ASKING else frozenset()
