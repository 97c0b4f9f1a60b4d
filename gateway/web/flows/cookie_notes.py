"""Cookies without their values: what a browser sent of ours, and what an answer sets."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from email.utils import parsedate_to_datetime

from gateway.core.identity import Session
from gateway.core.reason import Reason
from gateway.sessions.cookie_header import CookieHeader, encode
from gateway.sessions.cookies import CookieNames
from gateway.web.flows.shown import cookie_attribute, cookie_name
from gateway.web.flows.steps import CookieNote, Did

Held = Session | Reason | None


def sent(cookies: CookieHeader, names: CookieNames, held: Held, *, now: datetime) -> tuple[CookieNote, ...]:
    """Which cookies of ours a request brought."""
    notes: dict[str, CookieNote] = {}
    for name in (names.session, names.csrf, names.callback_url):
        for found, value in cookies.starting_with(name).items():
            if value and _base(found) == name:  # an empty one is none, as in Auth.js
                _count(notes, CookieNote(did=Did.SENT, name=cookie_name(name), size=_size_sent(value)))
    if isinstance(held, Session) and names.session in notes:
        age_s = max(0, round((now - held.issued_at).total_seconds()))
        notes[names.session] = replace(notes[names.session], age_s=age_s)
    return tuple(notes.values())


def written(lines: Iterable[str], carried: CookieHeader, names: CookieNames, *, now: datetime) -> tuple[CookieNote, ...]:
    """What `Set-Cookie` lines do to the three cookies of a sign-in. Clearing what the browser did not send is a precaution, and left out."""
    notes: dict[str, CookieNote] = {}
    for line in lines:
        pair, *attributes = (part.strip() for part in line.split(";"))
        name, _, value = pair.partition("=")
        cleared = "Max-Age=0" in attributes
        if _base(name) not in (names.session, names.csrf, names.callback_url) or (cleared and name not in carried.names):
            continue
        kept = tuple(cookie_attribute(text) for text in attributes if not text.startswith(("Max-Age=", "Expires=")))
        did = Did.CLEARED if cleared else Did.SET
        note = CookieNote(
            did=did, name=cookie_name(_base(name)), size=_size(value), attributes=kept, ends_s=None if cleared else _ends_s(attributes, now)
        )
        _count(notes, note)
    return tuple(notes.values())


def _count(notes: dict[str, CookieNote], note: CookieNote) -> None:
    """Chunks of one cookie are one; one that is set anew is not also cleared."""
    key = str(note.name)
    old = notes.get(key)
    if old is None or (old.did is Did.CLEARED and note.did is Did.SET):
        notes[key] = note
    elif old.did is note.did:
        notes[key] = replace(old, size=old.size + note.size, chunks=old.chunks + 1)


def _base(name: str) -> str:
    stem, dot, number = name.rpartition(".")
    return stem if dot and number.isdecimal() else name


def _size_sent(value: str) -> int:
    # Anybody's bytes: what was no UTF-8 has no spelling, and must not end the request.
    return len(encode(value.encode("utf-8", "replace").decode("utf-8")))


def _size(value: str) -> int:
    return len(value.encode("utf-8", "surrogateescape"))


def _ends_s(attributes: Iterable[str], now: datetime) -> int | None:
    for text in attributes:
        if text.startswith("Expires="):
            return round((parsedate_to_datetime(text.removeprefix("Expires=")) - now).total_seconds())
    return None
