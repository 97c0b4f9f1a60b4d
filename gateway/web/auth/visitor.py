"""Who is signed in, as a page says it."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.core.identity import Session


@dataclass(frozen=True, slots=True)
class Visitor:
    """The best name there is, and the address."""

    label: str
    email: str | None


def visitor_of(session: Session | None) -> Visitor | None:
    """The visitor of a session; None without one."""
    if session is None:
        return None
    user = session.user
    return Visitor(user.name or user.email or user.id, user.email)
