"""`[headers.set]`: names that are the protocol's own, names that an upstream could take for one another, templates that can't work."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from gateway.core.headers import HOP_BY_HOP, OVERRIDES, fold
from gateway.core.identity_headers import PRESETS, HeaderTemplate, TemplateError
from gateway.settings.finding import Finding
from gateway.settings.model import Settings
from gateway.settings.sections.headers import AssertionSettings

SHORTEST_ASSERTION, LONGEST_ASSERTION = timedelta(seconds=8), timedelta(seconds=60)
#: What an assertion always has (RFC 7519 4.1).
REGISTERED_CLAIMS = frozenset({"iss", "aud", "sub", "iat", "nbf", "exp", "jti"})
#: What frames a request, routes it, or says where it came from: the gateway writes these itself, or passes them on unchanged.
PROTOCOL = frozenset(
    fold(name)
    for name in (
        *HOP_BY_HOP,
        *OVERRIDES,
        *("host", "content-length", "content-type", "content-encoding", "content-range", "expect", "max-forwards", "via", "date", "range"),
        *(
            "cookie",
            "set-cookie",
            "origin",
            "referer",
            "forwarded",
            "x-real-ip",
            "x-forwarded-for",
            "x-forwarded-host",
            "x-forwarded-proto",
        ),
        *("x-forwarded-port", "x-forwarded-server", "x-forwarded-prefix", "x-forwarded-uri", "x-forwarded-method", "x-request-id"),
        *("sec-fetch-mode", "sec-fetch-site", "sec-fetch-dest", "sec-websocket-key", "sec-websocket-version", "sec-websocket-protocol"),
        *(
            "sec-websocket-extensions",
            "accept-encoding",
            "if-match",
            "if-none-match",
            "if-modified-since",
            "if-unmodified-since",
            "if-range",
        ),
    )
)


def check_headers(settings: Settings) -> Iterator[Finding]:
    """What is wrong with the headers that are set."""
    yield from _set(settings)
    if settings.headers.assertion is not None:
        yield from _assertion(settings, settings.headers.assertion)


def _assertion(settings: Settings, assertion: AssertionSettings) -> Iterator[Finding]:
    path = ("headers", "assertion")
    told = (*settings.headers.set, *(name for preset in settings.headers.presets for name in PRESETS[preset]))
    if fold(assertion.name) in PROTOCOL | {"authorization"}:
        yield Finding(
            path=(*path, "name"), what=f"{assertion.name} belongs to the protocol", cure='choose another, such as "X-Gateway-Assertion"'
        )
    for name in told:
        if fold(name) == fold(assertion.name):
            yield Finding(
                path=(*path, "name"), what=f"{name} is told as a plain header already", cure="choose another name for one of the two"
            )
    if not SHORTEST_ASSERTION <= assertion.lifetime <= LONGEST_ASSERTION:
        what, cure = "an assertion lives 8 to 60 seconds", "leave it out: 60s is right for almost everybody"
        yield Finding(path=(*path, "lifetime"), what=what, cure=cure)
    for name in assertion.claims:
        if name in REGISTERED_CLAIMS:
            cure = "choose another name for it, or leave it out"
            yield Finding(path=(*path, "claims", name), what=f"{name} is always there, and made by the gateway", cure=cure, on_key=True)
    if assertion.keys_file == settings.session.secrets_file:
        cure = "leave it out: a file of its own is made"
        yield Finding(path=(*path, "keys_file"), what="it is the file of session secrets", cure=cure)


def _set(settings: Settings) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for name, template in settings.headers.set.items():
        path = ("headers", "set", name)
        if fold(name) == "authorization" and any(upstream.authorization for upstream in settings.upstreams):
            what = "an upstream has `authorization` of its own, and would get two"
            yield Finding(path=path, what=what, cure="use one of the two", on_key=True)
        if fold(name) in PROTOCOL:
            yield Finding(
                path=path,
                what=f"{name} belongs to the protocol, not to identity",
                cure='choose a name of your own, such as "X-User-Id"',
                on_key=True,
            )
        other = seen.setdefault(fold(name), name)
        if other != name:
            yield Finding(
                path=path,
                what=f"an upstream may take it for {other}",
                cure="choose names that differ in more than case and separators",
                on_key=True,
            )
        try:
            HeaderTemplate.parse(name, template)
        except TemplateError as error:
            yield Finding(path=path, what=str(error), cure='write a template such as "{user.id}" or "{user.groups:|}"')
