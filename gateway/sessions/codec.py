"""Between a `Session` and the claims of its token, under the names that Auth.js gives them.

What this file decides: which claims make a session. Every claim has one type; a token with anything else is no session, because a
claim that is read two ways is a rule that is read two ways. What `exp` and the rest mean for today is left to `core/lifetime.py`.

A token that an Auth.js app with the same secret made has no `auth_time`; its `iat` is taken instead. From the gateway's first renewal
on the sign-in time is fixed, but until then such an app can move it by making tokens anew: whoever shares the secret can make any
session at all, so the absolute limit holds only against those who don't.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import cast

from gateway.core.identity import Session, User

#: Claims with a meaning here; what a provider calls the same never takes their place.
RESERVED = frozenset(
    {"sub", "name", "email", "picture", "roles", "groups", "provider", "auth_time", "sid"}  # who, and how
    | {"iat", "exp", "nbf", "jti"}  # the token itself
)
_TEXTS = ("sub", "name", "email", "picture", "provider", "jti", "sid")
_TEXT, _TEXT_OR_NONE = frozenset({str}), frozenset({str, type(None)})  # JSON knows no subclasses
_NO_CLAIMS: Mapping[str, object] = MappingProxyType({})
_LAST_SECOND = 253_402_300_799  # the end of the year 9999, the last that datetime knows


class _Unclear(Exception):
    """A claim is missing or has the wrong type."""


def claims_of(session: Session) -> dict[str, object]:
    """The claims of a session. Times are whole seconds since 1970."""
    user = session.user
    return {
        "name": user.name,
        "email": user.email,
        "picture": user.image,
        "sub": user.id,
        "roles": list(user.roles),
        "groups": list(user.groups),
        **{name: value for name, value in user.claims.items() if name not in RESERVED},
        "provider": session.provider,
        "auth_time": int(session.signed_in_at.timestamp()),
        "iat": int(session.issued_at.timestamp()),
        "exp": int(session.expires_at.timestamp()),
        "jti": session.token_id,
        "sid": session.sign_in_id,
    }


def session_of(claims: Mapping[str, object]) -> Session | None:
    """The session that claims describe; None unless `sub`, `iat`, `exp` and `jti` are there and every known claim has its type."""
    texts = [*map(claims.get, _TEXTS)]
    if not _TEXT_OR_NONE.issuperset(map(type, texts)):
        return None
    sub, name, email, picture, provider, token_id, sign_in_id = cast("list[str | None]", texts)
    if not sub or not token_id:
        return None
    try:
        issued_at = _time(claims, "iat")
        user = User(
            id=sub,
            name=name,
            email=email,
            image=picture,
            roles=_texts(claims, "roles"),
            groups=_texts(claims, "groups"),
            claims=_NO_CLAIMS if claims.keys() <= RESERVED else _further(claims),
        )
        return Session(
            user=user,
            token_id=token_id,
            # A token of another maker stands for its own sign-in, and so do those that it is renewed into.
            sign_in_id=sign_in_id or token_id,
            signed_in_at=_time(claims, "auth_time") if "auth_time" in claims else issued_at,
            # A token that is not to be used before a time (RFC 7519 4.1.5) is one from the future until then.
            issued_at=max(issued_at, _time(claims, "nbf")) if "nbf" in claims else issued_at,
            expires_at=_time(claims, "exp"),
            provider=provider or "",
        )
    except _Unclear:
        return None


def unclear_in(claims: Mapping[str, object]) -> str:
    """The name of the claim for which `session_of` gave None; for whoever made the claims."""
    if not claims.get("sub"):
        return "sub"
    texts = (name for name in _TEXTS if type(claims.get(name)) not in _TEXT_OR_NONE)
    try:
        _texts(claims, "roles")
        _texts(claims, "groups")
        return next(texts, "nbf")
    except _Unclear as unclear:
        return str(unclear)


def _further(claims: Mapping[str, object]) -> Mapping[str, object]:
    return MappingProxyType({name: value for name, value in claims.items() if name not in RESERVED})


def _texts(claims: Mapping[str, object], name: str) -> tuple[str, ...]:
    values = claims.get(name, [])
    if type(values) is not list or not _TEXT.issuperset(map(type, values)):
        raise _Unclear(name)
    return tuple(values)


def _time(claims: Mapping[str, object], name: str) -> datetime:
    seconds = claims.get(name)
    if type(seconds) is not int or not 0 <= seconds <= _LAST_SECOND:  # JSON's true is an int to isinstance
        raise _Unclear(name)
    return datetime.fromtimestamp(seconds, UTC)
