"""Text that may be shown. A flow holds no other, so a secret has no way in: there is no constructor for one.

What this file decides: what of a request, a user or a session may ever be seen. A constructor takes the whole object (a user, a route, an
exception) and picks what is harmless; none takes a form, a password, a token, the value of a cookie or the message of an exception. `words`
makes sentences of our own, with nothing but such text and numbers in their gaps (a test reads every call).
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import LiteralString, final
from urllib.parse import urlsplit

from gateway.callbacks.module import CallbackFailed
from gateway.core import decision
from gateway.core.facts import RequestFacts
from gateway.core.identity import Session, User
from gateway.core.reason import Reason
from gateway.core.return_to import Destination, Lost, RedirectRule
from gateway.core.routes import Route
from gateway.providers.base import Field, Provider, Rejected
from gateway.sessions.flavour import Flavour

_LONGEST = 240
_OURS = object()
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}\Z")
_METHOD = re.compile(r"[A-Z]{1,20}\Z")
_ATTRIBUTE = re.compile(r"(?:HttpOnly|Secure|SameSite=[A-Za-z]+|Path=/[a-z/]*)\Z")
_SOURCE = re.compile(r"(?:the redirect callback, of )?(?:callbackUrl in the (?:body|query)|the sign-in form|the callback-url cookie)\Z")
_SLUG = re.compile(r"[a-z]+(-[a-z]+)*\Z")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_FRAMES = 8


@final
class Shown:
    """See the module's docstring."""

    __slots__ = ("_text",)

    def __init__(self, text: str, *, made: object = None) -> None:
        if made is not _OURS:
            raise TypeError("text that may be shown is made by the constructors of gateway/web/flows/shown.py alone")
        text = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)
        self._text = text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return f"Shown({self._text!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Shown) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)


Part = Shown | int | Reason | Lost


def words(template: LiteralString, /, *parts: Part) -> Shown:
    """A text of our own, its gaps (`{}`) filled.

    Raises:
        TypeError: A part is of a type that is not safe to show.
    """
    for part in parts:
        if type(part) not in (Shown, int, Reason, Lost):
            raise TypeError(f"a {type(part).__name__} is not shown")
    return Shown(template.format(*map(str, parts)), made=_OURS)


def read_back(text: str) -> Shown:
    """What another of our processes, or our own sealed cookie, holds of a text that was shown there. For `steps.py` alone."""
    return Shown(text, made=_OURS)


def address(location: str, *, own_origin: str = "") -> Shown:
    """A path or URL without what its query says: names stay, values go. So does a fragment, and whoever is named before an `@`.

    Args:
        own_origin: Left out where it is the address's; of the gateway's own pages the query is left out as well.
    """
    location = location.removeprefix(own_origin) if location.startswith(f"{own_origin}/") else location
    if location.startswith("/api/auth/"):
        return Shown(location.partition("?")[0], made=_OURS)
    try:
        parts = urlsplit(location)
        host = parts.hostname if parts.port is None else f"{parts.hostname}:{parts.port}"
    except ValueError:
        return words("an address that can't be read")
    origin = f"{parts.scheme}://{host}" if parts.netloc else ""
    names = [piece.partition("=")[0] + ("=…" if "=" in piece else "") for piece in parts.query.split("&") if piece]
    return Shown(origin + (parts.path or "/") + (f"?{'&'.join(names)}" if names else ""), made=_OURS)


def method(name: str) -> Shown:
    """The method of a request: a word in capitals, or nothing."""
    return Shown(name if _METHOD.match(name) else "?", made=_OURS)


def client(facts: RequestFacts) -> Shown:
    """The address of who asked."""
    return Shown(facts.client or "a unix socket", made=_OURS)


def user_label(user: User) -> Shown:
    """The best name there is."""
    return Shown(user.name or user.email or user.id, made=_OURS)


def user_facts(user: User) -> Sequence[tuple[Shown, Shown]]:
    """Who somebody is: the attributes that every user has. What else a provider knows is told by its name alone, see `further_claims`."""
    held = {"id": user.id, "name": user.name, "email": user.email, "roles": ", ".join(user.roles), "groups": ", ".join(user.groups)}
    return [(Shown(name, made=_OURS), Shown(value, made=_OURS)) for name, value in held.items() if value]


