"""One sign-in tried out: the chain is asked with the fields of a form, and the answer becomes what a session would be."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from gateway.cli.explained import SignIn
from gateway.cli.first_sign_in import would_be_first
from gateway.core.errors import HashingBusy, ProviderUnavailable
from gateway.core.headers import ValueRefused
from gateway.core.reason import Reason
from gateway.core.return_to import after_sign_in
from gateway.providers.base import Accepted, Answer, Credentials, NotMine, Provider
from gateway.providers.build import build_chain
from gateway.sessions.cookies import SessionCookies
from gateway.sessions.errors import SessionTooLarge, SessionUnwritable
from gateway.sessions.flavour import FLAVOURS
from gateway.sessions.keys import KeyRing
from gateway.settings.policy import policy_of, redirect_rules_of
from gateway.web.auth.form import form_of

if TYPE_CHECKING:
    from gateway.core.decision import Header
    from gateway.core.identity import User
    from gateway.settings.model import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What somebody would type. `repr()` shows no password."""

    user: str
    password: str = field(repr=False)
    provider: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What came of it.

    Attributes:
        outcome: `accepted`, `rejected` or `unavailable` as the providers say; `refused` if the gateway could not make a session of it.
        provider: The one that said so.
        why: More than any client is told.
        code: The public code of a rejection.
        milliseconds: How long the providers took.
        headers: What upstreams would be told.
        cookies, cookie_bytes: How many cookies the session would be, and their size.
    """

    outcome: str
    reason: Reason
    provider: str
    milliseconds: float
    why: str = ""
    code: str = ""
    user: User | None = None
    headers: tuple[Header, ...] = ()
    cookies: int = 0
    cookie_bytes: int = 0
    sign_in: SignIn | None = None

    @property
    def good(self) -> bool:
        """True if there would be a session."""
        return self.outcome == "accepted"

    @property
    def lines(self) -> tuple[str, ...]:
        """For people."""
        found = [f"provider: {self.provider}"] if self.provider else []
        found += [f"why: {self.why}"] if self.why else []
        found += [f"code: {self.code}, which the client is told"] if self.code else []
        if self.user is not None:
            roles, groups = ", ".join(self.user.roles) or "none", ", ".join(self.user.groups) or "none"
            found.append(f"user: {self.user.id} (roles: {roles}; groups: {groups})")
            found += [f"further claims: {', '.join(sorted(self.user.claims))}"] if self.user.claims else []
        if self.cookies:
            found.append(f"session: {self.cookie_bytes} bytes in {self.cookies} cookie{'s' if self.cookies > 1 else ''}")
        if self.sign_in is not None:
            end = self.sign_in.destination
            found.append(f"ends at {end.location}, by {self.sign_in.named(end.won)}, if no page was asked for")
        return tuple(found)

    def as_json(self) -> dict[str, object]:
        """For programs."""
        user = self.user
        told = user and {"id": user.id, "name": user.name, "email": user.email, "roles": list(user.roles), "groups": list(user.groups)}
        return {
            "outcome": self.outcome,
            "reason": self.reason.value,
            "provider": self.provider or None,
            "why": self.why or None,
            "code": self.code or None,
            "milliseconds": round(self.milliseconds, 1),
            "user": told,
            "claims": sorted(user.claims) if user else [],
            "headers_set": dict(self.headers),
            "cookies": self.cookies,
            "cookie_bytes": self.cookie_bytes,
            "sign_in": None if self.sign_in is None else self.sign_in.as_json(),
        }


async def try_it(attempt: Attempt, settings: Settings) -> Tried:
    """Ask the providers.

    Raises:
        click.UsageError: There is no such provider, or its form has no such field.
        ConfigError: A provider can't work as configured.
    """
    chain = build_chain(settings)
    provider = _provider(chain.providers, attempt.provider)
    credentials = Credentials(fields=_fields(provider, attempt))
    await chain.start()
    started = time.perf_counter()
    try:
        answer: Answer | ProviderUnavailable = await chain.authorize(provider.id, credentials)
    except ProviderUnavailable as error:
        answer = error
    finally:
        took = (time.perf_counter() - started) * 1000
        await chain.close()
    first = await would_be_first(settings, answer.provider, answer.user.id) if isinstance(answer, Accepted) else None
    return _tried(answer, settings, took, first)


def _provider(providers: tuple[Provider, ...], asked: str | None) -> Provider:
    found = next((provider for provider in providers if asked in (None, provider.id)), None)
    if found is None:
        known = ", ".join(provider.id for provider in providers) or "there is none"
        raise click.UsageError(f"there is no provider {asked!r}; there is: {known}" if asked else "no provider is configured")
    return found


def _fields(provider: Provider, attempt: Attempt) -> dict[str, str]:
    """The form, filled in: the user's name, the password wherever one is asked for, and what else was said."""
    form = form_of(provider)
    keys = [entry.key for entry in form.inputs]
    if unknown := [key for key in attempt.fields if key not in keys]:
        raise click.UsageError(f"the form of {provider.id} has no field {unknown[0]!r}: it has {', '.join(keys)}")
    typed = {entry.key: attempt.password for entry in form.inputs if entry.type == "password"}
    named = {form.account: attempt.user} if form.account else {}
    return {**dict.fromkeys(keys, ""), **typed, **named, **attempt.fields}


