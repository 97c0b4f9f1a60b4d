"""Where a sign-in or sign-out may send the browser: a pure function of what was asked, with a named refusal.

An open redirect needs only one reader that sees another host than the check did. So what is asked is either plain enough that
every reader agrees, or it is refused; and the string that was judged is the string that is sent (promise 30).
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from gateway.core.host import Hosts, read_host
from gateway.core.identity import User
from gateway.core.reason import Reason
from gateway.core.target import Target, is_plain, read_target

MAX_LENGTH = 2048
_OWN = re.compile(r"/(?:api/auth|\.gateway)(?:[/?#]|\Z)", re.IGNORECASE)
# WHATWG URL parsing drops tabs and line breaks anywhere and trims control characters: none of them may be there at all.
_UNSAFE = re.compile(r"[\x00-\x20\x7f-\x9f\\\u2028\u2029\ufeff\ud800-\udfff]")
_ABSOLUTE = re.compile(r"(https?)://([^/?#@]+)((?:[/?#].*)?)\Z", re.IGNORECASE)
# How a browser spells "here" and "up" in a path (WHATWG URL 4.4): it goes there before it asks.
_HERE, _UP = frozenset({".", "%2e"}), frozenset({"..", ".%2e", "%2e.", "%2e%2e"})
_LOOKS_ABSOLUTE = re.compile(r"(?:[a-z][a-z0-9+.-]*:|//)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ReturnTo:
    """A target that is safe to send, and why the asked one was not taken, if it was not."""

    location: str
    refused: Reason | None = None


def safe_return(
    asked: str | None, *, own_origin: str, origins: Container[str] = frozenset(), hosts: Hosts | None = None, default: str = "/"
) -> ReturnTo:
    """Judge one asked target.

    Args:
        asked: A path on the own origin, or an absolute http(s) URL; from anybody.
        own_origin: The origin that the browser is on, for example `https://app.example.com`.
        origins: Further origins that are allowed.
        hosts: All hosts that the gateway answers for: `/api/auth` is its own on each of them, and so are their rooms.
        default: The target in case of a refusal; trusted, from the configuration.
    """
    if not asked:
        return ReturnTo(default, Reason.RETURN_NOTHING_ASKED)
    if len(asked) > MAX_LENGTH:
        return ReturnTo(default, Reason.RETURN_TOO_LONG)
    if _UNSAFE.search(asked):
        return ReturnTo(default, Reason.RETURN_UNSAFE_CHARACTER)
    if len(_ascii(asked)) > MAX_LENGTH:  # as it would be sent
        return ReturnTo(default, Reason.RETURN_TOO_LONG)
    if asked.startswith("/") and not asked.startswith("//"):
        return _own_path(asked, asked, default, hosts)
    absolute = _ABSOLUTE.match(asked)
    if absolute is None:
        foreign = _LOOKS_ABSOLUTE.match(asked)
        return ReturnTo(default, Reason.RETURN_FOREIGN_ORIGIN if foreign else Reason.RETURN_NOT_A_URL)
    scheme, authority, rest = absolute[1].lower(), absolute[2], absolute[3]
    host = read_host(authority, scheme=scheme)
    origin = f"{scheme}://{host}"
    if host is None or (origin != own_origin and origin not in origins):
        return ReturnTo(default, Reason.RETURN_FOREIGN_ORIGIN)
    if scheme == "http" and own_origin.startswith("https:"):
        return ReturnTo(default, Reason.RETURN_TO_HTTP)
    path = rest if rest.startswith("/") else f"/{rest}"
    ours = origin == own_origin or (hosts is not None and hosts.scheme == scheme and hosts.covers(host))
    return _own_path(origin + path, path, default, hosts) if ours else ReturnTo(_ascii(origin + path))


def _own_path(whole: str, path: str, default: str, hosts: Hosts | None) -> ReturnTo:
    rooms = () if hosts is None else hosts.rooms
    if any(_OWN.match(reading) or _lies_in(rooms, reading) for reading in _readings(_ascii(_as_browsers_go(path)))):
        return ReturnTo(default, Reason.RETURN_OWN_ENDPOINT)
    return ReturnTo(_ascii(whole))


def _lies_in(rooms: Iterable[str], path: str) -> bool:
    return any(path == room or path.startswith(f"{room}/") for room in rooms)


def _readings(path: str) -> tuple[str, ...]:
    """The path, and every way in which it is read once it comes back as a request."""
    target = None if is_plain(path) else read_target(path)
    return (path, *target.readings) if isinstance(target, Target) else (path,)


def _as_browsers_go(path: str) -> str:
    """The path with its dot segments gone, as a browser asks for it: `/x/../api/auth/signin` is our sign-in page."""
    path = re.split("[?#]", path, maxsplit=1)[0]
    if "." not in path and "%2e" not in path.lower():
        return path
    found: list[str] = []
    for segment in path.split("/")[1:]:
        if segment.lower() in _UP:
            del found[-1:]
        elif segment.lower() not in _HERE:
            found.append(segment)
    return "/" + "/".join(found)


def _ascii(url: str) -> str:
    """Percent-encode what is not printable ASCII, as a browser would; everything else stays as judged."""
    return quote(url, safe="!\"#$%&'()*+,-./:;<=>?@[]^_`{|}~")


@dataclass(frozen=True, slots=True, kw_only=True)
class RedirectRule:
    """One `[[redirects.rules]]` entry: where users of a role, a group or a provider go after sign-in. What is given must all fit.

    Attributes:
        route: The name of the route that the page is on that was asked for. Such a rule stands before the page itself; others behind it.
        first_sign_in: True: the user has never signed in at this gateway before; False: they have.
    """

    to: str
    role: str | None = None
    group: str | None = None
    provider: str | None = None
    route: str | None = None
    first_sign_in: bool | None = None

    @property
    def condition(self) -> str:
        """Whom it is for, in words: `role admin, route home`."""
        named = {"role": self.role, "group": self.group, "provider": self.provider, "route": self.route}
        given = [f"{name} {value}" for name, value in named.items() if value is not None]
        if self.first_sign_in is not None:
            given.append("first sign-in" if self.first_sign_in else "not the first sign-in")
        return ", ".join(given)

    def fits(self, user: User, provider: str, *, route: str | None = None, first: bool | None = None) -> bool:
        """True if the rule is for this user, who asked for a page on `route`, or for none; `first` None: nobody can say."""
        return (
            self.route == route
            and self.first_sign_in in (None, first)
            and (self.role is None or self.role in user.roles)
            and (self.group is None or self.group in user.groups)
            and (self.provider is None or self.provider == provider)
        )


class Lost(enum.StrEnum):
    """Why a candidate that may be taken was not."""

    OTHER_WON = "another-won"  # one that comes first was taken
    NOT_FOR_THEM = "not-for-this-user"  # a rule whose condition does not hold


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Where a sign-in ends, which candidate won, and why those before it did not; `behind` it stand those that were not needed."""

    location: str
    won: str
    lost: tuple[tuple[str, Reason | Lost], ...] = ()
    behind: tuple[str, ...] = ()

    @property
    def refused(self) -> tuple[tuple[str, Reason], ...]:
        """Those that may never be taken, and why: what a log should tell."""
        return tuple((source, why) for source, why in self.lost if isinstance(why, Reason))