def further_claims(user: User) -> Sequence[Shown]:
    """The names of what else is known. Their values may be anything, also a token of another service: they are not shown."""
    return [_name(name) for name in user.claims]


def session_facts(session: Session) -> Sequence[tuple[Shown, Shown]]:
    """The claims of a session whose values say nothing that could be used: the ids of the token and of the sign-in are left out."""
    return [*user_facts(session.user), (words("provider"), Shown(session.provider, made=_OURS))]


def provider(found: Provider) -> Shown:
    """What a provider is called."""
    return Shown(found.name or found.id, made=_OURS)


def provider_id(user_of: Session) -> Shown:
    """The provider that a session came of."""
    return Shown(user_of.provider, made=_OURS)


def field_names(fields: Iterable[Field]) -> Shown:
    """What a provider asks for: names, never what was typed."""
    return Shown(", ".join(field.key for field in fields), made=_OURS)


def rejection(answer: Rejected) -> Shown:
    """Why a provider said no, if it said so in a word; text of an operator's own could repeat what was typed."""
    return Shown(answer.why if _SLUG.match(answer.why) else "refused", made=_OURS)


def exception_kind(error: BaseException) -> Shown:
    """What kind of exception it is. Its message may hold what was typed."""
    return _name(type(error).__name__)


def frames(error: BaseException) -> Sequence[Shown]:
    """Where an exception was raised, the innermost last: file, line and function. No source, no message, no variable."""
    found = traceback.StackSummary.extract(traceback.walk_tb(error.__traceback__), lookup_lines=False)
    return [Shown(f"{Path(frame.filename).name}:{frame.lineno} in {frame.name}", made=_OURS) for frame in found[-_FRAMES:]]


def route(found: Route) -> Shown:
    """What a route is called."""
    return Shown(found.name, made=_OURS)


def looked_at(step: decision.Step) -> Shown:
    """A look that the policy took: the values that it compared, in its own words, which hold no secret."""
    return Shown(f"{step.rule}, {step.check}: {step.why}", made=_OURS)


def upstream(found: Route) -> Shown:
    """What the upstream of a route is called."""
    return Shown(found.upstream or "the app", made=_OURS)


def names_of_headers(names: Iterable[str]) -> Shown:
    """Names of headers, from the configuration."""
    return Shown(", ".join(name for name in names if _TOKEN.match(name)), made=_OURS)


def cookie_name(name: str) -> Shown:
    """What a cookie of ours is called; for `cookie_notes.py`, which parts names from values."""
    return _name(name)


def cookie_attribute(text: str) -> Shown:
    """An attribute of a cookie as it was set; none but the well-known, which hold nothing."""
    return Shown(text if _ATTRIBUTE.match(text) else "?", made=_OURS)


def cipher(flavour: Flavour) -> Shown:
    """How tokens are encrypted."""
    return Shown(flavour.seals.ENC, made=_OURS)


def exposed(keys: Iterable[str]) -> Sequence[Shown]:
    """The keys of `user` that `/api/auth/session` tells, from the configuration."""
    return [_name(key) for key in keys]


def rule(found: RedirectRule) -> Shown:
    """Whom a redirect rule is for, from the configuration."""
    return Shown(found.condition, made=_OURS)


def callback(error: CallbackFailed) -> Shown:
    """Which callback gave no answer."""
    return _name(error.name)


def winner(destination: Destination) -> Shown:
    """What decided where a sign-in ends."""
    return Shown(destination.won, made=_OURS)


def source(name: str) -> Shown:
    """By which way a target came: one of the names that `return_target.candidates` gives."""
    return Shown(name if _SOURCE.match(name) else "another way", made=_OURS)


def losers(destination: Destination) -> Sequence[tuple[Shown, Reason | Lost]]:
    """What did not, and why."""
    return [(Shown(source, made=_OURS), why) for source, why in destination.lost]


def behind(destination: Destination) -> Sequence[Shown]:
    """What was not needed."""
    return [Shown(source, made=_OURS) for source in destination.behind]


def _name(name: str) -> Shown:
    return Shown(name if _TOKEN.match(name) else "?", made=_OURS)