def _tried(answer: Answer | ProviderUnavailable, settings: Settings, took: float, first: bool | None) -> Tried:
    if isinstance(answer, ProviderUnavailable):
        reason = Reason.SIGN_IN_BUSY if isinstance(answer, HashingBusy) else Reason.PROVIDER_UNAVAILABLE
        return Tried(outcome="unavailable", reason=reason, provider=answer.provider, why=answer.why, milliseconds=took)
    if isinstance(answer, Accepted):
        return _accepted(answer, settings, took, first)
    if isinstance(answer, NotMine):
        why = "no provider knows whose these are"
        return Tried(outcome="rejected", reason=Reason.CREDENTIALS_WRONG, provider="", why=why, milliseconds=took)
    return Tried(
        outcome="rejected", reason=Reason.CREDENTIALS_WRONG, provider=answer.provider, why=answer.why, code=answer.code, milliseconds=took
    )


def _accepted(answer: Accepted, settings: Settings, took: float, first: bool | None) -> Tried:
    policy, now = policy_of(settings), datetime.now(UTC)
    # A secret of the moment: the size of a token is the same with any, and a question makes no file.
    keys = KeyRing.of([secrets.token_urlsafe(48)])
    secure = settings.server.public_url.scheme == "https"
    cookies = SessionCookies(keys, secure=secure, lifetime=policy.lifetime, flavour=FLAVOURS[settings.session.format])
    session = cookies.new(answer.user, answer.provider, now=now)
    try:
        headers = policy.identity.render(session)
        lines = [line.partition(";")[0] for line in cookies.write(session, now=now) if "Max-Age=0" not in line]
    except (ValueRefused, SessionUnwritable) as error:
        reasons = {ValueRefused: Reason.IDENTITY_UNENCODABLE, SessionTooLarge: Reason.SESSION_TOO_LARGE}
        reason = reasons.get(type(error), Reason.INTERNAL_ERROR)
        return Tried(outcome="refused", reason=reason, provider=answer.provider, why=str(error), user=answer.user, milliseconds=took)
    destination = after_sign_in(
        (),
        answer.user,
        answer.provider,
        rules=redirect_rules_of(settings),
        default=settings.redirects.after_sign_in,
        first=first,
        own_origin=settings.server.public_url.text,
    )
    return Tried(
        outcome="accepted",
        reason=Reason.SIGNED_IN,
        provider=answer.provider,
        user=answer.user,
        headers=headers,
        cookies=len(lines),
        cookie_bytes=sum(map(len, lines)),
        sign_in=SignIn(
            whose=answer.user.id,
            destination=destination,
            rules=redirect_rules_of(settings),
            default=settings.redirects.after_sign_in,
        ),
        milliseconds=took,
    )
