"""One request put to the rules without sending it: from a command line to the decision, through the parts that a gateway runs.

The head is written out and read by the reader of the data plane, the facts and the decision come from where a request gets them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import click

from gateway.cli.explained import Explained, SignIn
from gateway.cli.first_sign_in import would_be_first
from gateway.cli.own_endpoint import own_endpoint
from gateway.cli.shown import note_on, shown_in
from gateway.cli.sign_in_end import is_sign_in_page, sign_in_from
from gateway.cli.summary import upstream_urls
from gateway.core.decision import Allow, Deny, Redirect, Step
from gateway.core.identity import Session, User
from gateway.core.policy import explain
from gateway.core.reason import Reason
from gateway.proxy.client.head import ClientHead, HeadLimits, Refusal, read_head
from gateway.sessions.cookie_header import CookieHeader
from gateway.sessions.cookies import CookieNames, SessionCookies
from gateway.sessions.flavour import FLAVOURS
from gateway.sessions.keys import KeyRing
from gateway.settings.policy import policy_of, stripper_of
from gateway.web.facts import Refused, TrustedProxies, facts_of

if TYPE_CHECKING:
    from gateway.core.decision import Header
    from gateway.core.facts import RequestFacts
    from gateway.core.policy import Policy
    from gateway.core.routes import Route
    from gateway.settings.model import Settings

_URL = re.compile(r"(https?)://([^/?#]*)(.*)\Z", re.IGNORECASE | re.DOTALL)
#: What a browser sends as it stands; everything else in an address it percent-encodes first (WHATWG URL 4.4).
_SENT_AS_IS = "".join(map(chr, range(0x21, 0x7F)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A request as the command line describes it, and who sends it."""

    url: str
    method: str = "GET"
    headers: tuple[str, ...] = ()
    cookie: str | None = None
    user: str | None = None
    roles: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


async def answer(question: Question, settings: Settings) -> Explained:
    """Judge the request.

    Raises:
        click.UsageError: The command line does not describe a request.
        ConfigError, ProviderUnavailable: It can't be said who the user is.
    """
    policy = with_assertion(policy_of(settings), settings)
    host, target = _address(question.url, policy)
    lines = _header_lines(
        question, host, CookieNames.of(secure=policy.hosts.scheme == "https", flavour=FLAVOURS[settings.session.format]).session
    )
    title = f"{question.method} {policy.hosts.origin(host)}{target}"
    head = _read(question.method, target, lines, settings)
    if isinstance(head, Refusal):
        return _refused(title, head.reason, head.status)
    # Without a peer nobody is a listed proxy: what the command line says in X-Forwarded-* is not believed.
    networks = TrustedProxies(settings.server.trusted_proxies)
    received = facts_of(
        method=question.method, target=target, headers=head.headers, peer="", hosts=policy.hosts, trusted=networks, upgrade=head.upgrade
    )
    if isinstance(received, Refused):
        return _refused(title, received.reason, received.status)
    own = own_endpoint(title, received.facts, settings, policy)
    if own is not None:
        return await _with_end(own, question, head, received.facts, settings, policy)
    session, notes = await _session(question, head, settings, policy)
    now = datetime.now(UTC)
    shown = await shown_in(received.facts, head.headers, settings, policy)
    decision, steps = explain(received.facts, session, policy, now=now, shown=shown)
    if shown is not None:  # it decides, and no cookie does
        session, notes = shown.held, note_on(shown)
    sign_in, further = await _end(received.facts, head, session, settings, policy, ask_first=shown is None)
    notes = (*notes, *further)
    if isinstance(decision, Redirect) and question.method == "POST" and settings.limits.kept_form and not _of_an_api(decision):
        notes = (*notes, "a small form that a page of this site sends is kept, and offered once more after the sign-in")
    if not isinstance(decision, Allow):
        return Explained(title=title, notes=notes, steps=steps, decision=decision, sign_in=sign_in)
    strips = stripper_of(settings).strips
    sent = [name.decode("ascii") for name, _ in head.headers]
    return Explained(
        title=title,
        notes=notes,
        steps=steps,
        decision=decision,
        upstream=upstream_urls(settings).get(decision.route.upstream or ""),
        headers_removed=_removed(
            policy, [name for name in sent if strips(name) or (shown is not None and name.lower() == "authorization")]
        ),
        sign_in=sign_in,
    )


