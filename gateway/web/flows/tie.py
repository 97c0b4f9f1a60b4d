"""Whose flow it is: two short-lived cookies, sealed and HttpOnly, that are sent to `/api/auth` alone.

The first holds a random id of the browser, and what the sign-in pages that it opened were shown for, so that a flow begins where the
person began. The second holds how the last request ended that was answered with an error page or sent to the sign-in. Nothing of it
takes memory here until somebody posts the form, so a crawler costs nothing.
"""

from __future__ import annotations

import base64
import json
import secrets
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from gateway.core.reason import Reason
from gateway.sessions.cookie_header import CookieHeader, set_cookie_line
from gateway.sessions.seal import Sealer
from gateway.web.flows.flow_json import step_of, step_to_json
from gateway.web.flows.memory import digest
from gateway.web.flows.steps import Step

TIE, NOTE = "auth-gateway.flow", "auth-gateway.note"
PATH = "/api/auth"
LIFE = timedelta(minutes=15)
_Made = TypeVar("_Made")
_MOST_PAGES = 4
# Characters of the two values. With a session of usual size a request's Cookie line stays far below `limits.header_field`; a browser that
# brings much already is given an id alone: a picture must never be what makes a request too large.
_SHELF, _NOTE, _ID, _MUCH = 2400, 1200, 400, 4000


@dataclass(frozen=True, slots=True)
class Shelf:
    """What the first cookie holds.

    Attributes:
        browser: The random id.
        pages: Of each sign-in page the digest of its form's sealed target, and the steps that led there.
    """

    browser: str
    pages: tuple[tuple[str, tuple[Step, ...]], ...] = ()

    def owner(self, csrf: str) -> str:
        """What flows of this browser are found by.

        Args:
            csrf: Its csrf token; empty without one, and then nobody finds them. On https a sibling domain can't set that cookie, so one that
                is put into somebody else's browser ties nobody to anything.
        """
        return digest(f"browser {self.browser} {csrf}")

    def steps_of(self, key: str) -> tuple[Step, ...]:
        """What led to a page."""
        return dict(self.pages).get(key, ())

    def with_page(self, key: str, steps: Sequence[Step]) -> Shelf:
        """With one more page, the oldest left out."""
        return replace(self, pages=(*self.pages, (key, tuple(steps)))[-_MOST_PAGES:])


@dataclass(frozen=True, slots=True)
class Note:
    """What the second cookie holds: one request, and how it ended.

    Attributes:
        code: Its id.
        led_to: A digest of the address that it was sent to; empty for an error page.
    """

    code: str
    reason: Reason
    led_to: str
    steps: tuple[Step, ...]


class Ties:
    """Reads and writes the two.

    Args:
        secure: True if the public URL is https.
    """

    def __init__(self, sealer: Sealer, *, secure: bool) -> None:
        self._sealer = sealer
        self._secure = secure
        prefix = "__Secure-" if secure else ""
        self.tie, self.note = prefix + TIE, prefix + NOTE

    def shelf(self, cookies: CookieHeader, *, now: datetime) -> Shelf | None:
        """What the browser's first cookie holds; None without one that is ours and young enough."""
        return self._open(cookies.first(self.tie), TIE, now, _shelf_of)

    def new_shelf(self) -> Shelf:
        """One for a browser that has none, or has just become another person's."""
        return Shelf(secrets.token_hex(16))

    def shelf_line(self, shelf: Shelf, carried: CookieHeader, *, now: datetime) -> str:
        """The Set-Cookie value for it; where it would be too long, the oldest pages are left out.

        Args:
            carried: The cookies of the request.
        """
        longest = _ID if self._weight(carried) > _MUCH else _SHELF
        for start in range(len(shelf.pages) + 1):
            pages = [[key, [step_to_json(step) for step in steps]] for key, steps in shelf.pages[start:]]
            value = self._seal({"browser": shelf.browser, "pages": pages}, TIE, now)
            if len(value) <= longest:
                break
        return self._line(self.tie, value)

    def read_note(self, cookies: CookieHeader, csrf: str, *, now: datetime) -> Note | None:
        """What the second cookie holds; None if it was given to another browser than the one with this csrf token.

        It tells of a person and of pages. In a browser that it was put into by a sibling domain it would say that somebody else is signed in,
        and put a request that was never made before the next sign-in.
        """
        return self._open(cookies.first(self.note), f"{NOTE} {csrf}", now, _note_of) if csrf else None

    def note_line(self, note: Note, carried: CookieHeader, csrf: str, *, now: datetime) -> str | None:
        """The Set-Cookie value for it, for the browser with this csrf token; None if it has no room."""
        steps = [step_to_json(step) for step in note.steps]
        value = self._seal({"code": note.code, "reason": note.reason, "led_to": note.led_to, "steps": steps}, f"{NOTE} {csrf}", now)
        return self._line(self.note, value) if len(value) <= _NOTE and self._weight(carried) <= _MUCH else None

    def no_note_line(self) -> str:
        """The Set-Cookie value that clears the second cookie."""
        return set_cookie_line(self.note, "", secure=self._secure, max_age=0, path=PATH)

    def _weight(self, carried: CookieHeader) -> int:
        """About how many bytes the browser's other cookies take."""
        others = (name for name in carried.names if name not in (self.tie, self.note))
        return sum(len(name) + len(carried.first(name) or "") + 3 for name in others)

    def _line(self, name: str, value: str) -> str:
        return set_cookie_line(name, value, secure=self._secure, max_age=int(LIFE.total_seconds()), path=PATH)

    def _seal(self, value: object, purpose: str, now: datetime) -> str:
        packed = base64.b85encode(zlib.compress(json.dumps(value, separators=(",", ":")).encode(), 9)).decode("ascii")
        return self._sealer.seal(packed, purpose=purpose, expires=now + LIFE)

    def _open(self, sealed: str | None, purpose: str, now: datetime, made_of: Callable[[dict[str, Any]], _Made]) -> _Made | None:
        text = self._sealer.open(sealed, purpose=purpose, now=now) if sealed else None
        if text is None:
            return None
        try:
            return made_of(json.loads(zlib.decompress(base64.b85decode(text))))
        except (ValueError, KeyError, TypeError, zlib.error):  # of another version of ours, which may know other reasons or members
            return None


def _shelf_of(value: dict[str, Any]) -> Shelf:
    return Shelf(value["browser"], tuple((key, tuple(map(step_of, steps))) for key, steps in value["pages"]))


def _note_of(value: dict[str, Any]) -> Note:
    return Note(value["code"], Reason(value["reason"]), value["led_to"], tuple(map(step_of, value["steps"])))
