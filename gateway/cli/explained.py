"""The answer of `gateway explain`: a decision with everything that led to it, as JSON and as sentences."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import assert_never

from gateway.core.authorization import Basic
from gateway.core.decision import Allow, Decision, Deny, Header, Redirect, Step
from gateway.core.reason import Reason
from gateway.core.return_to import Destination, Lost, RedirectRule
from gateway.web.reason_text import text_of


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """Where a sign-in would end that begins with the request.

    Attributes:
        whose: The user it was worked out for; None: somebody without roles and groups.
        destination: The end, which candidate won, and the others.
        rules, default: What the configuration says of it: for people, who want to see whom a rule is for.
    """

    whose: str | None
    destination: Destination
    rules: tuple[RedirectRule, ...] = ()
    default: str = "/"

    def as_json(self) -> dict[str, object]:
        """For programs."""
        return {
            "as": self.whose,
            "ends_at": self.destination.location,
            "won": self.destination.won,
            "lost": [{"candidate": candidate, "why": why} for candidate, why in self.lost],
        }

    def named(self, candidate: str) -> str:
        """A candidate, for people: of one that the configuration holds, whom it is for and where it leads."""
        told = {f"redirects.rules[{number}]": f"{rule.condition} → {rule.to}" for number, rule in enumerate(self.rules, 1)}
        told["redirects.after_sign_in"] = f"→ {self.default}"
        return f"{candidate} ({told[candidate]})" if candidate in told else candidate

    @property
    def lost(self) -> Iterator[tuple[str, str]]:
        """Every other candidate, and why it was not taken."""
        for candidate, why in self.destination.lost:
            yield candidate, why.value
        for candidate in self.destination.behind:
            yield candidate, Lost.OTHER_WON.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """What would happen to a request.

    Attributes:
        title: The request in one line.
        notes: Who it is that asks, and how that is known.
        decision: None where the gateway answers the address itself.
        upstream: The address that the request would go to.
        sign_in: Where a sign-in would end that begins here; None if none would begin.
        headers_removed: Names that the upstream never sees from a client: ours in any case, and what else the request holds.
    """

    title: str
    decision: Decision | None
    steps: tuple[Step, ...]
    notes: tuple[str, ...] = ()
    upstream: str | None = None
    headers_removed: tuple[str, ...] = ()
    sign_in: SignIn | None = None

    @property
    def allowed(self) -> bool:
        """True if the client gets what it asks for."""
        return self.decision is None or isinstance(self.decision, Allow)

    @property
    def headers_set(self) -> tuple[Header, ...]:
        """The identity headers that the upstream gets; the password of a Basic one is nobody's to see."""
        if not isinstance(self.decision, Allow):
            return ()
        hidden = isinstance(self.decision.route.authorization, Basic)
        return tuple((name, "Basic (hidden)" if hidden and name == "Authorization" else value) for name, value in self.decision.set_headers)

    @property
    def reason(self) -> Reason:
        """Why."""
        return Reason.OWN_ENDPOINT if self.decision is None else self.decision.reason

    @property
    def status(self) -> int | None:
        """The status of the gateway's own answer; None where another decides."""
        return self.decision.status if isinstance(self.decision, (Redirect, Deny)) else None

    @property
    def meaning(self) -> Iterator[str]:
        """The decision in sentences."""
        match self.decision:
            case None:
                yield "the gateway answers itself"
            case Allow(route=route):
                yield f"passes to {route.upstream}{f' at {self.upstream}' if self.upstream else ''} by {route.name}"
            case Redirect(location=location):
                yield f"the browser is sent to {location}"
            case Deny():
                yield f"the request ends at the gateway, with the words: {text_of(self.reason).what}"
            case _:
                assert_never(self.decision)
        yield f"docs/reasons.md says more about {self.reason}"

    def as_json(self) -> dict[str, object]:
        """The shape that programs rely on."""
        decision = self.decision
        route = None if decision is None else decision.route
        return {
            "decision": {Redirect: "redirect", Deny: "deny"}.get(type(decision), "allow"),
            "reason": self.reason.value,
            "status": self.status,
            "location": decision.location if isinstance(decision, Redirect) else None,
            "route": None if route is None else route.name,
            "upstream": route.upstream if isinstance(decision, Allow) and route is not None else None,
            "headers_set": dict(self.headers_set),
            "headers_removed": list(self.headers_removed),
            "sign_in": None if self.sign_in is None else self.sign_in.as_json(),
            "steps": [{"rule": step.rule, "check": step.check, "hit": step.hit, "why": step.why} for step in self.steps],
        }
