"""Tokens that the gateway issued: is it one, is it still good, and who is it for today?"""

from __future__ import annotations

import logging
import math
import uuid
from collections.abc import Callable, Container
from datetime import datetime

from gateway.callbacks.module import Callbacks
from gateway.core.credentials import Means, Scope, Shown
from gateway.core.errors import ProviderUnavailable
from gateway.core.identity import Session, User
from gateway.core.reason import Reason
from gateway.providers.attributes import AttributesRefused, user_of
from gateway.providers.chain import Chain
from gateway.tokens.sql_tokens import Issued, SqlTokens, TokensUnavailable
from gateway.tokens.token import digest_of, id_of, is_token
from gateway.web.auth.attempts import SlidingWindow, address_key
from gateway.web.log import event
from gateway.web.machines.memo import Fresh, Memo
from gateway.web.machines.session import session_for

log = logging.getLogger(__name__)
#: For so long a token is taken as it was: a revocation is seen within 5 s on every replica (promise 38).
ROW_S = 3.0
#: For so long its user is: then roles, groups, and whether the account may be used are looked up anew.
USER_S = 30.0
#: So many tokens that nobody issued may one address show within so many seconds; more of them cost no question to the store. Of their own
#: count: a job with a forgotten token must not keep the people of its network from signing in.
STRANGERS, STRANGERS_S = 50, 60.0


class BearerTokens:
    """See the module's docstring.

    Args:
        scheme: The public one, for hosts in scopes.
    """

    def __init__(
        self, tokens: SqlTokens, chain: Chain, callbacks: Callbacks, *, scheme: str, clock: Callable[[], datetime]
    ) -> None:  # fmt: skip
        self._tokens = tokens
        self._chain = chain
        self._callbacks = callbacks
        self._scheme = scheme
        self._clock = clock
        self._rows: Memo[Issued | None] = Memo()
        self._users: Memo[Session | Reason] = Memo()
        self._strangers = SlidingWindow()

    async def start(self) -> None:
        """Open the store.

        Raises:
            ConfigError: It can't be used as configured.
        """
        await self._tokens.start()

    async def close(self) -> None:
        """Close it."""
        await self._tokens.close()

    def forget(self, sign_in_ids: Container[str]) -> None:
        """Forget whose tokens were, where that was ended: it is looked up anew."""
        self._users.forget(lambda held: isinstance(held, Session) and held.sign_in_id in sign_in_ids)

    async def shown(self, token: str | None, *, client: str) -> Shown:
        """What a token comes to.

        Args:
            client: The address that shows it.
        """
        if token is None:
            return Shown(means=Means.BEARER, held=Reason.AUTHORIZATION_MALFORMED)
        if not is_token(token):
            return Shown(means=Means.BEARER, held=Reason.TOKEN_MALFORMED)
        digest, address = digest_of(token), address_key(client)
        if digest.encode() not in self._rows and self._strangers.count(address, within_s=STRANGERS_S) >= STRANGERS:
            free_in_s = math.ceil(self._strangers.free_in_s(address, limit=STRANGERS, within_s=STRANGERS_S))
            return Shown(means=Means.BEARER, held=Reason.SIGN_IN_LIMITED, retry_after_s=max(1, free_in_s))
        try:
            issued = await self._rows.get(digest.encode(), lambda: self._row(digest))
        except TokensUnavailable:
            return Shown(means=Means.BEARER, held=Reason.SESSION_STORE_UNAVAILABLE, what=id_of(digest))
        if issued is None:
            self._strangers.add(address, keep=STRANGERS)
            return Shown(means=Means.BEARER, held=Reason.TOKEN_UNKNOWN, what=id_of(digest))
        held = self._over(issued) or await self._users.get(digest.encode(), lambda: self._whose(issued))
        return Shown(means=Means.BEARER, held=held, scopes=_scopes(issued, self._scheme), what=issued.id)

    def _over(self, issued: Issued) -> Reason | None:
        if issued.revoked_at is not None:
            return Reason.TOKEN_REVOKED
        return Reason.TOKEN_EXPIRED if self._clock() >= issued.expires_at else None

    async def _row(self, digest: str) -> Fresh[Issued | None]:
        issued = await self._tokens.find(digest)
        return issued, 0.0 if issued is None else ROW_S  # strangers choose what is unknown: it takes no room

    async def _whose(self, issued: Issued) -> Fresh[Session | Reason]:
        try:
            user = await self._user(issued)
        except ProviderUnavailable as error:
            event(log, "token-user-unavailable", level=logging.ERROR, token=issued.id, provider=error.provider, why=error.why)
            return Reason.PROVIDER_UNAVAILABLE, 0.0
        if user is None:
            return Reason.TOKEN_USER_MISSING, ROW_S
        held = await session_for(
            self._callbacks, user, provider=issued.provider, type="bearer", ids=(str(uuid.uuid4()), f"token:{issued.id}"),
            now=self._clock().replace(microsecond=0), ends=issued.expires_at, posted={},
        )  # fmt: skip
        event(log, "token-looked-up", token=issued.id, user=user.id, refused=held if isinstance(held, Reason) else None)
        return held, ROW_S if isinstance(held, Reason) else USER_S

    async def _user(self, issued: Issued) -> User | None:
        if issued.provider:
            return await self._chain.find_active(issued.provider, issued.user_id)
        try:
            return user_of(issued.attributes, default_id=issued.user_id)
        except AttributesRefused:
            return None


def _scopes(issued: Issued, scheme: str) -> tuple[Scope, ...]:
    """What the token may be used for; a scope that can't be read any more covers nothing."""
    found = []
    for text in issued.scopes:
        try:
            found.append(Scope.parse(text, scheme=scheme))
        except ValueError:
            found.append(Scope.parse("NOTHING /", scheme=scheme))
    return tuple(found)
