"""What no single value shows: settings that contradict each other, rules that can't work, and what an operator should be told by name."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

from gateway.core.return_to import MAX_LENGTH
from gateway.settings.finding import Finding, Path
from gateway.settings.header_checks import check_headers
from gateway.settings.inspector_checks import check_inspector
from gateway.settings.loop_checks import check_loops
from gateway.settings.model import Settings
from gateway.settings.provider_checks import check_providers
from gateway.settings.redirect_checks import check_redirects
from gateway.settings.route_checks import check_routes

SHORTEST_SECRET = 32  # characters; the sessions' key ring refuses the same
MOST_SECRETS = 5  # the one that encrypts, and four before it
LARGEST_KEPT = 2560  # bytes of a form, with room for its address: sealed, it is no more than a cookie may be
LONGEST_SLIDING = timedelta(hours=24)
LONGEST_ABSOLUTE = timedelta(days=30)


def check(
    settings: Settings, *, numbers: Mapping[Path, Sequence[int]], providers: bool = True, upstreams: bool = True, routes: bool = True
) -> Iterator[Finding]:
    """Everything that is wrong or doubtful with settings whose single values are good.

    Args:
        settings: What is left after entries that can't be used were set aside.
        numbers: The positions that entries of lists have in the file, for the names of routes.
        providers, upstreams, routes: False if some of these were set aside, so that a name that is not there proves nothing.
    """
    yield from _server(settings)
    yield from _session(settings)
    yield from _limits(settings)
    yield from check_providers(settings)
    yield from _upstreams(settings)
    yield from check_routes(settings, numbers.get(("routes",), range(len(settings.routes))), providers=providers, upstreams=upstreams)
    yield from check_redirects(settings, providers=providers)
    yield from check_loops(settings, routes=routes)
    yield from check_headers(settings)
    yield from _forward_auth(settings)
    yield from check_inspector(settings)


def _server(settings: Settings) -> Iterator[Finding]:
    server = settings.server
    for index, address in enumerate(server.listen):
        if address in server.listen[:index] and (address.port or address.path):
            yield Finding(path=("server", "listen", index), what="the same address stands there twice", cure="remove one of the two")
    if server.admin_listen is not None and server.admin_listen in server.listen:
        yield Finding(
            path=("server", "admin_listen"), what="it is one of server.listen", cure="choose an address that only your own machines reach"
        )
    host = server.public_url.host
    if server.public_url.scheme == "http" and not _is_loopback(host):
        yield Finding(
            path=("server", "public_url"),
            what=f"{host} is asked over http, so session cookies and passwords cross the network in clear",
            cure="put https in front and write the https address here; cookies are then Secure",
            warning=True,
        )
    for index, network in enumerate(server.trusted_proxies):
        if network.prefixlen == 0:
            yield Finding(
                path=("server", "trusted_proxies", index),
                what=f"everybody is believed about client addresses and schemes ({network} is the whole internet)",
                cure="list the addresses of your proxies",
                warning=True,
            )


def _forward_auth(settings: Settings) -> Iterator[Finding]:
    dialects = settings.forward_auth.dialects
    if dialects and not settings.server.trusted_proxies:
        yield Finding(
            path=("forward_auth", "dialects"),
            what="server.trusted_proxies is empty, so no proxy may ask",
            cure="list the addresses of the proxies there",
            on_key=True,
        )
    for index, dialect in enumerate(dialects):
        if dialect in dialects[:index]:
            yield Finding(path=("forward_auth", "dialects", index), what="it stands there twice", cure="remove one of the two")


def _is_loopback(host: str) -> bool:
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() and not host.endswith("]") else host
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


def _session(settings: Settings) -> Iterator[Finding]:
    session = settings.session
    given = session.model_fields_set
    if "secrets" in given and "secrets_file" in given and session.secrets_file is not None:
        yield Finding(path=("session", "secrets_file"), what="there is `secrets`, too", cure="give one of the two", on_key=True)
    if "secrets" in given and not session.secrets:
        yield Finding(
            path=("session", "secrets"),
            what="it is empty",
            cure="write at least one secret (`gateway keys new`), or leave it out",
            on_key=True,
        )
    if len(session.secrets) > MOST_SECRETS:
        yield Finding(
            path=("session", "secrets"),
            what=f"there are more than {MOST_SECRETS}",
            cure="drop the oldest: each costs time for every bad cookie",
        )
    seen: set[str] = set()
    for index, secret in enumerate(session.secrets):
        text = secret.get_secret_value()
        if len(text) < SHORTEST_SECRET or len(set(text)) < 8:
            what = (
                f"it is shorter than {SHORTEST_SECRET} characters"
                if len(text) < SHORTEST_SECRET
                else "it has hardly any different characters"
            )
            yield Finding(path=("session", "secrets", index), what=what, cure="make one with `gateway keys new`")
        elif text in seen:
            yield Finding(path=("session", "secrets", index), what="the same secret stands there twice", cure="remove one of the two")
        seen.add(text)
    if session.strategy == "server" and session.revocation == "memory":
        yield Finding(
            path=("session", "revocation"),
            what="sessions that live in the store are ended there, too",
            cure='leave it out, or write "store"',
        )
    if session.max_age > session.absolute_max_age:
        yield Finding(
            path=("session", "max_age"),
            what="it is longer than session.absolute_max_age, so it would never apply",
            cure="make it shorter, or absolute_max_age longer",
        )
    if session.update_age >= session.max_age:
        yield Finding(
            path=("session", "update_age"),
            what="it is not shorter than session.max_age, so sessions would end before they are renewed",
            cure="make it much shorter: 5m is usual",
        )
    # NIST SP 800-63B 4.1.3 and 4.2.3 name 30 days and 12 hours to a day; ASVS 5.0 V7.1.1 asks that deviations are documented.
    for key, value, most in (
        ("max_age", session.max_age, LONGEST_SLIDING),
        ("absolute_max_age", session.absolute_max_age, LONGEST_ABSOLUTE),
    ):
        if value > most:
            yield Finding(
                path=("session", key),
                what=f"sessions this long deviate from NIST SP 800-63B (more than {_in_words(most)})",
                cure="write down why that is right for you (OWASP ASVS V7.1.1), or make it shorter",
                warning=True,
            )


def _in_words(span: timedelta) -> str:
    return f"{span.days} days" if span.days > 1 else f"{span // timedelta(hours=1)} hours"


def _limits(settings: Settings) -> Iterator[Finding]:
    limits = settings.limits
    for small, large in (
        ("header_field", "request_head"),
        ("request_line", "request_head"),
        ("upstream_header_field", "upstream_head"),
        ("connections_per_address", "connections"),
        ("password", "sign_in_body"),
        ("callback_url", "sign_in_body"),
    ):
        if getattr(limits, small) > getattr(limits, large):
            yield Finding(
                path=("limits", small),
                what=f"it is larger than limits.{large}, so it would never apply",
                cure=f"make it smaller, or {large} larger",
            )
    if limits.kept_form > LARGEST_KEPT:
        yield Finding(
            path=("limits", "kept_form"),
            what="no cookie can hold a form that large (browsers keep 4096 bytes, sealing takes a third more)",
            cure=f"write {LARGEST_KEPT} or less",
        )
    if limits.callback_url > MAX_LENGTH:
        yield Finding(
            path=("limits", "callback_url"), what=f"no target is longer than {MAX_LENGTH} bytes", cure=f"write {MAX_LENGTH} or less"
        )


def _upstreams(settings: Settings) -> Iterator[Finding]:
    names = [upstream.name for upstream in settings.upstreams]
    for index, upstream in enumerate(settings.upstreams):
        if upstream.name in names[:index]:
            yield Finding(
                path=("upstreams", index, "name"), what=f"there is another upstream {upstream.name!r}", cure="give each a name of its own"
            )
        if upstream.ca_file is not None:
            if upstream.url.scheme != "https":
                yield Finding(
                    path=("upstreams", index, "ca_file"),
                    what="the upstream is not https, so no certificate is checked",
                    cure="write https://, or leave ca_file out",
                )
            elif not upstream.ca_file.is_file():
                yield Finding(
                    path=("upstreams", index, "ca_file"), what="there is no such file", cure="name a file of certificates in PEM form"
                )
        if upstream.authorization == "bearer" and settings.headers.assertion is None:
            yield Finding(
                path=("upstreams", index, "authorization"),
                what="there is no [headers.assertion], so there is nothing to send",
                cure="add that section: an empty one is enough",
            )
        if upstream.basic_password is not None and upstream.authorization != "basic":
            yield Finding(
                path=("upstreams", index, "basic_password"),
                what="nothing sends it",
                cure='write authorization = "basic", or leave it out',
                on_key=True,
            )
        if upstream.session_cookie and settings.session.strategy == "server":
            yield Finding(
                path=("upstreams", index, "session_cookie"),
                what='with session.strategy = "server" the cookie holds an id that only the gateway can read',
                cure='leave it out, or write strategy = "jwt"',
            )
        elif upstream.session_cookie:
            yield Finding(
                path=("upstreams", index, "session_cookie"),
                what="the app is handed the session cookie, and to read it, it needs the secret that makes sessions",
                cure="leave it out unless the app runs Auth.js itself; others read headers",
                warning=True,
            )
        if upstream.name not in {route.upstream for route in settings.routes}:
            yield Finding(
                path=("upstreams", index, "name"),
                what=f"no route leads to {upstream.name!r}",
                cure="add a route, or remove the upstream",
                warning=True,
            )
