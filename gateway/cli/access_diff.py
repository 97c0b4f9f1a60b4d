"""Whose access changes from one configuration to another: the same requests, put to both by the lines that judge them in a running gateway."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from gateway.core.decision import Allow
from gateway.core.identity import Session, User
from gateway.core.policy import decide
from gateway.core.reason import Reason
from gateway.settings.policy import policy_of
from gateway.web.facts import Refused, TrustedProxies, facts_of, is_own_endpoint

if TYPE_CHECKING:
    from gateway.cli.asked import Asked, Requests
    from gateway.core.policy import Policy
    from gateway.settings.model import Settings

NOBODY, ANYBODY, EVERYTHING = "nobody", "anybody signed in", "every role and group"
Verdict = tuple[bool, Reason]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A request that somebody may send with one configuration and not with the other.

    Attributes:
        count: How often it came.
        opens_for, closes_for: Who gains it, and who loses it.
        reasons: For each of them: the reason before, and after.
    """

    asked: Asked
    count: int
    opens_for: tuple[str, ...]
    closes_for: tuple[str, ...]
    reasons: Mapping[str, tuple[Reason, Reason]]


def people_of(*policies: Policy) -> dict[str, User | None]:
    """Everybody that the rules of any of them tell apart: nobody, anybody, a holder of each role, a member of each group, and of all at once."""
    routes = [route for policy in policies for route in policy.routes.ordered]
    roles = sorted({role for route in routes for role in route.roles})
    groups = sorted({group for route in routes for group in route.groups})
    people: dict[str, User | None] = {NOBODY: None, ANYBODY: User(id="anybody")}
    people |= {f"role {role}": User(id="anybody", roles=(role,)) for role in roles}
    people |= {f"group {group}": User(id="anybody", groups=(group,)) for group in groups}
    if len(people) > 3:
        people[EVERYTHING] = User(id="anybody", roles=tuple(roles), groups=tuple(groups))
    return people


def changes(before: Settings, after: Settings, requests: Requests, *, now: datetime) -> Iterator[Change]:
    """Every request whose answer changes from closed to open, or back, for somebody; those that open something first."""
    old, new = policy_of(before), policy_of(after)
    people = people_of(old, new)
    found = [change for asked, count in requests.counts.items() if (change := _change(asked, count, old, new, people, now)) is not None]
    yield from sorted(found, key=lambda change: (not change.opens_for, -change.count, change.asked))


def _change(asked: Asked, count: int, old: Policy, new: Policy, people: Mapping[str, User | None], now: datetime) -> Change | None:
    opens: list[str] = []
    closes: list[str] = []
    reasons: dict[str, tuple[Reason, Reason]] = {}
    for who, user in people.items():
        (was, why_was), (is_, why_is) = _verdict(asked, user, old, now), _verdict(asked, user, new, now)
        if was is not is_:
            (opens if is_ else closes).append(who)
            reasons[who] = (why_was, why_is)
    if not reasons:
        return None
    return Change(asked=asked, count=count, opens_for=tuple(opens), closes_for=tuple(closes), reasons=reasons)


def _verdict(asked: Asked, user: User | None, policy: Policy, now: datetime) -> Verdict:
    """Whether the request would reach an upstream. Where no host is known, that of the public URL is meant, which may differ."""
    host = asked.host or policy.hosts.patterns[0].text
    received = facts_of(
        method=asked.method,
        target=asked.target,
        headers=[(b"Host", host.encode("latin-1", "replace"))],
        peer="",
        hosts=policy.hosts,
        trusted=TrustedProxies(),
    )
    if isinstance(received, Refused):
        return False, received.reason
    if is_own_endpoint(received.facts.target):
        return False, Reason.OWN_ENDPOINT
    decision = decide(received.facts, None if user is None else _session(user, policy, now), policy, now=now)
    return isinstance(decision, Allow), decision.reason


def _session(user: User, policy: Policy, now: datetime) -> Session:
    return Session(
        user=user,
        token_id="check",  # noqa: S106  # an id, not a secret
        sign_in_id="check",
        signed_in_at=now,
        issued_at=now,
        expires_at=policy.lifetime.expiry(now, now=now),
    )
