"""What is particular to standing in for another gateway: questions that leave the method out, its own headers, what its addresses ask for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from urllib.parse import parse_qs

from gateway.core.decision import Header
from gateway.core.facts import RequestFacts
from gateway.core.identity import Session
from gateway.core.identity_headers import IdentityHeaders
from gateway.core.policy import Policy
from gateway.core.reason import Reason
from gateway.core.route_search import route_of
from gateway.web.forward_auth.dialects import OAUTH2_PROXY, Dialect


def matters_not(facts: RequestFacts, policy: Policy) -> bool:
    """True if the same route decides whichever method the original request has: only then can a question leave it out."""
    methods = frozenset().union(*(route.methods for route in policy.routes.ordered))
    anyway = route_of(facts, policy.routes)
    return all(route_of(replace(facts, method=method), policy.routes) is anyway for method in methods)


def told_besides(dialect: Dialect, session: Session) -> Sequence[Header]:
    """The identity headers that the other gateway would tell.

    Raises:
        ValueRefused: One of them can't be said.
    """
    if dialect.preset is None:
        return ()
    told = _preset(dialect.preset).render(session)
    if dialect is OAUTH2_PROXY:
        said = dict(told)
        told += (("GAP-Auth", said.get("X-Auth-Request-Email") or said["X-Auth-Request-User"]),)
    return told


def wants_more(target: bytes, session: Session | Reason | None) -> tuple[Reason, int] | None:
    """Why `/oauth2/auth?allowed_groups=a,b` is no yes for somebody whom the rules let pass; None if it is one.

    What it lists must be met: a group, an address, a domain of one. Anything else in the query is not for us.
    """
    query = parse_qs(target.partition(b"?")[2].decode("latin-1"), keep_blank_values=True)
    asked = {name: _listed(query[name]) for name in ("allowed_groups", "allowed_emails", "allowed_email_domains") if name in query}
    if not asked:
        return None
    if not isinstance(session, Session):
        return Reason.SESSION_MISSING, 401
    email = (session.user.email or "").lower()
    domain = email.partition("@")[2]  # of several @, none is believed: no domain holds one
    has = {"allowed_groups": set(session.user.groups), "allowed_emails": {email}, "allowed_email_domains": {domain}}
    fits = all(asked[name] & has[name] - {""} for name in asked)
    return None if fits else (Reason.GROUP_MISSING, 403)


def _listed(values: Sequence[str]) -> set[str]:
    return {item.strip() for value in values for item in value.split(",")}


@lru_cache
def _preset(name: str) -> IdentityHeaders:
    return IdentityHeaders.of((name,), {})
