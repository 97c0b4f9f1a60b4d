"""Where a sign-in or sign-out may send the browser: a pure function of what was asked, with a named refusal.

An open redirect needs only one reader that sees another host than the check did. So what is asked is either plain enough that
every reader agrees, or it is refused; and the string that was judged is the string that is sent (promise 30).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from gateway.core.host import read_host
from gateway.core.identity import User
from gateway.core.reason import Reason

MAX_LENGTH = 2048
_OWN = re.compile(r"/api/auth(?:[/?#]|\Z)", re.IGNORECASE)
# WHATWG URL parsing drops tabs and line breaks anywhere and trims control characters: none of them may be there at all.
_UNSAFE = re.compile(r"[\x00-\x20\x7f-\x9f\\\u2028\u2029\ufeff\ud800-\udfff]")
_ABSOLUTE = re.compile(r"(https?)://([^/?#@]+)((?:[/?#].*)?)\Z", re.IGNORECASE)
_LOOKS_ABSOLUTE = re.compile(r"(?:[a-z][a-z0-9+.-]*:|//)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ReturnTo:
    """A target that is safe to send, and why the asked one was not taken, if it was not."""

    location: str
    refused: Reason | None = None


def safe_return(asked: str | None, *, own_origin: str, origins: frozenset[str] = frozenset(), default: str = "/") -> ReturnTo:
    """Judge one asked target.

    Args:
        asked: A path on the own origin, or an absolute http(s) URL; from anybody.
        own_origin: The origin that the browser is on, for example `https://app.example.com`.
        origins: Further origins that are allowed.
        default: The target in case of a refusal; trusted, from the configuration.
    """
    if not asked:
        return ReturnTo(default, Reason.RETURN_NOTHING_ASKED)
    if len(asked) > MAX_LENGTH:
        return ReturnTo(default, Reason.RETURN_TOO_LONG)
    if _UNSAFE.search(asked):
        return ReturnTo(default, Reason.RETURN_UNSAFE_CHARACTER)
    if asked.startswith("/") and not asked.startswith("//"):
        return _own_path(asked, asked, default)
    absolute = _ABSOLUTE.match(asked)
    if absolute is None:
        foreign = _LOOKS_ABSOLUTE.match(asked)
        return ReturnTo(default, Reason.RETURN_FOREIGN_ORIGIN if foreign else Reason.RETURN_NOT_A_URL)
    scheme, authority, rest = absolute[1].lower(), absolute[2], absolute[3]
    host = read_host(authority, scheme=scheme)
    origin = f"{scheme}://{host}"
    if host is None or (origin != own_origin and origin not in origins):
        return ReturnTo(default, Reason.RETURN_FOREIGN_ORIGIN)
    path = rest if rest.startswith("/") else f"/{rest}"
    return _own_path(origin + path, path, default) if origin == own_origin else ReturnTo(_ascii(origin + path))


def _own_path(whole: str, path: str, default: str) -> ReturnTo:
    if _OWN.match(path):
        return ReturnTo(default, Reason.RETURN_OWN_ENDPOINT)
    return ReturnTo(_ascii(whole))


def _ascii(url: str) -> str:
    """Percent-encode what is not printable ASCII, as a browser would; everything else stays as judged."""
    return quote(url, safe="!\"#$%&'()*+,-./:;<=>?@[]^_`{|}~")


@dataclass(frozen=True, slots=True, kw_only=True)
class RedirectRule:
    """One `[[redirects.rules]]` entry: where users of a role, a group or a provider go after sign-in. What is given must all fit."""

    to: str
    role: str | None = None
    group: str | None = None
    provider: str | None = None

    def fits(self, user: User, provider: str) -> bool:
        """True if the rule is for this user."""
        return (
            (self.role is None or self.role in user.roles)
            and (self.group is None or self.group in user.groups)
            and (self.provider is None or self.provider == provider)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Where a sign-in ends, which candidate won, and why those before it did not."""

    location: str
    won: str
    lost: tuple[tuple[str, Reason], ...] = ()


def after_sign_in(
    candidates: Sequence[tuple[str, str | None]],
    user: User,
    provider: str,
    *,
    rules: Iterable[RedirectRule] = (),
    default: str = "/",
    own_origin: str,
    origins: frozenset[str] = frozenset(),
) -> Destination:
    """The first candidate that may be taken; then the first rule that fits; then the default.

    Args:
        candidates: What was asked and by which way it came, for example `("callbackUrl", "/reports")`, first wins.
    """
    lost: list[tuple[str, Reason]] = []
    for source, asked in candidates:
        target = safe_return(asked, own_origin=own_origin, origins=origins)
        if target.refused is None:
            return Destination(location=target.location, won=source, lost=tuple(lost))
        lost.append((source, target.refused))
    for index, rule in enumerate(rules, 1):
        if rule.fits(user, provider):
            return Destination(location=rule.to, won=f"redirects.rules[{index}]", lost=tuple(lost))
    return Destination(location=default, won="redirects.after_sign_in", lost=tuple(lost))
