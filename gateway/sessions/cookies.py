"""The session in its cookies: names, reading, renewal, and what is cleared.

What this file decides: which Set-Cookie lines keep the browser's jar in one piece. Which cookies of a request are the session: `chunks.py`.

A session that was signed out since is none, whatever its token says (`revocation.py`): it is asked here, where both lanes read.

Writing clears every other form that could be in the jar. On sign-in and sign-out that is the whole fixed range, whether or not this
request carried it, since an answer to another request may have set it meanwhile. A renewal clears only what its request carried: it
repeats a session of the same size on many answers, and what crosses it is healed by the next one.
"""

from __future__ import annotations

import functools
import uuid
from collections.abc import Container
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import unquote

from gateway.core.identity import Session, User
from gateway.core.lifetime import Lifetime
from gateway.core.reason import Reason
from gateway.sessions import several
from gateway.sessions.chunks import MAX_CHUNKS, SUFFIXES, form_in, token_in
from gateway.sessions.codec import claims_of, session_of
from gateway.sessions.cookie_header import CookieHeader, encode, set_cookie_line
from gateway.sessions.errors import SessionTooLarge, SessionUnwritable
from gateway.sessions.flavour import AUTHJS_V5, Flavour
from gateway.sessions.keys import KeyRing
from gateway.sessions.revocation import Revocations
from gateway.sessions.sign_ins import SignIns
from gateway.sessions.token import TokenCodec

CHUNK = AUTHJS_V5.chunk
_SKEW = timedelta(minutes=1)  # beyond the tolerance: a record that is kept a little longer harms nobody
_MAX_OPENED = 1024  # tokens kept open: about 4 MB at the most; `web.judge` remembers more of less
#: Further cookies of the gateway's own, for its own pages alone; as what stands behind the stem.
SIDE_COOKIES = ("sign-in-trail", "kept-form")
_OWN = frozenset({"csrf-token", "callback-url", *SIDE_COOKIES})
#: Of the flow inspector (`web/flows/tie.py`): browsers send them to `/api/auth` alone, and no upstream sets them either.
_FLOW_COOKIES = ("auth-gateway.flow", "auth-gateway.note")
#: What Python, JavaScript or .NET take from both ends of a name: controls, and every space of Unicode.
_JUNK = "".join(map(chr, (*range(0x21), 0x7F, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200C), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000, 0xFEFF)))


@dataclass(frozen=True, slots=True)
class CookieNames:
    """What our three cookies are called; browsers hold prefixed ones to their attributes (RFC 6265bis 4.1.3)."""

    session: str
    csrf: str
    callback_url: str

    @classmethod
    def of(cls, *, secure: bool, flavour: Flavour = AUTHJS_V5) -> CookieNames:
        """The names for an https public URL, or for a plain one."""
        if secure:
            return cls(f"__Secure-{flavour.session}", f"__Host-{flavour.csrf}", f"__Secure-{flavour.callback_url}")
        return cls(flavour.session, flavour.csrf, flavour.callback_url)


