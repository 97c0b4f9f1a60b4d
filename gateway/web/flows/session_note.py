"""The session as a value for the picture: from the user to the claims, the encrypted token, and the cookie."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gateway.core.identity import Session
from gateway.web.flows import shown
from gateway.web.flows.steps import CookieNote, Did, Fact, SessionNote

if TYPE_CHECKING:
    from gateway.web.state import Gateway

_FURTHER = 24


def session_note(gateway: Gateway, session: Session, cookies: Sequence[CookieNote]) -> SessionNote | None:
    """What the picture shows; None if no session cookie was set."""
    name = gateway.sessions.names.session
    cookie = next((note for note in cookies if str(note.name) == name and note.did is Did.SET), None)
    if cookie is None:
        return None
    return _note(gateway, session, cookie)


def note_of_now(gateway: Gateway, session: Session, cookies: Sequence[CookieNote]) -> SessionNote | None:
    """The same of the session that a request brought: younger, if it was renewed."""
    name = gateway.sessions.names.session
    brought = next((note for note in cookies if str(note.name) == name), None)
    if brought is None:
        return None
    secure = (shown.cookie_attribute("Secure"),) if gateway.policy.hosts.scheme == "https" else ()
    kept = (shown.cookie_attribute("Path=/"), shown.cookie_attribute("HttpOnly"), *secure, shown.cookie_attribute("SameSite=Lax"))
    cookie = CookieNote(did=Did.SET, name=brought.name, size=brought.size, chunks=brought.chunks, attributes=kept, age_s=brought.age_s)
    return _note(gateway, session, cookie)


def _note(gateway: Gateway, session: Session, cookie: CookieNote) -> SessionNote:
    lifetime = gateway.policy.lifetime
    exposed = gateway.settings.session.expose
    names = dict.fromkeys(("name", "email", "image", *exposed))
    return SessionNote(
        claims=tuple(Fact(name, value) for name, value in shown.session_facts(session)),
        hidden=tuple(shown.further_claims(session.user)[:_FURTHER]),
        visible=tuple(shown.exposed(names)),
        decided_by_callback="session" in gateway.callbacks,
        stored=gateway.settings.session.strategy == "server",
        token=cookie.size,
        cookie=cookie,
        cipher=shown.cipher(gateway.sessions.flavour),
        issued=session.issued_at.timestamp(),
        renews=(session.issued_at + lifetime.renewal).timestamp(),
        ends=lifetime.ends_at(session).timestamp(),
        ends_at_last=(session.signed_in_at + lifetime.absolute).timestamp(),
    )
