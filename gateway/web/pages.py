"""Pages and JSON answers of our own: rendering, the security headers, and the one shape of an error for people and for scripts."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import resources

import jinja2
from aiohttp import web
from markupsafe import Markup

from gateway.core.facts import Wants
from gateway.core.reason import Reason
from gateway.core.wants import wants
from gateway.web.body import connection_of
from gateway.web.flows.notes import note_end, why_link
from gateway.web.reason_text import ReasonText, text_of
from gateway.web.security_headers import security_headers
from gateway.web.state import FACTS, GATEWAY, REQUEST_ID, Gateway

_HERE = resources.files("gateway.web")
_SOURCES = {entry.name: entry.read_text("utf-8") for entry in (_HERE / "templates").iterdir() if entry.name.endswith(".html")}
_ENVIRONMENT = jinja2.Environment(
    loader=jinja2.DictLoader(_SOURCES),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    auto_reload=False,
    trim_blocks=True,
    lstrip_blocks=True,
)
# Compiled when this module is imported, so that a broken template stops the start and not a request.
_TEMPLATES = {name: _ENVIRONMENT.get_template(name) for name in _SOURCES}
#: Style sheets and scripts of ours.
_FILES = {
    entry.name: Markup(entry.read_text("utf-8"))  # noqa: S704  # a file of ours
    for entry in (_HERE / "static").iterdir()
    if entry.name in ("pages.css", "sign_in.js", "flows.css", "flows.js")
}


def page(
    request: web.BaseRequest,
    template: str,
    *,
    status: int = 200,
    field_styles: str = "",
    sheets: Sequence[str] = (),
    script: str | None = None,
    headers: Mapping[str, str] | None = None,
    **context: object,
) -> web.Response:
    """Render a page with a fresh nonce.

    Args:
        template: A file of `gateway/web/templates`.
        field_styles: CSS rules for this page alone. They stand in a `<style>` element as they are: only from `field_style`.
        sheets: Further files of `gateway/web/static`.
        script: The one script that the page may run, another such file; without it the page runs none.
        context: What the template shows; everything is escaped.
    """
    nonce = secrets.token_urlsafe(16)
    gateway = request.get(GATEWAY)
    origins = gateway.policy.allowed_origins if gateway else ()
    rules = Markup(field_styles)  # noqa: S704  # `field_style` lets nothing through that could end the element
    sheet = Markup("").join(_FILES[name] for name in ("pages.css", *sheets))
    source = None if script is None else _FILES[script]
    body = _TEMPLATES[template].render(nonce=nonce, stylesheet=sheet, field_styles=rules, script=source, **context)
    lines = security_headers(https=_https(request), nonce=nonce, form_origins=origins, script=script is not None) | dict(headers or {})
    return web.Response(status=status, text=body, content_type="text/html", charset="utf-8", headers=lines)


def data(request: web.BaseRequest, value: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """Answer with JSON that no other origin can read and nobody may keep."""
    lines = security_headers(https=_https(request)) | dict(headers or {})
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    return web.Response(status=status, body=body, content_type="application/json", headers=lines)


def error_page(
    request: web.BaseRequest,
    reason: Reason,
    status: int,
    *,
    headers: Mapping[str, str] | None = None,
    text: ReasonText | None = None,
    further: Mapping[str, str] | None = None,
    as_data: bool = False,
) -> web.Response:
    """Say what happened: a page to a person, JSON to a script. Neither repeats anything of the request (promises 31, 51).

    Args:
        headers: Further header lines, for example `Allow` or `Retry-After`.
        text: Other words than the reason's own.
        further: Further members of the JSON form.
        as_data: JSON, whatever the request seems to want.
    """
    words = text or _words(request, reason)
    request_id = request.get(REQUEST_ID, "")
    lines = {"X-Gateway-Reason": reason.value} | dict(headers or {})
    if not as_data and _wants_page(request):
        response = page(
            request, "error.html", status=status, headers=lines, words=words, reason=reason.value, code=status, request_id=request_id,
            why=why_link(request),
        )  # fmt: skip
        note_end(request, response, reason)
        return response
    members = {"error": reason.value, "reason": reason.value, "message": f"{words.what} {words.cure}", "request_id": request_id} | dict(
        further or {}
    )
    if status == 401:
        members["login_url"] = _own_origin(request) + "/api/auth/signin"
    return data(request, members, status=status, headers=lines)


def _words(request: web.BaseRequest, reason: Reason) -> ReasonText:
    words = text_of(reason)
    gateway = request.get(GATEWAY)
    if reason is not Reason.HOST_UNKNOWN or gateway is None:
        return words
    # The name that is right comes from the settings alone: a name that was asked for is anybody's text (promise 29).
    public_url = str(gateway.settings.server.public_url)
    return replace(words, cure=f"{words.cure} This gateway answers as {public_url}.", links=((f"Go to {public_url}", public_url),))


def _wants_page(request: web.BaseRequest) -> bool:
    facts = request.get(FACTS)
    if facts is not None:
        return facts.wants is Wants.PAGE
    # The request was refused before facts were made of it; what it wants can still be read.
    head = connection_of(request).head
    said = {name.lower(): value.decode("latin-1") for name, value in reversed(head.headers)} if head is not None else {}
    get = said.get
    return wants(fetch_mode=get(b"sec-fetch-mode"), accept=get(b"accept"), requested_with=get(b"x-requested-with")) is Wants.PAGE


def _https(request: web.BaseRequest) -> bool:
    gateway = request.get(GATEWAY)
    return gateway is not None and gateway.policy.hosts.scheme == "https"


def _own_origin(request: web.BaseRequest) -> str:
    """The public origin if the asked host is one of ours; else nothing, which makes links relative (promise 29)."""
    gateway: Gateway | None = request.get(GATEWAY)
    facts = request.get(FACTS)
    if gateway is None or facts is None or not gateway.policy.hosts.covers(facts.host):
        return ""
    return gateway.policy.hosts.origin(facts.host)
