"""Assertions: signed, short-lived, for one upstream each; made once for half of their life, since a signature costs more than all the rest."""

from __future__ import annotations

import itertools
import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.assertion.keys import SigningKey
from gateway.core.decision import Header
from gateway.core.headers import ValueRefused
from gateway.core.identity import Session, User
from gateway.core.identity_headers import MAX_VALUE
from gateway.core.routes import Route
from gateway.sessions import base64url

_MOST = 65_536
_OF_THE_USER = frozenset({"id", "name", "email", "image", "roles", "groups"})


@dataclass(frozen=True, slots=True)
class _Made:
    header: Header
    since: datetime
    until: datetime


class Assertions:
    """Gives the assertion header for a session on a route.

    Args:
        name: The header's.
        key: The one that signs.
        issuer: `iss`: the public origin.
        audiences: `aud` by the name of the upstream.
        claims: What it says beside `sub`: claim → attribute or claim of the user.
        life: How long one is good; half of it, it is given out again.
        new_id: Makes a `jti`.
    """

    def __init__(
        self,
        name: str,
        key: SigningKey,
        *,
        issuer: str,
        audiences: Mapping[str, str],
        claims: Mapping[str, str],
        life: timedelta,
        new_id: Callable[[], str] = lambda: str(uuid.uuid4()),
    ) -> None:
        self._name = name
        self._key = key
        self._issuer = issuer
        self._audiences = audiences
        self._claims = claims
        self._life = life
        self._new_id = new_id
        self._head = _part({"alg": key.algorithm, "kid": key.kid, "typ": "JWT"})
        self._made: dict[tuple[str, str], _Made] = {}

    @property
    def may_be_kept(self) -> timedelta:
        """How long a header that was just given may be used: then a quarter of its life is left at least, on its way and for slow clocks."""
        return self._life / 4

    def header(self, session: Session, route: Route, *, origin: str, now: datetime) -> Header:
        """The header for a living session; `origin` is the audience where the route has no upstream.

        Raises:
            ValueRefused: A claim is no JSON, or the header would be too long.
        """
        audience = origin if route.upstream is None else self._audiences[route.upstream]
        known = self._made.get((session.token_id, audience))
        if known is not None and known.since <= now < known.until:
            return known.header
        now = now.replace(microsecond=0)  # tokens tell whole seconds
        header = (self._name, self._signed(session, audience, now=now))
        if len(self._made) >= _MOST:
            for oldest in list(itertools.islice(self._made, _MOST // 8)):
                del self._made[oldest]
        self._made.pop((session.token_id, audience), None)  # so that it stands behind the older ones
        self._made[session.token_id, audience] = _Made(header, now, now + self._life / 2)
        return header

    def _signed(self, session: Session, audience: str, *, now: datetime) -> str:
        issued = int(now.timestamp())
        payload: dict[str, object] = {
            name: value for name, source in self._claims.items() if (value := _read(session.user, source)) is not None
        }
        payload |= {
            "iss": self._issuer,
            "aud": audience,
            "sub": session.user.id,
            "iat": issued,
            "nbf": issued,
            "exp": issued + int(self._life.total_seconds()),
            "jti": self._new_id(),
        }
        unsigned = f"{self._head}.{_part(payload)}"
        token = f"{unsigned}.{base64url.encode(self._key.sign(unsigned.encode('ascii')))}"
        if len(token) > MAX_VALUE:
            raise ValueRefused(f"the assertion is longer than {MAX_VALUE} bytes")
        return token


def _read(user: User, source: str) -> object:
    return getattr(user, source) if source in _OF_THE_USER else user.claims.get(source)


def _part(value: Mapping[str, object]) -> str:
    try:
        return base64url.encode(json.dumps(value, separators=(",", ":"), allow_nan=False).encode("ascii"))
    except (TypeError, ValueError) as error:
        raise ValueRefused("a claim of the assertion is no JSON") from error
