"""Cookies that only the gateway's own pages get back (`Path=/api/auth`): sealed, small, and gone with the browser or after a while.

They keep what has to stay with one browser between two of its requests: no memory of the gateway's own, so any number of processes and
replicas read them. Each opens beside the csrf cookie alone that was there when it was sealed: on https that is a `__Host-` cookie, which a
sibling subdomain can't set, so nobody can put what their own browser was given into somebody else's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.sessions.cookie_header import CookieHeader, set_cookie_line
from gateway.sessions.cookies import SIDE_COOKIES
from gateway.web.state import Gateway

_PATH = "/api/auth"


@dataclass(frozen=True, slots=True)
class SideCookie:
    """One of them.

    Attributes:
        suffix: What stands behind the stem of the session cookie's name; one of `SIDE_COOKIES`, so that no upstream sees or sets it.
        life: How long its content is good; the browser drops it when it ends.
    """

    suffix: str
    life: timedelta

    def __post_init__(self) -> None:
        assert self.suffix in SIDE_COOKIES

    def name(self, gateway: Gateway) -> str:
        """What it is called here."""
        return f"{'__Secure-' if _secure(gateway) else ''}{gateway.sessions.flavour.stem}.{self.suffix}"

    def read(self, gateway: Gateway, cookies: CookieHeader, *, now: datetime) -> str | None:
        """What it holds; None without one that was sealed here, for this and this browser, not too long ago."""
        sealed, csrf = cookies.first(self.name(gateway)), csrf_of(gateway, cookies)
        return gateway.sealer.open(sealed, purpose=f"{self.suffix} {csrf}", now=now) if sealed and csrf else None

    def line(self, gateway: Gateway, text: str, *, csrf: str, now: datetime) -> str:
        """The Set-Cookie value that sets it, for the browser with this csrf token."""
        sealed = gateway.sealer.seal(text, purpose=f"{self.suffix} {csrf}", expires=now + self.life)
        return set_cookie_line(self.name(gateway), sealed, secure=_secure(gateway), path=_PATH, max_age=int(self.life.total_seconds()))

    def forget(self, gateway: Gateway, cookies: CookieHeader | None = None) -> Iterator[str]:
        """The Set-Cookie value that clears it.

        Args:
            cookies: Those of the request: nothing is cleared that did not come. None where the browser would not have sent it.
        """
        name = self.name(gateway)
        if cookies is None or cookies.first(name) is not None:
            yield set_cookie_line(name, "", secure=_secure(gateway), max_age=0, path=_PATH)


def csrf_of(gateway: Gateway, cookies: CookieHeader) -> str | None:
    """The csrf token of a browser; None without a cookie of ours that vouches for one."""
    return gateway.csrf.token_of(cookies.first(gateway.sessions.names.csrf))


def _secure(gateway: Gateway) -> bool:
    return gateway.policy.hosts.scheme == "https"


#: What a browser remembers of its last sign-in (`web/auth/trail.py`).
TRAIL = SideCookie("sign-in-trail", timedelta(minutes=6))
#: A form that waits for the end of a sign-in (`web/auth/kept_form.py`).
KEPT_FORM = SideCookie("kept-form", timedelta(minutes=10))