def after_sign_in(
    candidates: Sequence[tuple[str, str | None]],
    user: User,
    provider: str,
    *,
    rules: Iterable[RedirectRule] = (),
    default: str = "/",
    first: bool | None = None,
    own_origin: str,
    origins: Container[str] = frozenset(),
    hosts: Hosts | None = None,
    route_of: Callable[[str], str | None] = lambda _: None,
) -> Destination:
    """The first candidate that may be taken, unless a rule is about just this page; then the first rule that fits; then the default.

    Args:
        candidates: What was asked and by which way it came, for example `("callbackUrl", "/reports")`, first wins.
        first: It is the user's first sign-in here; None: no rule asks, or nobody can say.
        route_of: Names the route that a judged location is on; None where it is on none of ours.
    """
    named = [(f"redirects.rules[{number}]", rule) for number, rule in enumerate(rules, 1)]
    behind = [*(source for source, _ in named), "redirects.after_sign_in"]
    lost: list[tuple[str, Reason | Lost]] = []
    for index, (source, asked) in enumerate(candidates):
        target = safe_return(asked, own_origin=own_origin, origins=origins, hosts=hosts)
        if target.refused is not None:
            lost.append((source, target.refused))
            continue
        route = route_of(target.location)
        taken = None if route is None else next((found for found in named if found[1].fits(user, provider, route=route, first=first)), None)
        won, location = (source, target.location) if taken is None else (taken[0], taken[1].to)
        if taken is not None:
            lost.append((source, Lost.OTHER_WON))
        rest = (*(later for later, _ in candidates[index + 1 :]), *(other for other in behind if other != won))
        return Destination(location=location, won=won, lost=tuple(lost), behind=rest)
    for index, (source, rule) in enumerate(named):
        if rule.fits(user, provider, first=first):
            return Destination(location=rule.to, won=source, lost=tuple(lost), behind=tuple(behind[index + 1 :]))
        lost.append((source, Lost.NOT_FOR_THEM))
    return Destination(location=default, won="redirects.after_sign_in", lost=tuple(lost))
