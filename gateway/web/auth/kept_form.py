"""A form that met the sign-in, kept in the browser that sent it and offered once more behind the sign-in; never sent by itself.

It lies in a sealed cookie that only `/api/auth` is sent: unreadable to the browser's scripts and to everybody else, gone after ten minutes
or as soon as it was offered. It is shown to nobody but the user whose session had ended, where that is known, and nowhere but in the tab
that it came from.
"""

from __future__ import annotations

import json
import logging
import secrets
from dataclasses import asdict, dataclass, field
from urllib.parse import quote_plus, unquote_to_bytes

from aiohttp import web
from markupsafe import Markup, escape

from gateway.core.reason import Reason
from gateway.web.auth.reply import fail, go_to, with_query
from gateway.web.auth.visit import Visit
from gateway.web.log import event
from gateway.web.pages import page
from gateway.web.side_cookie import KEPT_FORM

log = logging.getLogger(__name__)
PATH = "/api/auth/kept-form"
_SHOWN = 120  # characters of an address on the page
Fields = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptForm:
    """One form.

    Attributes:
        host, target: Where it was sent to, as it was asked for.
        body: Byte for byte; its repr is not shown, as it may hold anything.
        user: Whose session it came with, if that could still be read.
    """

    host: str
    target: str
    body: str = field(repr=False)
    user: str | None = None
    id: str = field(default_factory=lambda: secrets.token_urlsafe(12))

    def sealed_text(self) -> str:
        """What the cookie holds."""
        return json.dumps(asdict(self), separators=(",", ":"))


def fields_of(body: bytes) -> Fields | None:
    """The fields of a body that a browser would make of them again, byte for byte; None for every other body.

    The page that offers a form holds its fields, and the browser writes the body anew (WHATWG URL 5.2, HTML 4.10.22.4). So what could
    come out differently is not kept: another encoding, line breaks that a browser would mend, a field that it would leave out or fill in.
    """
    found: list[tuple[str, str]] = []
    try:
        for pair in body.decode("ascii").split("&"):
            name, _, value = pair.partition("=")
            found.append((_decoded(name), _decoded(value)))
    except UnicodeDecodeError:
        return None
    again = "&".join(f"{_encoded(name)}={_encoded(value)}" for name, value in found)
    return tuple(found) if again.encode() == body and all(_same_again(name, value) for name, value in found) else None


def _decoded(text: str) -> str:
    return unquote_to_bytes(text.replace("+", " ")).decode("utf-8")


def _encoded(text: str) -> str:
    return quote_plus(text, safe="*").replace("~", "%7E")  # all but letters, digits and `*-._`; Python leaves `~` as well


def _same_again(name: str, value: str) -> bool:
    return bool(name) and name.lower() != "_charset_" and not (_mended(name) or _mended(value))


def _mended(text: str) -> bool:
    """True if it holds what a browser would change or leave out."""
    return any(ord(char) < 0x20 or 0x7F <= ord(char) < 0xA0 for char in text.replace("\r\n", "").replace("\t", ""))


def kept_in(visit: Visit) -> KeptForm | None:
    """The form that this browser carries."""
    text = KEPT_FORM.read(visit.gateway, visit.cookies, now=visit.now)
    try:
        return KeptForm(**json.loads(text)) if text else None
    except (ValueError, TypeError):  # sealed by another version of this gateway
        return None


def kept_id(visit: Visit) -> str:
    """The id in the address of the page, if this browser carries the form that it names; else an empty one."""
    asked = visit.query.get("kept")
    kept = kept_in(visit) if asked else None
    return kept.id if kept is not None and kept.id == asked else ""


def offer_of(visit: Visit, kept: str) -> str | None:
    """The address of the page that offers the form of this id; None if this browser does not carry it."""
    carried = kept_in(visit) if kept else None
    return with_query(PATH, {"kept": kept}) if carried is not None and carried.id == kept else None


def forget_kept(visit: Visit) -> None:
    """Let the answer clear it."""
    visit.lines.extend(KEPT_FORM.forget(visit.gateway, visit.cookies))


async def offer(request: web.Request, visit: Visit) -> web.StreamResponse:
    """`GET kept-form`: what was not sent yet, and a button that sends it. Shown once: from then on it is in the page alone."""
    kept = kept_in(visit) if kept_id(visit) else None
    fields = fields_of(kept.body.encode()) if kept is not None else None
    if kept is None or fields is None or kept.host != visit.facts.host:
        return fail(request, visit, Reason.KEPT_FORM_GONE, 410)
    session = visit.session
    if session is None:
        return go_to(request, visit, with_query("/api/auth/signin", {"kept": kept.id}), Reason.SESSION_MISSING)
    if request.method == "GET":
        forget_kept(visit)
    if kept.user not in (None, session.user.id):
        event(log, "kept-form-dropped", why="somebody else signed in", client=visit.facts.client, request=visit.request_id)
        return fail(request, visit, Reason.KEPT_FORM_GONE, 410)
    event(log, "kept-form-offered", user=session.user.id, path=kept.target.partition("?")[0], request=visit.request_id)
    return page(
        request,
        "kept_form.html",
        host=visit.facts.host,
        action=kept.target,
        path=kept.target if len(kept.target) <= _SHOWN else f"{kept.target[:_SHOWN]}…",
        fields=[(_attribute(name), _attribute(value)) for name, value in fields],
        size=len(kept.body),
    )


def _attribute(text: str) -> Markup:
    """Escaped, line breaks too: HTML would fold a bare `\\r\\n` to `\\n` before the browser sees the value."""
    return Markup(str(escape(text)).replace("\r", "&#13;").replace("\n", "&#10;"))  # noqa: S704  # it was escaped just before
