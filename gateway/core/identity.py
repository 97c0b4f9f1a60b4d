"""Who somebody is (`User`), and since when and for how long the gateway believes it (`Session`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType


def _no_claims() -> Mapping[str, object]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """What a provider accepts somebody as. `claims` holds whatever else it knows: JSON values by name."""

    id: str
    name: str | None = None
    email: str | None = None
    image: str | None = None
    roles: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    claims: Mapping[str, object] = field(default_factory=_no_claims)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A sign-in that was read back from a token whose seal held. Whether it is still good is asked of `Lifetime`.

    Attributes:
        token_id: The token's `jti`; new at every sign-in and every renewal.
        sign_in_id: The sign-in's `sid`: the same in all tokens that came of it. A sign-out ends all of them.
        signed_in_at: When the password was checked (`auth_time`); renewals don't move it.
        issued_at: When this token was made (`iat`).
        expires_at: When this token ends (`exp`).
        provider: The id of the provider that said yes.
    """

    user: User
    token_id: str
    sign_in_id: str
    signed_in_at: datetime
    issued_at: datetime
    expires_at: datetime
    provider: str = ""
