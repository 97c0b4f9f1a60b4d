"""Which addresses below `/api/auth/` there are, and for which methods: what `gateway explain` says of them without a gateway that runs."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.core.reason import Reason

BASE = "/api/auth"
_GET, _POST, _BOTH = ("GET",), ("POST",), ("GET", "POST")
EXACT: Mapping[str, tuple[str, ...]] = {
    "signin": _GET,
    "signout": _BOTH,
    "csrf": _GET,
    "providers": _GET,
    "session": _BOTH,
    "error": _GET,
    "kept-form": _GET,
    "sessions": _BOTH,
    "client.js": _GET,
    "why": _GET,
    "inspector": _GET,
    "inspector/live": _GET,
}
#: With the id of a provider behind a slash.
WITH_ID: Mapping[str, tuple[str, ...]] = {"signin": _BOTH, "callback": _POST, "inspector": _GET}
REPORTS = "_log"


def refusal(path: str, method: str, *, takes_reports: bool) -> tuple[Reason, int] | None:
    """Why a path below `/api/auth` is answered with an error whatever else it brings; None if there is an action for it.

    Args:
        takes_reports: The flavour's clients send reports (v4).
    """
    name = path.removeprefix(f"{BASE}/")
    methods = EXACT.get(name)
    if methods is None and name.count("/") == 1 and not name.endswith("/"):
        methods = WITH_ID.get(name.partition("/")[0])
    if name == REPORTS and takes_reports:
        methods = _POST
    if methods is None:
        return Reason.ACTION_UNKNOWN, 404
    asked = "GET" if method == "HEAD" else method
    return None if asked in methods else (Reason.METHOD_REFUSED, 405)
