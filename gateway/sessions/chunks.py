"""A token in its cookies: one, or chunks `.0` to `.3`; and which of those that came are it.

Reading is stricter than Auth.js, which joins every cookie whose name merely starts like the session's. Here only the exact name and
its chunks `.0` to `.3` count. If both forms are there (a sibling domain tossed one, or two answers crossed), the form that the browser
sent first is the session and the other is ignored; and a chunk that is not full is the last one, so a stale one behind it does no harm.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Mapping

from gateway.sessions.cookie_header import CookieHeader

MAX_CHUNKS = 4
#: Every name that the session may ever have had, as what stands behind the cookie's own name.
SUFFIXES = ("", *(f".{number}" for number in range(MAX_CHUNKS + 1)))


def token_in(cookies: CookieHeader, name: str, *, chunk: int) -> str | None:
    """The session token in a request's cookies, its chunks joined; None without one. An empty cookie is none, as in Auth.js."""
    sent = cookies.starting_with(name)
    used = form_in(sent, name, chunk=chunk)
    return "".join(sent[found] for found in used) if used else None


def form_in(sent: Mapping[str, str], name: str, *, chunk: int) -> list[str]:
    """The cookies that are the session, in order."""
    chunks = _chunks(name)
    form = next((found for found, value in sent.items() if value and (found == name or found in chunks)), None)
    if form is None or form == name:
        return [name] if form else []
    used = list(itertools.takewhile(lambda found: found in sent, chunks))
    ends = next((number for number, found in enumerate(used) if len(sent[found]) < chunk), len(used))
    return used[: ends + 1] or [form]


@functools.lru_cache(maxsize=8)
def _chunks(name: str) -> tuple[str, ...]:
    return tuple(f"{name}.{number}" for number in range(MAX_CHUNKS))
