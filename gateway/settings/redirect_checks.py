"""Redirect targets that the gateway would itself refuse, and redirect rules that can never be the one that is taken."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path as FilePath

from gateway.core.origins import Origins
from gateway.core.path_pattern import PathPattern
from gateway.core.reason import Reason
from gateway.core.return_to import safe_return
from gateway.settings.finding import Finding, Path
from gateway.settings.model import Settings
from gateway.settings.policy import hosts_of
from gateway.settings.sections.redirects import WhenSettings
from gateway.settings.values.database_url import is_in_memory

_WHY = {
    Reason.RETURN_NOTHING_ASKED: "it is empty",
    Reason.RETURN_TOO_LONG: "it is too long",
    Reason.RETURN_UNSAFE_CHARACTER: "it holds a character that has no place in a URL",
    Reason.RETURN_NOT_A_URL: "it is neither a path nor a URL",
    Reason.RETURN_FOREIGN_ORIGIN: "it leads to an origin that is not allowed",
    Reason.RETURN_TO_HTTP: "it leads from https to http, where everybody on the way can read along",
    Reason.RETURN_OWN_ENDPOINT: "it leads to an endpoint of the gateway itself, and round in a circle",
}
_CURE = 'write a path such as "/reports", or a URL on an origin of redirects.allowed_origins'


def check_redirects(settings: Settings, *, providers: bool) -> Iterator[Finding]:
    """What is wrong with `[redirects]`."""
    redirects = settings.redirects
    yield from _target(settings, ("redirects", "after_sign_in"), redirects.after_sign_in)
    yield from _target(settings, ("redirects", "after_sign_out"), redirects.after_sign_out)
    yield from _pages(settings)
    yield from _sign_in_redirects(settings)
    yield from _origins(settings)
    ids = {provider.id for provider in settings.providers}
    everybodys = {("provider", only) for only in ids if len(ids) == 1 and providers}
    for index, rule in enumerate(redirects.rules):
        path: Path = ("redirects", "rules", index)
        yield from _target(settings, (*path, "to"), rule.to)
        conditions = _conditions(rule.when)
        if not conditions:
            yield Finding(
                path=(*path, "when"),
                what="it asks for nothing, so it is for everybody",
                cure="name a role, group, provider, route or first_sign_in; for everybody there is redirects.after_sign_in",
            )
            continue
        if providers and rule.when.provider is not None and rule.when.provider not in ids:
            yield Finding(
                path=(*path, "when", "provider"), what="there is no such provider", cure=f"there is {', '.join(sorted(ids)) or 'none'}"
            )
        yield from _route(settings, (*path, "when", "route"), rule.when.route)
        if rule.when.first_sign_in is not None:
            yield from _first_sign_in(settings, (*path, "when", "first_sign_in"))
        for number, earlier in enumerate(redirects.rules[:index], 1):
            # One with a route is asked before the page is taken, one without behind it: neither takes the other's users.
            same_turn = earlier.when.route == rule.when.route
            if same_turn and (wider := _conditions(earlier.when)) and wider - everybodys <= conditions:
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


def _route(settings: Settings, path: Path, name: str | None) -> Iterator[Finding]:
    """A rule that is about a route: one that there is, and that somebody can be on."""
    if name is None:
        return
    named = {route.name: route for route in settings.routes if route.name is not None}
    if name not in named:
        known = ", ".join(named) or "none has a name yet"
        yield Finding(path=path, what="no route has this name", cure=f"give the route a name and write that ({known})")
    elif named[name].access == "deny":
        yield Finding(path=path, what="that route is closed to everybody, so no page is asked for there", cure="name another route")
    elif named[name].methods and "GET" not in named[name].methods:
        yield Finding(path=path, what="that route is not for GET, so no sign-in ends there", cure="name a route that is for GET")


def _first_sign_in(settings: Settings, path: Path) -> Iterator[Finding]:
    """A rule about somebody's first sign-in: the store has to be able to say so."""
    url = settings.store.url
    if not url.startswith(("sqlite:", "postgres")):
        what, cure = "store.url has no tables, and who has signed in is written down in one", "name SQLite or PostgreSQL in store.url"
        yield Finding(path=path, what=what, cure=cure)
        return
    if not url.startswith("sqlite:"):
        return
    if is_in_memory(url):
        what = "store.url is in memory alone, so after each start everybody would be new"
        yield Finding(path=path, what=what, cure='name a file, for example "sqlite:///gateway.db"')
    elif not FilePath(url.removeprefix("sqlite:///").partition("?")[0]).parent.is_dir():
        yield Finding(
            path=path, what="the folder of the file in store.url does not exist", cure="make it, or name another file in store.url"
        )


def _sign_in_redirects(settings: Settings) -> Iterator[Finding]:
    for index, route in enumerate(settings.routes):
        path: Path = ("routes", index, "sign_in_redirect")
        if route.sign_in_redirect is None:
            continue
        if route.access != "signed-in":
            yield Finding(
                path=path,
                what=f'access = "{route.access}" sends nobody to the sign-in',
                cure='write access = "signed-in", or leave it out',
                on_key=True,
            )
        else:
            yield from _target(settings, path, route.sign_in_redirect)


def _origins(settings: Settings) -> Iterator[Finding]:
    if settings.server.public_url.scheme != "https":
        return
    for index, origin in enumerate(settings.redirects.allowed_origins):
        if origin.scheme == "http":
            yield Finding(
                path=("redirects", "allowed_origins", index),
                what="no sign-in ends there: a redirect from https to http is refused. It may open WebSockets",
                cure="write https://, or leave it out if it opens none",
                warning=True,
            )


def _conditions(when: WhenSettings) -> set[tuple[str, object]]:
    return {item for item in when.model_dump().items() if item[1] is not None}


def _target(settings: Settings, path: Path, target: str) -> Iterator[Finding]:
    hosts = hosts_of(settings)
    own = {hosts.origin(pattern.text) for pattern in hosts.patterns if not pattern.text.startswith("*.")}
    allowed = Origins((*sorted(own), *(origin.text for origin in settings.redirects.allowed_origins)))
    refused = safe_return(target, own_origin=settings.server.public_url.text, origins=allowed, hosts=hosts).refused
    if refused is not None:
        yield Finding(path=path, what=_WHY[refused], cure=_CURE)
