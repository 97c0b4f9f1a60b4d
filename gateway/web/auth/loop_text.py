"""What the page of a sign-in loop says: what is missing, and each cause with its cure. No text here holds anything of the request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.core.sign_in_loop import LoopCause, Lost


@dataclass(frozen=True, slots=True)
class CauseText:
    """One cause.

    Attributes:
        title: A few words.
        why: How it comes about.
        cure: What to do, and who can.
    """

    title: str
    why: str
    cure: str


LOST: Mapping[Lost, str] = {
    Lost.SESSION: "You signed in twice, and each time your browser came back without the session cookie, so this site does not know you.",
    Lost.EVERYTHING: "Your browser sent the sign-in form and none of the cookies that came with it, so you can't be signed in.",
}

FOUND: Mapping[LoopCause, CauseText] = {
    LoopCause.PLAIN_HTTP: CauseText(
        "The page was opened over http.",
        "The cookies of this site are Secure: browsers keep and send them over https only.",
        "Open the address below, with https. Operator: let http redirect to https; if there is no https, say so in server.public_url.",
    ),
    LoopCause.FRAME: CauseText(
        "The page is shown inside another site.",
        "The cookies are SameSite=Lax: in a frame of another site browsers don't send them.",
        "Open this site in a tab of its own.",
    ),
    LoopCause.SIZE: CauseText(
        "The session cookie is very large.",
        "Browsers keep about 4096 bytes of one cookie, and servers in between often take only 8 KiB of cookies in all.",
        "Operator: put less into the session (roles, groups, claims), or raise the limit of the server in front.",
    ),
    LoopCause.PROXY: CauseText(
        "A server in between changes the cookie.",
        "The gateway sets it without a Domain, for this host alone; with another Domain or Path added, browsers drop it or don't send it here.",
        "Operator: look at Set-Cookie in the browser's network tools, and remove what rewrites it (proxy_cookie_domain, proxy_cookie_path).",
    ),
    LoopCause.CLOCK: CauseText(
        "The clock of this device is ahead.",
        "The session cookie carries the time at which it ends; where that is past already, browsers drop it at once.",
        "Set date and time of the device to automatic. Operator: see that the gateway's own clock is right.",
    ),
    LoopCause.BLOCKED: CauseText(
        "The browser keeps no cookies for this site.",
        "Its settings, an extension or a private mode may block them.",
        "Allow cookies for this site, then try again.",
    ),
}
