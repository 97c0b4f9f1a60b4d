"""What is in a session token, and what is wrong with it, in words for an operator who holds the secrets. Never shown to a client."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from gateway.core.identity import Session
from gateway.core.lifetime import Lifetime
from gateway.core.reason import Reason
from gateway.sessions import base64url
from gateway.sessions.codec import session_of
from gateway.sessions.cookies import CookieNames
from gateway.sessions.flavour import FLAVOURS
from gateway.sessions.keys import KeyRing
from gateway.sessions.token import MAX_TOKEN, Fault, Opened, TokenCodec, looks_like_an_id

_HEADER_CHARACTERS = 1024
_AN_ID = 'it is no token but an id, as session.strategy = "server" hands it out: the session is in the store (`gateway sessions list`)'


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """What was found.

    Attributes:
        reason: What the gateway would say: `session-accepted`, or why it would not take the token.
        why: The same in a sentence.
        header: The token's header, as far as it can be read; it is no secret.
        cookie: The cookie name that the token was made for; None if it did not open.
        secret: Which secret it was made with, 1 for the newest; None if it did not open.
        claims: What it says; None if it did not open.
        session: The session that the claims describe, if they do.
    """

    reason: Reason
    why: str
    header: dict[str, object] | None = None
    cookie: str | None = None
    secret: int | None = None
    claims: dict[str, object] | None = None
    session: Session | None = None


def diagnose(token: str, keys: KeyRing, *, lifetime: Lifetime, now: datetime, cookie: str | None = None) -> Diagnosis:
    """Look into a token.

    Args:
        token: As it stands in the cookie, chunks joined.
        keys: The secrets to try.
        lifetime: The limits to hold its age against.
        now: The time.
        cookie: The name of the cookie it came in, or that the gateway uses; None if that is unknown.
    """
    header = _header_of(token)
    faults: list[Fault] = []
    for flavour in FLAVOURS.values():
        names = [CookieNames.of(secure=secure, flavour=flavour).session for secure in (True, False)]
        for name in names if flavour.salted else [cookie if cookie in names else names[-1]]:  # unsalted keys are the same for both
            found = TokenCodec(keys, flavour.salt(name), flavour=flavour).examine(token)
            if isinstance(found, Fault):
                faults.append(found)
                continue
            return _opened(found, name, header, lifetime=lifetime, now=now, cookie=cookie)
    # One name's key may have come further than the other's.
    fault = next((fault for fault in faults if fault is not Fault.HEADER), Fault.HEADER)
    why = _AN_ID if looks_like_an_id(token) else _why(fault, header, len(keys.secrets))
    return Diagnosis(reason=Reason.SESSION_UNREADABLE, why=why, header=header)


def _opened(
    found: Opened, name: str, header: dict[str, object] | None, *, lifetime: Lifetime, now: datetime, cookie: str | None
) -> Diagnosis:
    session = session_of(found.claims)
    if session is None:
        reason, why = Reason.SESSION_UNREADABLE, "it opens, but sub, iat, exp or jti is missing, or a claim has the wrong type"
    elif cookie not in (None, name):
        reason, why = (
            Reason.SESSION_UNREADABLE,
            f"it was made for the cookie {name}, so server.public_url was of another scheme then, or session.format another",
        )
    else:
        reason, why = _age(session, lifetime, now=now)
    return Diagnosis(reason=reason, why=why, header=header, cookie=name, secret=found.secret + 1, claims=found.claims, session=session)


def _age(session: Session, lifetime: Lifetime, *, now: datetime) -> tuple[Reason, str]:
    end = lifetime.end_of(session, now=now)
    if end is None:
        return Reason.SESSION_ACCEPTED, "the gateway takes it"
    if end is Reason.SESSION_FROM_FUTURE:
        return end, "it was made in the future: the clock of its maker is ahead, or ours is behind"
    if end is Reason.SESSION_TOO_OLD:
        return end, f"the sign-in is older than session.absolute_max_age ({lifetime.absolute})"
    if now >= session.expires_at:
        return end, "it has expired"
    return end, f"it was made longer ago than session.max_age ({lifetime.sliding}), by somebody who lets sessions live longer"


def _why(fault: Fault, header: dict[str, object] | None, secrets: int) -> str:
    if fault is Fault.SIZE:
        return f"{fault.value}: more than {MAX_TOKEN} characters"
    if fault is not Fault.HEADER:
        return fault.value
    if header is None:
        return "its header is no JSON, so this is no token"
    if header.get("alg") != "dir" or header.get("enc") not in ("A256CBC-HS512", "A256GCM"):
        return "its algorithms are not those of Auth.js, so another program made it"
    if "kid" in header and header.keys() == {"alg", "enc", "kid"}:
        return f"its kid fits none of the {secrets} secrets: its secret was removed, or it is another gateway's or another cookie's"
    return fault.value


def _header_of(token: str) -> dict[str, object] | None:
    first = token.partition(".")[0]
    data = base64url.decode(first) if len(first) <= _HEADER_CHARACTERS else None
    try:
        header = json.loads(data or b"")
    except (ValueError, RecursionError):
        return None
    return header if isinstance(header, dict) else None
