"""Why an app's `getToken()` would give null for a cookie: each thing that has to agree, and the cure for the one that does not.

It looks as the app does, not as the gateway: with one secret, one flavour and one public scheme, and without our stricter checks.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from gateway.sessions import base64url
from gateway.sessions.cookie_header import CookieHeader
from gateway.sessions.cookies import CookieNames
from gateway.sessions.flavour import FLAVOURS, Flavour
from gateway.sessions.keys import KeyRing
from gateway.sessions.token import Fault, Opened, TokenCodec, looks_like_an_id

TOLERANCE = timedelta(seconds=15)  # of jose in both packages


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `cure` is empty if it is as it should be, or if nothing can be done about it."""

    check: str
    good: bool
    what: str
    cure: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """The app whose `getToken()` is asked.

    Attributes:
        flavour: Which package it runs; None if it is not said, then that of the cookie.
        secure: True if it is asked for the https names; None if it is not said, then as the cookie is.
        secret: Its secret.
    """

    secret: str
    flavour: Flavour | None = None
    secure: bool | None = None


def examine(header: CookieHeader, app: App, *, now: datetime) -> list[Finding]:
    """Look at everything, in the order in which `getToken()` does; what hangs on something bad is left out."""
    return list(_examine(header, app, now=now))


def _examine(header: CookieHeader, app: App, *, now: datetime) -> Iterator[Finding]:
    found = _session_names(header)
    if not found:
        yield Finding("name", False, "there is no session cookie in this", "copy the whole Cookie header of a request to the app")
        return
    # A browser may hold cookies of other days; the app looks for its own.
    flavour, name, secure = max(found, key=lambda entry: (app.flavour in (None, entry[0]), app.secure in (None, entry[2])))
    if app.flavour is not None and app.flavour is not flavour:
        what = f"{name} is a cookie of {flavour.package}, and the app runs {app.flavour.package}"
        yield Finding("flavour", False, what, f'session.format = "{app.flavour.format}" makes the gateway write the app\'s')
        return
    yield Finding("flavour", True, f"{name} is a cookie of {flavour.package}")
    if app.secure is not None and app.secure is not secure:
        asked = CookieNames.of(secure=app.secure, flavour=flavour).session
        yield Finding("prefix", False, f"the app asks for {asked}, and the cookie is {name}", _prefix_cure(flavour, secure=secure))
        return
    scheme = "https" if secure else "plain http"
    yield Finding("prefix", True, f"the cookie is for {scheme}; the app must ask so, too: {_prefix_cure(flavour, secure=secure)}")
    token, chunks = _joined(header, name)
    yield chunks
    if not chunks.good:
        return
    opened, finding = _open(token, flavour, name, app.secret)
    yield finding
    if opened is not None:
        yield from _ages(opened.claims, now)


def _session_names(header: CookieHeader) -> list[tuple[Flavour, str, bool]]:
    known = [
        (flavour, CookieNames.of(secure=secure, flavour=flavour).session, secure)
        for flavour in FLAVOURS.values()
        for secure in (True, False)
    ]
    return [entry for sent in header.names for entry in known if sent == entry[1] or sent.startswith(f"{entry[1]}.")]


def _prefix_cure(flavour: Flavour, *, secure: bool) -> str:
    scheme = "https" if secure else "http"
    if flavour.salted:
        return f"getToken({{ req, secret, secureCookie: {str(secure).lower()} }}), and AUTH_URL with {scheme}:// for auth()"
    return f"NEXTAUTH_URL with {scheme}://"