async def _with_end(
    own: Explained, question: Question, head: ClientHead, facts: RequestFacts, settings: Settings, policy: Policy
) -> Explained:
    """What the gateway answers itself; of the sign-in page also where a sign-in ends that begins there."""
    if own.decision is not None or not is_sign_in_page(facts):
        return own
    session, notes = await _session(question, head, settings, policy)
    sign_in, further = await _end(facts, head, session, settings, policy)
    return replace(own, notes=(*notes, *further), sign_in=sign_in)


async def _end(
    facts: RequestFacts, head: ClientHead, session: Session | Reason | None, settings: Settings, policy: Policy, *, ask_first: bool = True
) -> tuple[SignIn | None, tuple[str, ...]]:
    """Where a sign-in would end, and what there is to say about that."""
    first = await would_be_first(settings, session.provider, session.user.id) if ask_first and isinstance(session, Session) else None
    sign_in = sign_in_from(facts, _cookies(head), session, settings, policy, now=datetime.now(UTC), first=first)
    notes: list[str] = []
    if first is not None:
        notes.append(f"a sign-in would be {'the first' if first else 'not the first'} of this user at this gateway")
    if sign_in is not None and settings.callbacks.module:
        notes.append(f"{settings.callbacks.module} may decide otherwise about sign-ins and tokens: callbacks are not run for a question")
    return sign_in, tuple(notes)


def _cookies(head: ClientHead) -> CookieHeader:
    return CookieHeader.parse(value for name, value in head.headers if name.lower() == b"cookie")


@dataclass(frozen=True, slots=True)
class _Unsigned:
    """What stands for an assertion where nothing is signed: a question makes no keys."""

    name: str

    def header(self, session: Session, route: Route, *, origin: str, now: datetime) -> Header:  # of the protocol
        return self.name, f"(signed, for {route.upstream or origin})"


def _of_an_api(decision: Redirect) -> bool:
    return decision.route is not None and decision.route.api


def with_assertion(policy: Policy, settings: Settings) -> Policy:
    """The policy with something that stands for the signed header, as no keys are made to answer a question."""
    assertion = settings.headers.assertion
    return policy if assertion is None else replace(policy, assertion=_Unsigned(assertion.name))


def _removed(policy: Policy, sent: Iterable[str]) -> tuple[str, ...]:
    """Ours, whoever sends them, and what this request holds besides."""
    names = {name.lower(): name for name in (*sent, *policy.identity.names)}
    return tuple(sorted(names.values(), key=str.lower))


def _address(url: str, policy: Policy) -> tuple[str, str]:
    """Host and request target of an address, as a browser would send them."""
    whole = _URL.match(url)
    if whole is None and not url.startswith("/"):
        raise click.UsageError(f"{url}: an address starts with http://, https:// or /")
    host, rest = (whole[2], whole[3]) if whole else (policy.hosts.patterns[0].text, url)
    # Bytes that are no UTF-8, or that the locale could not read, are the very bytes that were typed.
    target = quote(rest.partition("#")[0].encode("utf-8", "surrogateescape"), safe=_SENT_AS_IS)
    return host, target if target.startswith("/") else f"/{target}"


def _header_lines(question: Question, host: str, session_cookie: str) -> list[str]:
    lines = list(question.headers)
    for line in lines:
        if ":" not in line:
            raise click.UsageError(f"--header {line!r} is not 'Name: value'")
    if not any(line.lower().startswith("host:") for line in lines):
        lines.insert(0, f"Host: {host}")
    if question.cookie is not None:
        bare = "=" not in question.cookie  # a token alone, as copied from a browser's list of cookies
        lines.append(
            f"Cookie: {session_cookie}={question.cookie}" if bare else f"Cookie: {question.cookie.removeprefix('Cookie:').strip()}"
        )
    return lines