class SessionCookies:
    """Reads and writes sessions.

    Args:
        keys: The key ring.
        secure: True if the public URL is https; it decides the names, and so the keys, and the Secure attribute.
        lifetime: Says when a new token ends and when one is worth renewing. Whether a session has ended is not asked here.
        flavour: Whose names, keys and chunks.
        revocations: Knows which sign-ins were signed out; without it, none was.
        sign_ins: Where sign-ins are written down; without it, nowhere.
    """

    def __init__(
        self,
        keys: KeyRing,
        *,
        secure: bool,
        lifetime: Lifetime,
        flavour: Flavour = AUTHJS_V5,
        revocations: Revocations | None = None,
        sign_ins: SignIns | None = None,
    ) -> None:
        self.names = CookieNames.of(secure=secure, flavour=flavour)
        self.flavour = flavour
        self._secure = secure
        self.lifetime = lifetime
        self._codec = TokenCodec(keys, flavour.salt(self.names.session), flavour=flavour)
        self._revocations = revocations
        self._sign_ins = sign_ins
        # What a token says never changes, so a sealed one is opened once; whether its session lives is asked each time, elsewhere.
        self._opened: dict[str, Session] = {}

    async def load(self, cookies: CookieHeader) -> None:
        """Fetch what `read` needs and cookies don't hold: nothing, where all of a session is in its cookies. Never raises."""

    async def latest(self, cookies: CookieHeader, session: Session) -> Session | Reason | None:
        """The session that is about to be changed, as it is now: another process may have changed it a moment ago.

        Where all of a session is in its cookies, it is what the request brought.
        """
        return session

    def read(self, cookies: CookieHeader) -> Session | Reason | None:
        """The session of a request; None without a session cookie, a reason if there is one that can't be used. Never raises."""
        session = self.read_signed_out(cookies)
        return (self.refusal(session) or session) if isinstance(session, Session) else session

    def refusal(self, session: Session) -> Reason | None:
        """Why a session that reads well is refused all the same: it was signed out, or nobody can say."""
        return None if self._revocations is None else self._revocations.refusal_of(session)

    def read_signed_out(self, cookies: CookieHeader) -> Session | Reason | None:
        """As `read`, without asking whether it was signed out: for the sign-out itself. Never raises."""
        token = token_in(cookies, self.names.session, chunk=self.flavour.chunk)
        if token is None:
            return None
        session = self._opened.get(token)
        if session is None:
            claims = self._codec.open(token)
            session = None if claims is None else session_of(claims)
            if session is None:
                return Reason.SESSION_UNREADABLE
            self._remember(token, session)
        return session

    def new(self, user: User, provider: str, *, now: datetime) -> Session:
        """The session of somebody who has just signed in."""
        now = now.replace(microsecond=0)  # tokens tell whole seconds
        expires_at = self.lifetime.expiry(now, now=now).replace(microsecond=0)
        return Session(
            user=user,
            token_id=_new_id(),
            sign_in_id=_new_id(),
            signed_in_at=now,
            issued_at=now,
            expires_at=expires_at,
            provider=provider,
        )

    def renewed(self, session: Session, *, now: datetime) -> Session:
        """The same sign-in in a new token, its sliding window started anew."""
        now = now.replace(microsecond=0)
        expires_at = self.lifetime.expiry(session.signed_in_at, now=now).replace(microsecond=0)
        return replace(session, token_id=_new_id(), issued_at=now, expires_at=expires_at)

    async def save(self, session: Session, *, address: str = "", browser: str = "", new: bool = False) -> None:
        """Write down what `write` has just made a cookie of.

        Args:
            address, browser: Where the sign-in comes from, if it is new.
            new: It is a sign-in, no renewal.

        Raises:
            StoreAway: It lives in the store, which did not take it.
        """
        if self._sign_ins is None:
            return
        if new:
            await self._sign_ins.add(session, address=address, browser=browser)
        else:
            self._sign_ins.seen(session)

    def note_renewal(self, session: Session) -> None:
        """As `save` for a renewal that nobody can wait for."""
        if self._sign_ins is not None:
            self._sign_ins.seen(session)

    def renewal(self, session: Session, *, now: datetime, carried: CookieHeader) -> list[str]:
        """The Set-Cookie values that a proxied answer carries to keep a session alive; most often none.

        Args:
            session: As the request brought it; one that has ended is not renewed.
            now: The time.
            carried: The cookies of the same request.
        """
        if self.lifetime.end_of(session, now=now) or not self.lifetime.renewal_due(session, now=now):
            return []
        new = self.renewed(session, now=now)
        try:
            lines = self.write(new, now=now, carried=carried)
            self.note_renewal(new)
            return lines
        except SessionUnwritable:
            return []  # a token of another maker, just under the limit: it stays as good as it is, and the answer goes out

    def write(self, session: Session, *, now: datetime, carried: CookieHeader | None = None) -> list[str]:
        """The Set-Cookie values that put a session into the browser: what is cleared, then what is set.

        Args:
            session: From `new` or `renewed`.
            now: The time; a session that has ended is cleared, not set.
            carried: The cookies of the request, to clear only those; without them the whole fixed range is cleared.

        Raises:
            SessionTooLarge: It needs more than four cookies.
            SessionUnwritable: Its claims are not JSON.
        """
        if session.expires_at <= now:
            return self.clear()
        token = self._codec.seal(claims_of(session))
        name = self.names.session
        chunk = self.flavour.chunk
        if len(token) <= chunk:
            values = {name: token}
        elif len(token) <= MAX_CHUNKS * chunk:
            values = {f"{name}.{start // chunk}": token[start : start + chunk] for start in range(0, len(token), chunk)}
        else:
            raise SessionTooLarge(size=len(token), limit=MAX_CHUNKS * chunk)
        set_lines = [set_cookie_line(key, value, secure=self._secure, expires=session.expires_at) for key, value in values.items()]
        return [*self._cleared(carried, keep=values), *set_lines]

    def clear(self, carried: CookieHeader | None = None) -> list[str]:
        """The Set-Cookie values that take the session out of the browser; with `carried`, only the names that it has."""
        return self._cleared(carried)

    def _remember(self, token: str, session: Session) -> None:
        if len(token) > self.flavour.chunk:
            return  # a few large ones would take the room of many
        if len(self._opened) >= _MAX_OPENED:
            for oldest in list(self._opened)[: _MAX_OPENED // 8]:
                del self._opened[oldest]
        self._opened[token] = session

    def carried_in(self, cookies: CookieHeader) -> list[CookieHeader]:
        """Every session that a request carries, each as if it had come alone: first the one that `read` takes. See `several`."""
        return several.carried_in(cookies, self.names.session, chunk=self.flavour.chunk)

    def clear_elsewhere(self, carried: CookieHeader, host: str) -> list[str]:
        """The Set-Cookie values that clear what lies elsewhere than the gateway puts it; most often none. See `several`."""
        return several.clear_elsewhere(carried, self.names.session, host, secure=self._secure)

    def revoked_until(self, session: Session) -> datetime:
        """When the last token that its sign-in can have come to ends by itself."""
        return self.over_at(session.signed_in_at, session.expires_at)

    def over_at(self, signed_in_at: datetime, expires_at: datetime) -> datetime:
        """The same of a sign-in that is only known from a list."""
        return max(expires_at, signed_in_at + self.lifetime.absolute) + self.lifetime.tolerance + _SKEW

    def handed_on(self, cookies: CookieHeader) -> str:
        """The session as an upstream with Auth.js of its own may be told it: the very cookies that were read, and no others.

        Returns:
            A part of a Cookie value; empty without a session cookie.
        """
        name = self.names.session
        sent = cookies.starting_with(name)
        used = form_in(sent, name, chunk=self.flavour.chunk)
        return "; ".join(f"{found}={encode(sent[found])}" for found in used)

    def owns(self, name: str) -> bool:
        """True for a cookie that is the gateway's own affair and never passes to or from an upstream.

        That is every spelling some upstream may read as ours: any prefix, case (ASP.NET ignores it), percent-encoding (older PHP
        decodes it) and space around the name; and whatever starts like the session cookie, as Auth.js joins all of that.
        """
        return _owns(name, self.flavour.stem)

    def _cleared(self, carried: CookieHeader | None, *, keep: Container[str] = ()) -> list[str]:
        name = self.names.session
        if carried is None:
            stale = [name + suffix for suffix in SUFFIXES]
        else:
            stale = [
                found for found in carried.names if found == name or (found.startswith(f"{name}.") and found[len(name) + 1 :].isdecimal())
            ]
        return [set_cookie_line(found, "", secure=self._secure, max_age=0) for found in stale if found not in keep]


def _new_id() -> str:
    return str(uuid.uuid4())


@functools.lru_cache(maxsize=1024)  # clients choose the names, so the memo has an end
def _owns(name: str, stem: str) -> bool:
    folded = unquote(name).strip(_JUNK).lower()
    folded = folded.removeprefix("__secure-").removeprefix("__host-")
    head, _, rest = folded.partition(".")
    return (head == stem and (rest.startswith("session-token") or rest in _OWN)) or folded in _FLOW_COOKIES
