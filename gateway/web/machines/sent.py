"""Which `Authorization` of a request is for the gateway, by its form and by what the route takes. Everything else is the app's."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Collection
from dataclasses import dataclass, field

from gateway.core.credentials import Means
from gateway.proxy.fields import RawHeaders
from gateway.tokens.token import PREFIX, is_token

_TOKENS = re.compile(rf"{PREFIX}[0-9A-Za-z]+")


@dataclass(frozen=True, slots=True)
class Sent:
    """What came. `value` stands behind the scheme, decoded as latin-1; None: it can't be told which of several counts."""

    means: Means
    value: str | None = field(repr=False)


def sent_in(headers: RawHeaders, accepts: Collection[Means]) -> Sent | None:
    """What was sent to the gateway; None if nothing was."""
    ours = [sent for name, value in headers if name.lower() == b"authorization" and (sent := _read(value)) and sent.means in accepts]
    if not ours:
        return None
    # Two of them, or one of ours beside another: none is believed.
    return ours[0] if has_one(headers) else Sent(ours[0].means, None)


def has_one(headers: RawHeaders) -> bool:
    """True if there is one Authorization and no more."""
    return sum(name.lower() == b"authorization" for name, _ in headers) == 1


def goes_on(value: bytes, accepts: Collection[Means]) -> bool:
    """True if an Authorization may be passed to an upstream: a token of ours never, on whichever route; a password not where we take it."""
    sent = _read(value)
    login = login_in(sent.value) if sent is not None and sent.value is not None and sent.means is Means.BASIC else None
    if any(is_token(found) for text in (value.decode("latin-1"), *(login or ())) for found in _TOKENS.findall(text)):
        return False  # in whatever form it was sent: `Token gwt_...`, say, or in the place of a password
    return sent is None or (sent.means is Means.BASIC and Means.BASIC not in accepts)


def login_in(value: str) -> tuple[str, str] | None:
    """Name and password of a Basic credential (RFC 7617 2); None if it holds none. UTF-8 is what the challenge asks for."""
    try:
        name, colon, password = base64.b64decode(value.encode("ascii"), validate=True).decode("utf-8").partition(":")
    except (binascii.Error, UnicodeError):
        return None
    return (name, password) if colon else None


def _read(value: bytes) -> Sent | None:
    """A token of ours, or any Basic credential; a Bearer of another make is not for us."""
    scheme, _, rest = value.decode("latin-1").strip(" \t").replace("\t", " ").partition(" ")
    rest = rest.lstrip(" ")
    match scheme.lower():
        case "bearer" if rest.startswith(PREFIX):
            return Sent(Means.BEARER, rest)
        case "basic":
            return Sent(Means.BASIC, rest)
    return None
