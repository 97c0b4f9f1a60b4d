"""What a browser remembers of its last sign-in, in a cookie for our own pages: when it was, and how often it was lost at once before.

A bounce is: a sign-in succeeded, and within a minute the same browser is at the sign-in page again and brings no session cookie. Each
sign-in makes one bounce at the most, so whoever opens closed pages without signing in makes none.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace

from gateway.web.auth.visit import Visit
from gateway.web.side_cookie import TRAIL, csrf_of

#: From a sign-in to the request that shows that it was lost: a browser follows a redirect at once.
AT_ONCE_S = 60
#: From one bounce to the next: somebody types a password in between.
IN_A_ROW_S = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """Times in seconds since 1970; 0: never.

    Attributes:
        signed_in_at: The sign-in that no request has shown to be lost yet.
        largest, cookies: The session's cookies as they were sent: bytes of the largest one, and how many.
        bounced_at, bounces: The last bounce, and how many came in a row.
    """

    signed_in_at: int = 0
    largest: int = 0
    cookies: int = 0
    bounced_at: int = 0
    bounces: int = 0

    def signed_in(self, now: int, *, largest: int, cookies: int) -> Trail:
        """After a sign-in that succeeded."""
        in_a_row = now - self.bounced_at <= IN_A_ROW_S
        return Trail(
            signed_in_at=now,
            largest=largest,
            cookies=cookies,
            bounced_at=self.bounced_at if in_a_row else 0,
            bounces=self.bounces if in_a_row else 0,
        )

    def came_without(self, now: int) -> Trail:
        """After a request for the sign-in page without a session cookie; the same if that is nothing new."""
        if not self.signed_in_at or now - self.signed_in_at > AT_ONCE_S:
            return self
        return replace(self, signed_in_at=0, bounced_at=now, bounces=self.bounces + 1)


def trail_of(visit: Visit) -> Trail:
    """What the browser brought."""
    text = TRAIL.read(visit.gateway, visit.cookies, now=visit.now)
    try:
        return Trail(**json.loads(text)) if text else Trail()
    except (ValueError, TypeError):  # sealed by another version of this gateway
        return Trail()


def keep_trail(visit: Visit, trail: Trail) -> None:
    """Let the answer set it."""
    csrf = csrf_of(visit.gateway, visit.cookies)
    if csrf is not None:
        text = json.dumps(asdict(trail), separators=(",", ":"))
        visit.lines.append(TRAIL.line(visit.gateway, text, csrf=csrf, now=visit.now))


def forget_trail(visit: Visit) -> None:
    """Let the answer clear it: the session ended in a way that we know."""
    visit.lines.extend(TRAIL.forget(visit.gateway, visit.cookies))
