"""Sessions for aiohttp-session, over `SessionCookies`: the mapping a handler sees holds the claims of the token.

What this file decides: that limits are enforced on the gateway's clock (aiohttp-session's own `created` moves at every write), and that
a save works on every kind of answer, by adding Set-Cookie headers (its `set_cookie` would quote values, and streams would lose them).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import aiohttp_session
from aiohttp import hdrs, web

from gateway.core.identity import Session, User
from gateway.core.reason import Reason
from gateway.sessions.clock_drift import ClockDrift
from gateway.sessions.codec import claims_of, session_of
from gateway.sessions.cookie_header import CookieHeader
from gateway.sessions.cookies import SessionCookies
from gateway.sessions.errors import SessionUnwritable

Held = Session | Reason | None
_HELD = web.RequestKey("held_session", tuple[Held])


class TokenSession(aiohttp_session.Session):
    """An aiohttp session that remembers what the cookies held. Its repr shows no claim."""

    def __init__(self, held: Held = None) -> None:
        self.held = held
        if isinstance(held, Session):
            created = int(held.signed_in_at.timestamp())
            super().__init__(held.token_id, data={"created": created, "session": claims_of(held)}, new=False)
        else:
            super().__init__(None, data=None, new=True)

    @property
    def touched(self) -> bool:
        """True if something was put in or taken out since it was loaded or saved."""
        return self._changed

    def saved(self, held: Held) -> None:
        """Note that the answer carries it: aiohttp-session's middleware would send it a second time."""
        self.held = held
        self._changed = False

    def __repr__(self) -> str:
        return f"TokenSession({sorted(self)})"


class TokenStorage(aiohttp_session.AbstractStorage):
    """The storage to hand to `aiohttp_session.setup`.

    Args:
        cookies: Reads and writes the session cookies.
        clock: The time in UTC, aware.
    """

    def __init__(self, cookies: SessionCookies, *, clock: Callable[[], datetime]) -> None:
        # No max_age: aiohttp-session would hold it against the wall clock.
        super().__init__(cookie_name=cookies.names.session)
        self._cookies = cookies
        self._clock = clock
        self._drift = ClockDrift()

    def held(self, request: web.Request) -> Held:
        """What the request's cookies hold: a living session, none, or why it can't be used. Read once a request. Never raises."""
        known = request.get(_HELD)
        if known is None:
            known = request[_HELD] = (self.held_in(CookieHeader.parse(request.headers.getall(hdrs.COOKIE, ()))),)
        return known[0]

    def held_in(self, cookies: CookieHeader) -> Held:
        """What cookies hold, read anew. Never raises."""
        held = self._cookies.read(cookies)
        if not isinstance(held, Session):
            return held
        now = self._clock()
        end = self._cookies.lifetime.end_of(held, now=now)
        if end is Reason.SESSION_FROM_FUTURE:
            self._drift.seen(held, now=now)
        return end or held

    async def load(self, request: web.Request) -> None:
        """Fetch what `held` needs. Never raises."""
        await self._cookies.load(CookieHeader.parse(request.headers.getall(hdrs.COOKIE, ())))

    async def load_session(self, request: web.Request) -> TokenSession:
        """The claims of a living session, or an empty new session. Never raises."""
        if _HELD not in request:
            await self.load(request)
        return TokenSession(self.held(request))

    async def new_session(self) -> TokenSession:
        """An empty session: what the request carried plays no part in it."""
        return TokenSession()

    async def save_session(self, request: web.Request, response: web.StreamResponse, session: aiohttp_session.Session) -> None:
        """Add the Set-Cookie headers to any answer that has not been prepared yet.

        Raises:
            SessionTooLarge: It needs more than four cookies.
            SessionUnwritable: Its mapping describes no session.
            StoreAway: It lives in the store, which did not take it.
            RuntimeError: The head of the answer has been sent.
        """
        if response.prepared:
            raise RuntimeError("the head of the answer has been sent, so no session can be saved with it")
        lines, written = self._written(session)
        if written is not None:
            await self._cookies.save(written, new=session.new)
        for line in lines:
            response.headers.add(hdrs.SET_COOKIE, line)
        if isinstance(session, TokenSession):
            session.saved(self.session_of(session))

    def lines_for(self, session: aiohttp_session.Session) -> list[str]:
        """The Set-Cookie values for a session, for answers that are written by hand. An empty session clears the cookies.

        A new session is written as it is, with what its mapping leaves out filled in: `jti`, `iat`, `exp`, `auth_time`. One that came
        with the request is renewed, so its `jti` is another; the time of its sign-in stays.

        Raises:
            SessionTooLarge, SessionUnwritable: As `save_session`.
        """
        return self._written(session)[0]

    def _written(self, session: aiohttp_session.Session) -> tuple[list[str], Session | None]:
        if session.empty:
            return self._cookies.clear(), None
        now = self._clock()
        found = self._described(session, now=now)
        if found is None:
            raise SessionUnwritable("what was put in the session describes none: sub is missing, or a claim has the wrong type")
        written = found if session.new else self._cookies.renewed(found, now=now)
        return self._cookies.write(written, now=now), written

    def session_of(self, session: aiohttp_session.Session) -> Held:
        """What an aiohttp session stands for: a session, none, or why the cookies that came can't be used."""
        if isinstance(session, TokenSession) and not session.touched:
            return session.held
        return None if session.empty else self._described(session, now=self._clock()) or Reason.SESSION_UNREADABLE

    def _described(self, session: aiohttp_session.Session, *, now: datetime) -> Session | None:
        fresh = claims_of(self._cookies.new(User(id=""), "", now=now))
        return session_of({name: fresh[name] for name in ("auth_time", "iat", "exp", "jti")} | dict(session))


def put(session: aiohttp_session.Session, signed_in: Session) -> None:
    """Fill an aiohttp session, best one from `aiohttp_session.new_session`, with the claims of a sign-in."""
    session.clear()
    session.update(claims_of(signed_in))
