"""Before anything listens: a request that claims to be somebody goes through the configured chain, and nothing of the claim may come out.

It is read, judged and rebuilt by the parts that serve requests; only the upstream is left out. The forged names are made of the configured
ones, in the spellings that servers and frameworks fold together, and what comes out is looked at with a fold of its own, so a mistake in
how names are stripped is not made twice. If a claim or a cookie of ours would arrive, the gateway does not start.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from gateway.core.decision import Allow
from gateway.core.errors import ConfigError
from gateway.core.identity import Session, User
from gateway.core.identity_headers import PRESETS
from gateway.core.path_pattern import PathPattern
from gateway.core.policy import Policy, decide
from gateway.core.problem import Problem
from gateway.core.routes import Access, Route, Routes
from gateway.proxy.client.head import UNBOUNDED, ClientHead, Refusal, read_head
from gateway.proxy.heads import FieldFilter
from gateway.sessions.cookie_header import CookieHeader
from gateway.sessions.cookies import SIDE_COOKIES, CookieNames
from gateway.sessions.flavour import FLAVOURS
from gateway.settings.model import Settings
from gateway.settings.policy import stripper_of
from gateway.web.facts import Refused, TrustedProxies, facts_of
from gateway.web.forward import upstream_head

FORGED, _OURS = "forged-by-the-self-test", "a-cookie-of-ours"
_ADDRESS = "192.0.2.1"  # RFC 5737: nobody's
_SPELLINGS: tuple[Callable[[str], str], ...] = (
    str,
    str.lower,
    str.upper,
    lambda name: name.replace("-", "_"),
    lambda name: name.replace("-", "."),
    lambda name: name.replace("-", ""),
    lambda name: name.replace("-", "--").swapcase(),
    lambda name: f"{name}_",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """The parts that a request passes.

    Attributes:
        policy: The rules, and the identity headers that they set.
        strips: Says of a lower-case name whether no client may send it.
        owns_cookie: Says of a cookie's name whether it stays here.
        cookies: The names of ours.
        assertion: The name of the signed header, if there is one.
    """

    policy: Policy
    strips: Callable[[str], bool]
    owns_cookie: Callable[[str], bool]
    cookies: tuple[str, ...]
    assertion: str | None = None


@dataclass(frozen=True, slots=True)
class Leak:
    """What an upstream would have seen."""

    route: Route
    line: str
    what: str


def chain_of(settings: Settings, policy: Policy, owns_cookie: Callable[[str], bool]) -> Chain:
    """The chain of a configuration.

    Args:
        policy: Compiled of it, with what signs assertions, or with what stands for that.
        owns_cookie: `SessionCookies.owns`.
    """
    secure, flavour = policy.hosts.scheme == "https", FLAVOURS[settings.session.format]
    names = CookieNames.of(secure=secure, flavour=flavour)
    side = (f"{'__Secure-' if secure else ''}{flavour.stem}.{suffix}" for suffix in SIDE_COOKIES)
    return Chain(
        policy=policy,
        strips=stripper_of(settings).strips,
        owns_cookie=owns_cookie,
        cookies=(names.session, f"{names.session}.0", names.csrf, names.callback_url, *side),
        assertion=None if settings.headers.assertion is None else settings.headers.assertion.name,
    )


def require_no_leak(chain: Chain) -> None:
    """Try it.

    Raises:
        ConfigError: An upstream would have believed a claim, or got a cookie of ours; each is named.
    """
    problems = [
        Problem(
            key=f"upstreams.{leak.route.upstream}",
            what=f"the self-test's forged request would have reached it by the route {leak.route.name!r}: {leak.what}: {leak.line}",
            cure="do not serve with this: take the header out of [headers], and report it as a fault of the gateway",
        )
        for leak in leaks(chain)
    ]
    if problems:
        raise ConfigError(problems)


def leaks(chain: Chain) -> Iterator[Leak]:
    """Everything that should not come out, of one route of each kind: thousands of routes differ in their paths only."""
    open_ = (route for route in reversed(chain.policy.routes.ordered) if route.upstream is not None and route.access is not Access.DENY)
    kinds = {_kind(route): route for route in open_}
    for route in kinds.values():
        # The same route for every path, method and role: what matters here is what it passes on.
        everywhere = replace(route, path=PathPattern.parse("/**"), hosts=(), methods=frozenset(), roles=frozenset(), groups=frozenset())
        policy = replace(chain.policy, routes=Routes.of((everywhere,)))
        somebody = _somebody(policy)
        for session in (None, somebody) if route.access is Access.OPTIONAL else (somebody,):
            yield from _tried(chain, policy, route, session)


def _kind(route: Route) -> tuple[object, ...]:
    return route.access, route.upstream, route.keeps_authorization, route.authorization


def _tried(chain: Chain, policy: Policy, route: Route, session: Session | None) -> Iterator[Leak]:
    names = _claimed(chain) if route.keeps_authorization else (*_claimed(chain), "Authorization")
    for head in (_forged(chain, names), _forged(chain, names, nominated=True)):
        received = facts_of(method="GET", target="/", headers=head.headers, peer=_ADDRESS, hosts=policy.hosts, trusted=TrustedProxies())
        decision = None if isinstance(received, Refused) else decide(received.facts, session, policy, now=datetime.now(UTC))
        if not isinstance(decision, Allow) or isinstance(received, Refused):
            yield Leak(route, "(nothing came out)", "it could not be tried")
            return
        cookies = CookieHeader.parse(value for name, value in head.headers if name.lower() == b"cookie")
        rest = cookies.without(chain.owns_cookie)
        sent = upstream_head(decision, received.facts, head, cookie=rest, strips=chain.strips, address=_ADDRESS, chain=())
        lines = sent.decode("latin-1").split("\r\n")[1:-2]
        yield from (Leak(route, line, "a claim of the client's") for line in lines if _is_claim(line))
        yield from (Leak(route, line, "a cookie of the gateway's") for line in lines if line.startswith("Cookie:") and _OURS in line)
        yield from _missing(route, lines, decision.set_headers)
    # The lanes that remember build their heads by this filter, and leave routes to the general lane that drop the client's Authorization.
    head = _forged(chain, _claimed(chain))
    passed = (line.decode("latin-1") for line in FieldFilter(chain.strips).passing(head.headers, head.options))
    yield from (Leak(route, line, "a claim of the client's, by the express lane") for line in passed if _is_claim(line))


def _missing(route: Route, lines: Iterable[str], told: Iterable[tuple[str, str]]) -> Iterator[Leak]:
    """What the gateway says itself must arrive, once, whatever the client says beside it (CVE-2025-48865)."""
    for name, value in told:
        found = [line for line in lines if _folded(line.partition(":")[0]) == _folded(name)]
        if found != [f"{name}: {value}"]:
            yield Leak(route, "; ".join(found) or f"(no {name})", "not what the gateway says, once")


def _is_claim(line: str) -> bool:
    return FORGED in line.partition(":")[2]


def _folded(name: str) -> str:
    """As the most careless of servers reads a name: letters and digits alone."""
    return "".join(char for char in name.lower() if char.isalnum())


def _claimed(chain: Chain) -> tuple[str, ...]:
    """Every identity header that there is a preset for, whether it is in use or not, and the configured ones."""
    presets = (name for preset in PRESETS.values() for name in preset)
    return tuple(dict.fromkeys((*presets, *chain.policy.identity.names, *([chain.assertion] if chain.assertion else []))))


def _forged(chain: Chain, names: Sequence[str], *, nominated: bool = False) -> ClientHead:
    """A request with these headers in every spelling, twice, and with our cookies.

    Args:
        nominated: `Connection` names them too, so that whoever strips by it last takes the gateway's own away.
    """
    lines = [f"{spell(name)}: {FORGED}" for name in names for spell in _SPELLINGS for _ in range(2)]
    lines += [f"Connection: {', '.join(names)}"] if nominated else []
    lines.append("Cookie: app=theirs; " + "; ".join(f"{name}={_OURS}" for name in chain.cookies))
    host = chain.policy.hosts.patterns[0].text
    head = read_head("\r\n".join(("GET / HTTP/1.1", f"Host: {host}", *lines)).encode("ascii"), UNBOUNDED)
    assert not isinstance(head, Refusal), head
    return head


def _somebody(policy: Policy) -> Session:
    now = datetime.now(UTC)
    user = User(id="self-test", name="Self Test", email="self-test@example.invalid", roles=("role",), groups=("group",))
    ends = policy.lifetime.expiry(now, now=now)
    return Session(user=user, token_id="-", sign_in_id="-", signed_in_at=now, issued_at=now, expires_at=ends)  # noqa: S106  # an id
