"""Whether a POST comes from a page of our own (promise 32). Asked besides the csrf token, and even a good token does not help."""

from __future__ import annotations

from collections.abc import Sequence


def is_cross_site(*, origins: Sequence[str], fetch_sites: Sequence[str], own_origin: str) -> bool:
    """True if the browser says that another site sends this.

    Clients that say nothing (command lines, old browsers) pass: the csrf token is theirs to know.

    Args:
        origins: All `Origin` lines (RFC 6454 7).
        fetch_sites: All `Sec-Fetch-Site` lines (W3C Fetch Metadata 2.4); pages can't set it. `none` is the person's own doing.
    """
    if len(origins) > 1 or len(fetch_sites) > 1:
        return True
    site = fetch_sites[0] if fetch_sites else None
    # A sibling subdomain is "same-site": it is not us, and may belong to somebody else.
    if site not in (None, "same-origin", "none"):
        return True
    if not origins or origins[0] == own_origin:
        return False
    # An app with `Referrer-Policy: no-referrer` makes browsers send "null" for its own forms; only then is it harmless.
    return not (origins[0] == "null" and site == "same-origin")
