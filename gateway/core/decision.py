"""What the rules make of a request: `Allow`, `Redirect` or `Deny`, each with its reason, and the steps that led there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.core.reason import Reason

if TYPE_CHECKING:
    from gateway.core.routes import Route

Header = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Allow:
    """The request may pass to the route's upstream, with `set_headers` added after everything of ours was stripped."""

    reason: Reason
    route: Route
    set_headers: tuple[Header, ...] = ()


@dataclass(frozen=True, slots=True)
class Redirect:
    """A person should go to `location`, to sign in; `status` is 302, or 303 after anything but GET and HEAD."""

    reason: Reason
    location: str
    status: int = 302
    route: Route | None = None


@dataclass(frozen=True, slots=True)
class Deny:
    """The request ends here with `status`; `headers` are lines that the answer has to have besides, such as a challenge."""

    reason: Reason
    status: int
    route: Route | None = None
    headers: tuple[Header, ...] = ()


Decision = Allow | Redirect | Deny


@dataclass(frozen=True, slots=True)
class Step:
    """One look at one thing on the way to a decision.

    Attributes:
        rule: The route looked at, or the part of the gateway that looks (`"host"`, `"session"`).
        check: What was compared, for example `"path"`, `"method"`, `"roles"`.
        hit: True if the check held.
        why: The values compared, in words for a person; never a secret.
    """

    rule: str
    check: str
    hit: bool
    why: str
