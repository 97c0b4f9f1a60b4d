"""Where a sign-in will end: collecting what was asked, in order, and keeping it sealed in the form (one target a tab).

What is asked is judged by `core/return_to.py` at every entrance: when the page is shown, and again when the form comes back.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta

from gateway.callbacks.module import CallbackFailed
from gateway.core.identity import User
from gateway.core.page_route import route_of_page
from gateway.core.reason import Reason
from gateway.core.return_to import Destination, ReturnTo, after_sign_in, safe_return
from gateway.settings.policy import redirect_rules_of
from gateway.web.auth.visit import Visit

PURPOSE = "return-to"
LIFE = timedelta(hours=1)
Candidates = tuple[tuple[str, str | None], ...]


@dataclass(frozen=True, slots=True)
class TabState:
    """What a tab carries through the sign-in beside its target, sealed with it.

    Attributes:
        lost_at: When the form came back without any cookie of ours the last time, in seconds since 1970; 0: it did not.
        kept: The id of a form that waits for the end of the sign-in; empty: none.
        refused: By which way a target came that may not be taken, and why, with `: ` between; empty: none did.
    """

    lost_at: int = 0
    kept: str = ""
    refused: str = ""


NEW_TAB = TabState()
_MORE = "\x1f"  # stands in no target: `core/return_to.py` lets none pass


def candidates(visit: Visit, posted: Mapping[str, str] | None = None) -> Candidates:
    """What was asked, first wins: the body, the query, the sealed target of the form, the cookie.

    A sealed target that opens ends the list, also an empty one: this tab asked for nothing, and what another tab left in the cookie
    is not meant.
    """
    asked: list[tuple[str, str | None]] = []
    if posted and posted.get("callbackUrl"):
        asked.append(("callbackUrl in the body", posted["callbackUrl"]))
    if visit.query.get("callbackUrl"):
        asked.append(("callbackUrl in the query", visit.query["callbackUrl"]))
    opened = _opened(visit, posted)
    if opened is not None:
        location = opened[0]
        return (*asked, ("the sign-in form", location)) if location else tuple(asked)
    cookie = visit.cookies.first(visit.gateway.sessions.names.callback_url)
    return (*asked, ("the callback-url cookie", cookie)) if cookie else tuple(asked)


async def asked_for(visit: Visit, posted: Mapping[str, str] | None = None) -> Candidates:
    """What was asked, once the `redirect` callback has had its say about the first of it, as in NextAuth."""
    asked = candidates(visit, posted)
    if not asked or "redirect" not in visit.gateway.callbacks:
        return asked
    source, url = asked[0]
    return ((f"the redirect callback, of {source}", await redirected(visit, url or "")),)


async def redirected(visit: Visit, url: str) -> str | None:
    """What the `redirect` callback makes of a URL: it itself without one, None if the callback failed. It is judged afterwards like any other."""
    callbacks = visit.gateway.callbacks
    if "redirect" not in callbacks:
        return url
    try:
        given = await callbacks.ask("redirect", url=url, base_url=visit.origin)
        if not isinstance(given, str):
            raise callbacks.refuse("redirect", f"it gave a {type(given).__name__}: return a path or a URL")
    except CallbackFailed as error:
        visit.trace.failed(error)
        return None
    return given


def target(visit: Visit, asked: Candidates) -> str | None:
    """The first candidate that may be taken; None if there is none."""
    for source, url in asked:
        found = judge(visit, url)
        if found.refused is None:
            visit.trace.settled(source, found.location)
            return found.location
    return None


def refusals(visit: Visit, asked: Candidates) -> Iterator[tuple[str, Reason]]:
    """The candidates before the first that may be taken: by which way each came, and why it may not."""
    for source, url in asked:
        refused = judge(visit, url).refused
        if refused is None:
            return
        yield source, refused


def judge(visit: Visit, asked: str | None, *, default: str = "/") -> ReturnTo:
    """Judge one candidate."""
    limit = visit.gateway.settings.limits.callback_url
    too_long = asked is not None and len(asked) > limit
    return safe_return(
        # A longer text is refused by its length whatever it says, so there is no need to look at all of it.
        "/" * 4096 if too_long else asked,
        own_origin=visit.origin,
        origins=visit.gateway.policy.allowed_origins,
        hosts=visit.gateway.policy.hosts,
        default=default,
    )


def seal(visit: Visit, location: str | None, tab: TabState = NEW_TAB) -> str:
    """The target of this tab, for the form; sealed so that nobody can read or change it, even when there is none."""
    more = "" if tab == NEW_TAB else _MORE + json.dumps(asdict(tab), separators=(",", ":"))
    return visit.gateway.sealer.seal((location or "") + more, purpose=PURPOSE, expires=visit.now + LIFE)


def tab_of(visit: Visit, posted: Mapping[str, str] | None = None) -> TabState:
    """What else this tab carries, in the form that was posted or in the address of the page."""
    opened = _opened(visit, posted)
    return NEW_TAB if opened is None else opened[1]


def _opened(visit: Visit, posted: Mapping[str, str] | None) -> tuple[str, TabState] | None:
    sealed = posted.get("returnTo") if posted is not None else visit.query.get("returnTo")
    text = visit.gateway.sealer.open(sealed, purpose=PURPOSE, now=visit.now) if sealed else None
    if text is None:
        return None
    location, _, more = text.partition(_MORE)
    try:
        return location, TabState(**json.loads(more)) if more else NEW_TAB
    except (ValueError, TypeError):  # sealed by another version of this gateway
        return location, NEW_TAB


def destination(visit: Visit, user: User, provider: str, asked: Candidates, *, first: bool | None = None) -> Destination:
    """Where this user goes, which candidate won, and why the others did not; `first`: it is their first sign-in here."""
    limit = visit.gateway.settings.limits.callback_url
    return after_sign_in(
        tuple((source, url if url is None or len(url) <= limit else "/" * 4096) for source, url in asked),
        user,
        provider,
        rules=redirect_rules_of(visit.gateway.settings),
        default=visit.gateway.settings.redirects.after_sign_in,
        first=first,
        own_origin=visit.origin,
        origins=visit.gateway.policy.allowed_origins,
        hosts=visit.gateway.policy.hosts,
        route_of=functools.partial(route_of_page, routes=visit.gateway.policy.routes, own_origin=visit.origin),
    )