def _joined(header: CookieHeader, name: str) -> tuple[str, Finding]:
    """As the packages join it: all cookies whose name starts so, by the number after the last dot."""
    sent = header.starting_with(name)
    strange = [found for found in sent if found != name and not found.removeprefix(f"{name}.").isdecimal()]
    if strange:
        what = f"{strange[0]} starts like the session cookie, so its value becomes part of the token"
        return "", Finding("chunks", False, what, "give that cookie another name, or delete it")
    numbers = sorted(int(found.removeprefix(f"{name}.")) for found in sent if found != name)
    if numbers and name in sent:
        return "", Finding(
            "chunks", False, f"{name} came whole and in chunks, and both are joined", "delete the cookies, and sign in again"
        )
    if numbers and numbers != list(range(len(numbers))):
        missing = next(number for number in range(numbers[-1] + 1) if number not in numbers)
        cure = "send all of them: a header limit in between may have cut one off, or only a part was copied"
        return "", Finding("chunks", False, f"chunk {name}.{missing} is missing", cure)
    token = "".join(sent[f"{name}.{number}"] for number in numbers) if numbers else sent[name]
    what = f"{len(numbers)} chunks, {len(token)} characters" if numbers else f"one cookie, {len(token)} characters"
    return token, Finding("chunks", True, what)


def _open(token: str, flavour: Flavour, name: str, secret: str) -> tuple[Opened | None, Finding]:
    if looks_like_an_id(token):
        what = "it is no token but an id: the gateway keeps sessions in its store, and no getToken() can read them there"
        cure = 'write session.strategy = "jwt", or read the identity headers in the app'
        return None, Finding("token", False, what, cure)
    opened = _try(token, secret, flavour, name)
    if isinstance(opened, Opened):
        return opened, Finding("secret", True, "the token opens with this secret")
    if opened in (Fault.FORM, Fault.SIZE, Fault.PAYLOAD):
        return None, Finding("token", False, opened.value, "copy the cookie again, whole; then sign in again")
    stripped = secret.strip().strip("'\"")
    if stripped != secret and isinstance(_try(token, stripped, flavour, name), Opened):
        cure = "take the spaces, line breaks or quotes around it out of the app's environment"
        return None, Finding("secret", False, "the secret is right but for what stands around it", cure)
    for other in FLAVOURS.values():
        for scheme in (True, False):
            named = CookieNames.of(secure=scheme, flavour=other).session
            if named != name and isinstance(_try(token, secret, other, named), Opened):
                what = f"the secret is right, and the token was made for {named}, which is part of the key (the salt)"
                return None, Finding("salt", False, what, f"don't rename cookies; pass salt: {named!r} if the app has to read this one")
    cure = "give the app the secret of `gateway authjs env --show-secret`, byte for byte"
    return None, Finding("secret", False, _wrong_secret(token, flavour), cure)


def _try(token: str, secret: str, flavour: Flavour, name: str) -> Opened | Fault:
    return TokenCodec(KeyRing((secret,)), flavour.salt(name), flavour=flavour).examine(token)


def _wrong_secret(token: str, flavour: Flavour) -> str:
    header = _header_of(token)
    if header.get("enc") not in {kind.ENC for kind in flavour.opens}:
        return f"its header names {header.get('alg', 'no alg')} and {header.get('enc', 'no enc')}, which {flavour.package} does not make"
    if flavour.named_keys and "kid" in header:
        return "its header names another key: it was made with another secret, or one that has been rotated away"
    return "it does not open: it was made with another secret, or changed"


def _header_of(token: str) -> Mapping[str, object]:
    try:
        header = json.loads(base64url.decode(token.partition(".")[0][:1024]) or b"")
    except (ValueError, RecursionError):
        return {}
    return header if isinstance(header, dict) else {}


def _ages(claims: Mapping[str, object], now: datetime) -> Iterator[Finding]:
    expires, starts = claims.get("exp"), claims.get("nbf")
    moment = now.timestamp()
    if isinstance(expires, (int, float)) and moment >= expires + TOLERANCE.total_seconds():
        yield Finding("expiry", False, f"it expired {_moment(expires)}", "sign in again; if it is new, set the clocks (NTP)")
    elif isinstance(starts, (int, float)) and moment < starts - TOLERANCE.total_seconds():
        yield Finding("expiry", False, f"it is not to be used before {_moment(starts)}", "set the clocks (NTP)")
    else:
        yield Finding("expiry", True, f"it lasts until {_moment(expires)}" if isinstance(expires, (int, float)) else "it has no end")


def _moment(seconds: float) -> str:
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (OverflowError, OSError, ValueError):
        return "at no time there is"
