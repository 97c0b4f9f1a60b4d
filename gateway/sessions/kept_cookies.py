"""Sessions that live in the store: the cookie holds an id that means nothing to anybody else (`session.strategy = "server"`).

The id is 256 random bits and a code over them, made with the secrets: what we did not hand out is refused without asking the store, and
removing a secret ends its sessions, as it does where they live in cookies. The store knows a hash of the bits.

Both lanes read without waiting, so a session is read from memory here, where it is good for a few seconds. Whoever can wait calls `load`
first. What memory does not hold can't be said: that is `session-store-unavailable`, and never a yes. Sign-outs are not waited for: they
come by `revocation.py`, as for all other sessions.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from datetime import datetime

from gateway.core.identity import Session
from gateway.core.lifetime import Lifetime
from gateway.core.reason import Reason
from gateway.sessions import base64url
from gateway.sessions.chunks import token_in
from gateway.sessions.codec import claims_of, session_of
from gateway.sessions.cookie_header import CookieHeader, set_cookie_line
from gateway.sessions.cookies import SessionCookies
from gateway.sessions.errors import SessionTooLarge
from gateway.sessions.flavour import AUTHJS_V5, Flavour
from gateway.sessions.keys import KeyRing
from gateway.sessions.register import Kept
from gateway.sessions.revocation import Revocations
from gateway.sessions.sign_ins import SignIns
from gateway.sessions.token import MAX_TOKEN, TokenCodec, looks_like_an_id
from gateway.store.errors import StoreAway

_RANDOM, _CODE = 32, 16
_INFO = "auth-gateway session id"
#: A session that was read so long ago is asked for again by whoever can wait, and not used any more when it is a little older.
REFRESH_S = 2.0
FRESH_S = 3.0
_MOST = 16_384
_Found = tuple[Session | Reason, float]


class KeptSessionCookies(SessionCookies):
    """See the module's docstring, and `SessionCookies` for what is not said here.

    Args:
        sign_ins: Where sessions are kept.
        seconds: A clock that is never set.
    """

    def __init__(
        self,
        keys: KeyRing,
        *,
        secure: bool,
        lifetime: Lifetime,
        sign_ins: SignIns,
        revocations: Revocations,
        flavour: Flavour = AUTHJS_V5,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(keys, secure=secure, lifetime=lifetime, flavour=flavour, revocations=revocations, sign_ins=sign_ins)
        self._store = sign_ins
        self._seconds = seconds
        self._known_revocations = revocations
        # Keys of their own: what lies in the store is never good as a cookie, nor the other way round.
        self._codec = TokenCodec(keys, f"{self.names.session} in the store", flavour=flavour)
        self._codes = keys.derive(info=_INFO, salt=self.names.session, length=32)
        self._found: dict[str, _Found] = {}
        self._asked: dict[str, asyncio.Task[None]] = {}
        self._unsaved: dict[str, Kept] = {}

    async def load(self, cookies: CookieHeader) -> None:
        """Ask the store for the session of these cookies, unless it was asked a moment ago. Never raises."""
        key = self._key_in(cookies)
        if key is None:
            return
        found = self._found.get(key)
        if found is not None and self._seconds() - found[1] < REFRESH_S:
            return
        if self._known_revocations.refusal("") is Reason.SESSION_STORE_UNAVAILABLE:
            return  # nobody shall wait for what is not there
        task = self._asked.get(key)
        if task is None:
            task = self._asked[key] = asyncio.get_running_loop().create_task(self._ask(key))
        await asyncio.shield(task)  # others may wait for the same answer

    async def latest(self, cookies: CookieHeader, session: Session) -> Session | Reason | None:
        """See `SessionCookies.latest`. If the store does not say, it is what was known: then it takes no change either."""
        key = self._key_in(cookies)
        if key is None:
            return session
        await self._ask(key)
        return self.read(cookies)

    def read_signed_out(self, cookies: CookieHeader) -> Session | Reason | None:
        """See `SessionCookies.read_signed_out`; `load` first."""
        if token_in(cookies, self.names.session, chunk=self.flavour.chunk) is None:
            return None
        key = self._key_in(cookies)
        if key is None:
            return Reason.SESSION_UNREADABLE
        found = self._found.get(key)
        return Reason.SESSION_STORE_UNAVAILABLE if found is None else found[0]

    def read(self, cookies: CookieHeader) -> Session | Reason | None:
        """See `SessionCookies.read`; `load` first, where that can be."""
        key = self._key_in(cookies)
        found = None if key is None else self._found.get(key)
        if found is not None and self._seconds() - found[1] >= FRESH_S:
            return Reason.SESSION_STORE_UNAVAILABLE
        return super().read(cookies)

    def write(self, session: Session, *, now: datetime, carried: CookieHeader | None = None) -> list[str]:
        """See `SessionCookies.write`. `save` has to follow; a session without a cookie that is its own gets a new id.

        Raises:
            SessionTooLarge: It is larger than any session may be.
            SessionUnwritable: Its claims are not JSON.
        """
        if session.expires_at <= now:
            return self.clear()
        token = self._codec.seal(claims_of(session))
        if len(token) > MAX_TOKEN:
            raise SessionTooLarge(size=len(token), limit=MAX_TOKEN)
        bits = self._bits_of(session, carried) or secrets.token_bytes(_RANDOM)
        key = _key(bits)
        self._remember_found(key, session)
        self._unsaved[session.sign_in_id] = Kept(key, token)
        name = self.names.session
        line = set_cookie_line(
            name, base64url.encode(bits + self._code(self._codes[0], bits)), secure=self._secure, expires=session.expires_at
        )
        return [*self._cleared(carried, keep=(name,)), line]

    async def save(self, session: Session, *, address: str = "", browser: str = "", new: bool = False) -> None:
        """See `SessionCookies.save`.

        Raises:
            StoreAway: The store did not take it: there is no such session.
        """
        kept = self._unsaved.pop(session.sign_in_id, None)
        if kept is None:
            return
        try:
            if new:
                await self._store.add(session, address=address, browser=browser, kept=kept)
            else:
                await self._store.renew(session, kept)
        except StoreAway:
            self._found.pop(kept.key, None)
            raise

    def note_renewal(self, session: Session) -> None:
        """See `SessionCookies.note_renewal`."""
        self._store.seen(session, self._unsaved.pop(session.sign_in_id, None))

    async def _ask(self, key: str) -> None:
        try:
            token = await self._store.token(key)
        except StoreAway:
            return  # what is known stays good until it is too old
        finally:
            self._asked.pop(key, None)
        claims = None if token is None else self._codec.open(token)
        session = None if claims is None else session_of(claims)
        if session is not None:
            self._remember_found(key, session)
        else:
            self._remember_found(key, Reason.SESSION_UNKNOWN if token is None else Reason.SESSION_UNREADABLE)

    def _remember_found(self, key: str, found: Session | Reason) -> None:
        self._found.pop(key, None)  # so that the order is that of the asking
        if len(self._found) >= _MOST:
            for oldest in list(self._found)[: _MOST // 8]:
                del self._found[oldest]
        self._found[key] = found, self._seconds()

    def _bits_of(self, session: Session, carried: CookieHeader | None) -> bytes | None:
        """The bits of the cookie that a session came with; None if it came with none, or is not the one of that cookie."""
        bits = None if carried is None else self._bits_in(carried)
        if bits is None:
            return None
        found = self._found.get(_key(bits))
        return bits if found is not None and isinstance(found[0], Session) and found[0].sign_in_id == session.sign_in_id else None

    def _key_in(self, cookies: CookieHeader) -> str | None:
        bits = self._bits_in(cookies)
        return None if bits is None else _key(bits)

    def _bits_in(self, cookies: CookieHeader) -> bytes | None:
        """The random bits of an id that we handed out; None for whatever else the cookie holds."""
        value = token_in(cookies, self.names.session, chunk=self.flavour.chunk)
        data = base64url.decode(value) if value is not None and looks_like_an_id(value) else None
        if data is None:
            return None
        bits, code = data[:_RANDOM], data[_RANDOM:]
        return bits if any(hmac.compare_digest(self._code(secret, bits), code) for secret in self._codes) else None

    @staticmethod
    def _code(secret: bytes, bits: bytes) -> bytes:
        return hmac.digest(secret, bits, "sha256")[:_CODE]


def _key(bits: bytes) -> str:
    return hashlib.sha256(bits).hexdigest()
