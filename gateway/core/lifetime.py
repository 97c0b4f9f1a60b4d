"""How long a session lives: a sliding window, an absolute end, and when a token is worth renewing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.core.identity import Session
from gateway.core.reason import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifetime:
    """The limits on a session's age (OWASP ASVS 5.0 V7.3.1, V7.3.2).

    Attributes:
        sliding: From the last renewal; each renewal starts it anew.
        absolute: From the sign-in; nothing extends it.
        renewal: A token older than this is renewed on proxied traffic.
        tolerance: How far the clocks of two replicas may disagree.
    """

    sliding: timedelta = timedelta(hours=24)
    absolute: timedelta = timedelta(days=7)
    renewal: timedelta = timedelta(minutes=5)
    tolerance: timedelta = timedelta(seconds=15)

    def end_of(self, session: Session, *, now: datetime) -> Reason | None:
        """Say why the session is over, or None while it lives."""
        if session.issued_at > now + self.tolerance or session.signed_in_at > now + self.tolerance:
            return Reason.SESSION_FROM_FUTURE
        if now >= session.signed_in_at + self.absolute + self.tolerance:
            return Reason.SESSION_TOO_OLD
        if now >= session.expires_at + self.tolerance or now >= session.issued_at + self.sliding + self.tolerance:
            return Reason.SESSION_EXPIRED
        return None

    def renewal_due(self, session: Session, *, now: datetime) -> bool:
        """True if a token made now would serve the browser better than the one it has."""
        return now - session.issued_at >= self.renewal and self.expiry(session.signed_in_at, now=now) > self.ends_at(session)

    def ends_at(self, session: Session) -> datetime:
        """When the session ends if nobody renews it. The token's own end may lie beyond: another maker sealed it, or limits were made shorter."""
        return min(session.expires_at, session.issued_at + self.sliding, session.signed_in_at + self.absolute)

    def expiry(self, signed_in_at: datetime, *, now: datetime) -> datetime:
        """When a token made now ends: the sliding window, cut at the absolute end."""
        return min(now + self.sliding, signed_in_at + self.absolute)