def _read(method: str, target: str, lines: Iterable[str], settings: Settings) -> ClientHead | Refusal:
    limits = settings.limits
    bounds = HeadLimits(line=limits.request_line, field=limits.header_field, count=limits.header_count, total=limits.request_head)
    return read_head("\r\n".join((f"{method} {target} HTTP/1.1", *lines)).encode("utf-8", "surrogateescape"), bounds)


def _refused(title: str, reason: Reason, status: int) -> Explained:
    step = Step("request", "form", False, f"the request is refused before the rules are read: {reason}")
    return Explained(title=title, steps=(step,), decision=Deny(reason, status))


async def _session(
    question: Question, head: ClientHead, settings: Settings, policy: Policy
) -> tuple[Session | Reason | None, tuple[str, ...]]:
    cookies = _cookies(head)
    if question.user is None:
        if not cookies.names:
            return None, ("nobody is signed in",)
        held = await _held(cookies, settings, policy)
        return held, (f"signed in as {held.user.id}, by the cookie",) if isinstance(held, Session) else ()
    user, provider, note = await _user(question, settings)
    now = datetime.now(UTC)
    session = Session(
        user=user,
        token_id="explain",  # noqa: S106  # an id, not a secret
        sign_in_id="explain",
        signed_in_at=now,
        issued_at=now,
        expires_at=policy.lifetime.expiry(now, now=now),
        provider=provider,
    )
    return session, (note,)


async def _held(cookies: CookieHeader, settings: Settings, policy: Policy) -> Session | Reason | None:
    """What cookies hold; where sessions live in the store, it is asked."""
    keys = _keys(settings)
    if settings.session.strategy == "jwt":
        secure = settings.server.public_url.scheme == "https"
        return SessionCookies(keys, secure=secure, lifetime=policy.lifetime, flavour=FLAVOURS[settings.session.format]).read(cookies)
    from gateway.web.app import build_shared, session_cookies

    shared = build_shared(settings)
    await shared.revocations.start()
    try:
        kept, _ = session_cookies(settings, keys, policy.lifetime, shared)
        await kept.load(cookies)
        return kept.read(cookies)
    finally:
        await shared.revocations.close()


def _keys(settings: Settings) -> KeyRing:
    """The secrets that there are; unlike a start, a question makes none."""
    if settings.session.secrets:
        return KeyRing.of([secret.get_secret_value() for secret in settings.session.secrets])
    return KeyRing.load(settings.session.secrets_file or Path("secret"))


async def _user(question: Question, settings: Settings) -> tuple[User, str, str]:
    """The user as a provider knows them, or one made of the command line; the provider; and a sentence that says which."""
    from gateway.providers.build import build_chain

    assert question.user is not None
    chain = build_chain(settings)
    await chain.start()
    try:
        found = await chain.find(question.user)
        kept = {entry.id for entry in settings.providers if entry.type != "python"}
        disabled = found is not None and found[1] in kept and await chain.find_active(found[1], found[0].id) is None
    finally:
        await chain.close()
    if found is None:
        user = User(id=question.user, name=question.user, roles=question.roles, groups=question.groups)
        provider = settings.providers[0].id if settings.providers else ""
        return user, provider, f"signed in as {_who(user)}: no provider knows such a user, so this is what the command line says"
    user, provider = found
    ignored = "; --role and --group are not used for a known user" if question.roles or question.groups else ""
    ended = "; disabled, so this is what an older session may do" if disabled else ""
    return user, provider, f"signed in as {_who(user)}: as provider {provider} says{ended}{ignored}"


def _who(user: User) -> str:
    return f"{user.id} (roles: {', '.join(user.roles) or 'none'}; groups: {', '.join(user.groups) or 'none'})"
