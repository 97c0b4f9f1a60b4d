"""`[headers.set]`: names that are the protocol's own, names that an upstream could take for one another, templates that can't work."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.core.headers import HOP_BY_HOP, OVERRIDES, fold
from gateway.core.identity_headers import HeaderTemplate, TemplateError
from gateway.settings.finding import Finding
from gateway.settings.model import Settings

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
    seen: dict[str, str] = {}
    for name, template in settings.headers.set.items():
        path = ("headers", "set", name)
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
