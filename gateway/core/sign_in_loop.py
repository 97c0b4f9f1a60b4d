"""Why a sign-in goes in circles: from what was seen of the browser to the likeliest causes, the first one first.

A pure function of evidence. What is certain stands alone; of what is only likely, each cause is named that the evidence leaves open.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

#: From here on a cookie is near to what browsers keep (RFC 6265bis 5.6: 4096 bytes of name and value), or is one of several chunks.
NEARLY_TOO_LARGE = 3800


class Lost(enum.StrEnum):
    """What did not come back."""

    SESSION = "session"  # the session cookie alone: others of ours came
    EVERYTHING = "everything"  # no cookie of ours at all


class LoopCause(enum.StrEnum):
    """What may be behind it."""

    PLAIN_HTTP = "plain-http"  # Secure cookies, and the browser is on http
    FRAME = "frame"  # shown inside another site, where SameSite=Lax cookies don't go
    SIZE = "size"
    PROXY = "proxy"  # something between rewrites Set-Cookie: Domain, Path, name
    CLOCK = "clock"  # the device's clock is ahead, so the cookie is out of date when it arrives
    BLOCKED = "blocked"  # the browser keeps no cookies here


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopEvidence:
    """What the gateway saw, of the sign-in and of the request after it.

    Attributes:
        lost: What did not come back.
        secure: Our cookies are `Secure`.
        says_http: The browser says by `Origin` that its page is on http.
        trustworthy: It sends Fetch Metadata, which browsers do on https and to this very machine only (W3C Fetch Metadata 2).
        framed: It says that the page is shown in a frame (`Sec-Fetch-Dest`).
        largest: Bytes of the largest cookie of the session, name and value; 0 if it is not known.
        cookies: How many cookies the session is.
    """

    lost: Lost
    secure: bool
    says_http: bool = False
    trustworthy: bool = True
    framed: bool = False
    largest: int = 0
    cookies: int = 1


def causes_of(seen: LoopEvidence) -> tuple[LoopCause, ...]:
    """The causes that fit, the likeliest first; never empty."""
    if seen.secure and seen.says_http:
        return (LoopCause.PLAIN_HTTP,)
    found = [LoopCause.FRAME] if seen.framed else []
    if seen.lost is Lost.EVERYTHING:
        if seen.secure and not seen.trustworthy:
            found.append(LoopCause.PLAIN_HTTP)
        return (*found, LoopCause.PROXY, LoopCause.BLOCKED)
    if seen.cookies > 1 or seen.largest > NEARLY_TOO_LARGE:
        found.append(LoopCause.SIZE)
    return (*found, LoopCause.PROXY, LoopCause.CLOCK)
