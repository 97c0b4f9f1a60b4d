"""What kind of answer a client can use where it is not signed in: Fetch Metadata first, then `Accept`. The route's word comes last.

The table is data: `wants` reads it, `gateway explain` names its row, and `docs/redirects.md` prints it.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from gateway.core.facts import Wants

FETCH_MODE, REQUESTED_WITH, ACCEPT = "Sec-Fetch-Mode", "X-Requested-With", "Accept"
_PAGES = ("text/html", "application/xhtml+xml")


class Weighs(enum.StrEnum):
    """What an `Accept` header comes to, by its q-values (RFC 9110 12.5.1)."""

    PAGE = "HTML weighs at least as much as any other type that is named"
    DATA = "another named type weighs more, or HTML is refused (`q=0`)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """One row: a header that says something about the answer that the client can use.

    Attributes:
        header: The header looked at; empty in the last row, which fits all that is left.
        says: The value, in lower case; or what an `Accept` comes to; None: whatever it says, as long as it is there.
        wants: What follows.
        who: Who sends this, in words.
    """

    header: str
    says: str | None
    wants: Wants
    who: str


#: The first row that fits decides.
SIGNS = (
    Sign(header=FETCH_MODE, says="navigate", wants=Wants.PAGE, who="a person who follows a link, types an address or sends a form"),
    Sign(
        header=FETCH_MODE,
        says=None,
        wants=Wants.DATA,
        who="`fetch()`, also in a service worker; images, scripts, favicons, preflights, WebSockets",
    ),
    Sign(header=REQUESTED_WITH, says="xmlhttprequest", wants=Wants.DATA, who="older browsers' scripts, by their libraries"),
    Sign(header=ACCEPT, says=Weighs.PAGE, wants=Wants.PAGE, who="browsers without Fetch Metadata"),
    Sign(header=ACCEPT, says=Weighs.DATA, wants=Wants.DATA, who="programs that ask for JSON, images or an event stream"),
    Sign(header="", says=None, wants=Wants.UNSAID, who="`curl`, health checks: no `Accept`, or `*/*` alone"),
)


def wants(*, fetch_mode: str | None, accept: str | None, requested_with: str | None = None) -> Wants:
    """Read `Sec-Fetch-Mode` (W3C Fetch Metadata 2.2), `X-Requested-With` and `Accept` by the table."""
    return sign_of(fetch_mode=fetch_mode, accept=accept, requested_with=requested_with).wants


def sign_of(*, fetch_mode: str | None, accept: str | None, requested_with: str | None = None) -> Sign:
    """The row of the table that decides."""
    weighed: Weighs | None = None
    for sign in SIGNS:
        if sign.header == FETCH_MODE:
            said = fetch_mode
        elif sign.header == REQUESTED_WITH:
            said = requested_with and requested_with.lower()
        elif sign.header == ACCEPT:  # weighed only where nothing before it decides: browsers send long ones with every request
            said = weighed = weighed or (_weighed(accept) if accept else None)
        else:
            return sign
        if said is not None and sign.says in (None, said):
            return sign
    raise AssertionError("the last row fits everything")


def _weighed(accept: str) -> Weighs | None:
    weights = _weights(accept)
    named = [kind for kind in _PAGES if kind in weights]
    page = max((weights[kind] for kind in named), default=weights.get("text/*", 0.0))
    others = {kind: q for kind, q in weights.items() if kind not in (*_PAGES, "text/*")}
    data = max((q for kind, q in others.items() if kind != "*/*"), default=0.0)
    if page == data == 0.0:
        return Weighs.DATA if named or "text/*" in weights else None
    return Weighs.PAGE if page >= data else Weighs.DATA


def _weights(accept: str) -> dict[str, float]:
    weights: dict[str, float] = {}
    for item in accept.lower().split(","):
        kind, *parameters = (part.strip() for part in item.split(";"))
        said = [parameter[2:] for parameter in parameters if parameter.startswith("q=")]
        try:
            weight = min(1.0, max(0.0, float(said[-1]))) if said else 1.0
        except ValueError:
            continue  # a weight that is none: neither asked for nor refused
        if kind:
            weights[kind] = max(weight, weights.get(kind, 0.0))
    return weights
