"""Redirect targets that the gateway would itself refuse, and redirect rules that can never be the one that is taken."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.core.path_pattern import PathPattern
from gateway.core.reason import Reason
from gateway.core.return_to import safe_return
from gateway.settings.finding import Finding, Path
from gateway.settings.model import Settings, WhenSettings
from gateway.settings.policy import hosts_of

_WHY = {
    Reason.RETURN_NOTHING_ASKED: "it is empty",
    Reason.RETURN_TOO_LONG: "it is too long",
    Reason.RETURN_UNSAFE_CHARACTER: "it holds a character that has no place in a URL",
    Reason.RETURN_NOT_A_URL: "it is neither a path nor a URL",
    Reason.RETURN_FOREIGN_ORIGIN: "it leads to an origin that is not allowed",
    Reason.RETURN_OWN_ENDPOINT: "it leads to an endpoint of the gateway itself, and round in a circle",
}
_CURE = 'write a path such as "/reports", or a URL on an origin of redirects.allowed_origins'


def check_redirects(settings: Settings, *, providers: bool) -> Iterator[Finding]:
    """What is wrong with `[redirects]`."""
    redirects = settings.redirects
    yield from _target(settings, ("redirects", "after_sign_in"), redirects.after_sign_in)
    yield from _target(settings, ("redirects", "after_sign_out"), redirects.after_sign_out)
    yield from _pages(settings)
    ids = {provider.id for provider in settings.providers}
    for index, rule in enumerate(redirects.rules):
        path: Path = ("redirects", "rules", index)
        yield from _target(settings, (*path, "to"), rule.to)
        conditions = _conditions(rule.when)
        if not conditions:
            yield Finding(
                path=(*path, "when"),
                what="it asks for nothing, so it is for everybody",
                cure="name a role, group or provider; for everybody there is redirects.after_sign_in",
            )
            continue
        if providers and rule.when.provider is not None and rule.when.provider not in ids:
            yield Finding(
                path=(*path, "when", "provider"), what="there is no such provider", cure=f"there is {', '.join(sorted(ids)) or 'none'}"
            )
        for number, earlier in enumerate(redirects.rules[:index], 1):
            if (wider := _conditions(earlier.when)) and wider <= conditions:
                yield Finding(
                    path=path,
                    what=f"it can never be taken: rule {number} takes all of its users",
                    cure="put it before that rule, or remove it",
                    on_key=True,
                )
                break


def _pages(settings: Settings) -> Iterator[Finding]:
    """Pages of the operator's own: somewhere that may be gone to, and open to people who are not signed in."""
    for key, page in settings.pages:
        if page is None:
            continue
        path: Path = ("pages", key)
        refused = list(_target(settings, path, page))
        yield from refused
        if refused or not page.startswith("/") or key == "sign_out":
            continue
        asked = page.partition("?")[0].partition("#")[0]
        routes = (
            route for route in settings.routes if PathPattern.parse(route.path).matches(asked) and "GET" in (route.methods or ("GET",))
        )
        first = next(routes, None)
        if first is not None and first.access not in ("public", "optional"):
            yield Finding(
                path=path,
                what=f"the route {first.path!r} lets nobody see it who is not signed in, so it would lead in a circle",
                cure='put a route with access = "public" for it before that one',
            )


def _conditions(when: WhenSettings) -> set[tuple[str, object]]:
    return {item for item in when.model_dump().items() if item[1] is not None}


def _target(settings: Settings, path: Path, target: str) -> Iterator[Finding]:
    hosts = hosts_of(settings)
    own = {hosts.origin(pattern.text) for pattern in hosts.patterns if not pattern.text.startswith("*.")}
    allowed = frozenset(own | {origin.text for origin in settings.redirects.allowed_origins})
    refused = safe_return(target, own_origin=settings.server.public_url.text, origins=allowed).refused
    if refused is not None:
        yield Finding(path=path, what=_WHY[refused], cure=_CURE)
