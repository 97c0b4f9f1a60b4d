"""What `gateway explain` says of an address that the gateway answers itself, whatever the routes say: the order is that of `web/guard.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.cli.explained import Explained
from gateway.core.decision import Deny, Step
from gateway.core.reason import Reason
from gateway.sessions.flavour import FLAVOURS
from gateway.web.auth.addresses import BASE, refusal
from gateway.web.facts import is_own_endpoint
from gateway.web.forward_auth.dialects import rooms_of, spoken
from gateway.web.jwks import JWKS_PATH

if TYPE_CHECKING:
    from gateway.core.facts import RequestFacts
    from gateway.core.policy import Policy
    from gateway.settings.model import Settings

_OURS = "the gateway answers this address itself; no route is asked, and nothing is forwarded"


def own_endpoint(title: str, facts: RequestFacts, settings: Settings, policy: Policy) -> Explained | None:
    """The answer; None for an address that is for the routes."""
    target = facts.target
    if settings.headers.assertion is not None and target.path == JWKS_PATH:
        keys = Step(JWKS_PATH, "path", True, _OURS)
        good = facts.method in ("GET", "HEAD")
        return Explained(title=title, steps=(keys,), decision=None if good else Deny(Reason.METHOD_REFUSED, 405))
    rooms = rooms_of(settings.forward_auth.dialects)
    stands_in = any(reading == room or reading.startswith(f"{room}/") for room in rooms for reading in target.readings)
    if not is_own_endpoint(target) and not stands_in:
        return None
    if any(dialect.covers(target.path) for dialect in spoken(settings.forward_auth.dialects)):
        asks = Step(
            "forward-auth", "peer", False, "here proxies ask about requests, those that server.trusted_proxies lists and nobody else"
        )
        return Explained(title=title, steps=(asks,), decision=Deny(Reason.PROXY_UNLISTED, 403))
    known = policy.hosts.covers(facts.host)
    host = Step("host", "host", known, f"{facts.host} is {'' if known else 'not '}a host of this gateway")
    if not known:
        return Explained(title=title, steps=(host,), decision=Deny(Reason.HOST_UNKNOWN, 421))
    if target.path != target.readings[0] or len(target.readings) > 1:
        unclear = Step("path", "readings", False, "the path can be read in several ways, and one of them is the gateway's own")
        return Explained(title=title, steps=(host, unclear), decision=Deny(Reason.PATH_AMBIGUOUS, 400))
    if stands_in:
        return Explained(title=title, steps=(host, Step(rooms[0], "path", True, _OURS)), decision=None)
    own = Step("/api/auth", "path", True, _OURS)
    if _is_inspector(target.path) and facts.method in ("GET", "HEAD"):
        return Explained(title=title, steps=(host, own, *_who_may_look(settings)), decision=_off(settings))
    refused = refusal(target.path, facts.method, takes_reports=FLAVOURS[settings.session.format].takes_reports)
    if refused is None:
        return Explained(title=title, steps=(host, own), decision=None)
    check, why = ("path", "there is no such address") if refused[1] == 404 else ("method", f"{facts.method} is not for this address")
    return Explained(title=title, steps=(host, own, Step("/api/auth", check, False, why)), decision=Deny(*refused))


def _is_inspector(path: str) -> bool:
    name = path.removeprefix(f"{BASE}/")
    return name == "why" or (name.partition("/")[0] == "inspector" and refusal(path, "GET", takes_reports=False) is None)


def _off(settings: Settings) -> Deny | None:
    return None if settings.inspector.enabled else Deny(Reason.INSPECTOR_OFF, 404)


def _who_may_look(settings: Settings) -> tuple[Step, ...]:
    inspector = settings.inspector
    if not inspector.enabled:
        return (Step("[inspector]", "enabled", False, "it is off, so nothing is recorded; enabled = true switches it on"),)
    may = "everybody who is signed in" if "*" in inspector.roles else ", ".join(inspector.roles) or "nobody"
    return (
        Step(
            "[inspector]",
            "roles",
            True,
            f"/api/auth/why shows each browser its own; /api/auth/inspector shows all to {may}, and answers others with 401 or 403",
        ),
    )
