"""From a user to a session that lasts for the request alone: what the callbacks make of it, as at a sign-in, and no cookie."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from gateway.callbacks.module import CallbackFailed, Callbacks
from gateway.callbacks.protocol import Account
from gateway.core.identity import Session, User
from gateway.core.reason import Reason
from gateway.web.auth.welcome import claims_of_user
from gateway.web.renewal import with_claims


async def session_for(
    callbacks: Callbacks, user: User, *, provider: str, type: str, ids: tuple[str, str], now: datetime, ends: datetime,
    posted: Mapping[str, str],
) -> Session | Reason:  # fmt: skip
    """A session, or why the callbacks let nobody in. `sign_in` and `jwt` are asked as at a sign-in; no event is told.

    Args:
        type: What `account["type"]` says: `bearer` or `basic`.
        ids: The session's own id, and that of what it comes from.
        ends: When it is over.
        posted: What `sign_in` gets as `credentials`.
    """
    account = Account(provider=provider, type=type, providerAccountId=user.id)
    session = Session(
        user=user, token_id=ids[0], sign_in_id=ids[1], signed_in_at=now, issued_at=now, expires_at=ends, provider=provider
    )  # fmt: skip
    try:
        if "sign_in" in callbacks and (
            await callbacks.ask("sign_in", user=claims_of_user(user), account=account, credentials=dict(posted)) is not True
        ):
            return Reason.SIGN_IN_DENIED
        if "jwt" not in callbacks:
            return session
        made = await with_claims(callbacks, session, user=claims_of_user(user), account=account, trigger="signIn", session=None)
    except CallbackFailed:
        return Reason.CALLBACK_FAILED
    return Reason.SESSION_ENDED if made is None else made
