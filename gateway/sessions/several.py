"""Several session cookies in one request.

A sibling domain may toss one, one of another path may lie in the jar, and one in chunks beside one that is whole. The first is the session
(`chunks.py`); a sign-out means all of them, as the next in the row would be the session as soon as the first is gone.
"""

from __future__ import annotations

from gateway.sessions.chunks import SUFFIXES, token_in
from gateway.sessions.cookie_header import CookieHeader, set_cookie_line

_MOST = 16  # of one name that are looked at: more have no room in a head of common size
#: Paths that lead to a sign-out, beside that of our own cookies; and how many domains above a host are tried.
_PATHS, _MAX_DOMAINS = ("/api", "/api/auth"), 4


def carried_in(cookies: CookieHeader, name: str, *, chunk: int) -> list[CookieHeader]:
    """Every session that a request carries, each as if it had come alone: first the one that is read."""
    found: dict[str, CookieHeader] = {}
    for row in (cookies, *cookies.apart(name, most=_MOST)):
        for form in (row, row.only(lambda found: found == name), row.only(lambda found: found != name)):
            token = token_in(form, name, chunk=chunk)
            if token is not None:
                found.setdefault(token, form)
    return list(found.values())


def clear_elsewhere(carried: CookieHeader, name: str, host: str, *, secure: bool) -> list[str]:
    """The Set-Cookie values that take cookies of the session out of the browser which are not where the gateway sets them.

    That is where another server may have put them: for a domain above the host, or for a path that leads here. Browsers ignore what is not
    allowed, such as a domain of everybody's. Nothing, unless there are several of one name.

    Args:
        carried: The cookies of the request.
        name: Of the session cookie.
        host: What it asked for, as in `Host`.
    """
    names = {name + suffix for suffix in SUFFIXES}
    places = [("/", domain) for domain in _domains_of(host)] + [(path, None) for path in _PATHS]
    return [
        set_cookie_line(found, "", secure=secure, max_age=0, path=path, domain=domain)
        for found in carried.repeated(name)
        if found in names
        for path, domain in places
    ]


def _domains_of(host: str) -> list[str]:
    """A host without its port, and the domains above it, down to two labels; nothing for an address."""
    labels = host.partition(":")[0].split(".")
    if host.startswith("[") or labels[-1].isdecimal():
        return []
    return [".".join(labels[start:]) for start in range(len(labels) - 1)][:_MAX_DOMAINS]
