"""Name and password with every request: the providers of the sign-in page, its limits, and a short memory, so that a hash is paid seldom.

A pair that was right is remembered in this process for a minute, by a keyed hash of it; a wrong one never is. A reload forgets all of them.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import secrets
import uuid
from collections.abc import Awaitable, Callable, Container, Mapping
from datetime import datetime

from gateway.callbacks.module import Callbacks
from gateway.core.credentials import Means, Shown
from gateway.core.errors import HashingBusy, ProviderUnavailable
from gateway.core.identity import Session
from gateway.core.lifetime import Lifetime
from gateway.core.reason import Reason
from gateway.providers.accounts import NAME_KEY, PASSWORD_KEY
from gateway.providers.base import Accepted, Credentials, Rejected
from gateway.providers.chain import Chain
from gateway.settings.sections.limits import LimitSettings
from gateway.web.auth.attempts import Attempts
from gateway.web.log import event
from gateway.web.machines.memo import Fresh, Memo
from gateway.web.machines.sent import login_in
from gateway.web.machines.session import session_for

log = logging.getLogger(__name__)
KEPT_S = 60.0
FIELDS = frozenset({NAME_KEY, PASSWORD_KEY})


class BasicLogins:
    """See the module's docstring.

    Args:
        attempts: Recent failures, the same as for the sign-in page.
        sleep: Waits a number of seconds.
    """

    def __init__(
        self, chain: Chain, callbacks: Callbacks, attempts: Attempts, limits: LimitSettings, *, lifetime: Lifetime,
        clock: Callable[[], datetime], sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:  # fmt: skip
        self._chain = chain
        self._callbacks = callbacks
        self._attempts = attempts
        self._limits = limits
        self._lifetime = lifetime
        self._clock = clock
        self._sleep = sleep
        self._key = secrets.token_bytes(32)
        self._memo: Memo[Shown] = Memo()
        # As many providers may be asked by a name and a password as have a form of just these; the first one's id stands for all.
        self._provider = next((one.id for one in chain.providers if {field.key for field in one.fields} == FIELDS), None)

    async def shown(self, value: str | None, *, client: str, headers: Mapping[str, str]) -> Shown:
        """What a credential comes to.

        Args:
            client: The address that failures are counted by.
            headers: The request's, for `authorize()` of Python.
        """
        login = None if value is None else login_in(value)
        if login is None or self._provider is None:
            return _no(Reason.AUTHORIZATION_MALFORMED)
        name, password = login
        limits, provider = self._limits, self._provider
        if len(name.encode()) > limits.user_name or len(password.encode()) > limits.password:
            return _no(Reason.CREDENTIALS_WRONG)  # longer than anybody's: not hashed (promise 47)
        key = hmac.new(self._key, f"{len(name)}:{name}:{password}".encode(), hashlib.sha256).digest()
        return await self._memo.get(key, lambda: self._try(provider, name, password, client, headers))

    def forget(self, sign_in_ids: Container[str]) -> None:
        """Forget those that were ended."""
        self._memo.forget(lambda shown: isinstance(shown.held, Session) and shown.held.sign_in_id in sign_in_ids)

    async def _try(self, provider: str, name: str, password: str, client: str, headers: Mapping[str, str]) -> Fresh[Shown]:
        """Ask the providers, within the limits on failures; as `web/auth/callback.py` does for the form."""
        account = self._attempts.account_key(provider, name)
        async with self._attempts.turn(client, self._limits) as turn:
            if turn.refused:
                _log_failure(Reason.SIGN_IN_BUSY if turn.busy else Reason.SIGN_IN_LIMITED, provider, account, client)
                return _no(Reason.SIGN_IN_BUSY if turn.busy else Reason.SIGN_IN_LIMITED, retry_after_s=turn.retry_after_s), 0.0
            turn.failed = True
            if delay := await self._attempts.delay_of(account, self._limits):
                await self._sleep(delay)
            fields = {NAME_KEY: name, PASSWORD_KEY: password}
            try:
                answer = await self._chain.authorize(provider, Credentials(fields=fields, client=client, headers=headers))
            except ProviderUnavailable as error:
                turn.failed = False
                event(log, "sign-in-unavailable", level=logging.ERROR, provider=error.provider, why=error.why, means="basic")
                return _no(Reason.SIGN_IN_BUSY if isinstance(error, HashingBusy) else Reason.PROVIDER_UNAVAILABLE), 0.0
            turn.failed = not isinstance(answer, Accepted)
            if not isinstance(answer, Accepted):
                self._attempts.account_failed(account, self._limits)
                why = answer.why if isinstance(answer, Rejected) else None
                _log_failure(Reason.CREDENTIALS_WRONG, provider, account, client, why=why)
                return _no(Reason.CREDENTIALS_WRONG), 0.0
        return await self._welcome(answer, fields, client)

    async def _welcome(self, accepted: Accepted, fields: Mapping[str, str], client: str) -> Fresh[Shown]:
        now = self._clock().replace(microsecond=0)
        held = await session_for(
            self._callbacks, accepted.user, provider=accepted.provider, type="basic", ids=(str(uuid.uuid4()), str(uuid.uuid4())),
            now=now, ends=self._lifetime.expiry(now, now=now), posted=fields,
        )  # fmt: skip
        refused = held if isinstance(held, Reason) else None
        event(log, "password-accepted", user=accepted.user.id, provider=accepted.provider, client=client, refused=refused)
        return Shown(means=Means.BASIC, held=held), 0.0 if refused else KEPT_S


def _no(reason: Reason, *, retry_after_s: int | None = None) -> Shown:
    return Shown(means=Means.BASIC, held=reason, retry_after_s=retry_after_s)


def _log_failure(reason: Reason, provider: str, account: str, client: str, *, why: str | None = None) -> None:
    event(
        log, "sign-in-failed", level=logging.WARNING, reason=reason, provider=provider, account=account, why=why, client=client,
        means="basic",
    )  # fmt: skip
