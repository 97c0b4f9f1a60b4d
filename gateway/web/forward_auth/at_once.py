"""Which questions may be answered at once, and the words of such a yes: those of `engine.py`, without what is said of each answer anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.core.reason import Reason
from gateway.proxy.express.questions import Endpoint, Questions
from gateway.web.forward_auth.dialects import DIALECTS

if TYPE_CHECKING:
    from gateway.web.state import Gateway

_YES = Reason.SESSION_ACCEPTED
#: As the general lane says it, but for the id of the request and the date: the proxy keeps neither.
_OPENING = (
    f"HTTP/1.1 200 OK\r\nCache-Control: no-store\r\nX-Gateway-Reason: {_YES}\r\nServer: auth-gateway\r\nContent-Length: 0\r\n".encode()
)


def questions(gateway: Gateway) -> Questions | None:
    """What answers proxies at once; None where none may ask, or where the inspector watches what each question comes to."""
    if gateway.forward_auth is None or gateway.arrivals is not None:
        return None
    endpoints = {}
    for name in gateway.settings.forward_auth.dialects:
        dialect = DIALECTS.get(name)
        # Only where a yes says nothing besides, and the proxy names all of the original request in fields.
        if dialect is None or dialect.removal is not None or not (dialect.method and dialect.target and dialect.host):
            continue
        path = dialect.endpoint.encode("ascii")
        endpoints[path] = Endpoint(path=path, method=dialect.method, target=dialect.target, host=dialect.host)

    def answered() -> None:
        gateway.counters.decisions[_YES] += 1
        gateway.counters.answered(200, _YES)

    limits, forged = gateway.forward_auth.limits, gateway.forward_auth.forged
    return Questions(endpoints, gateway.judge, limits, forged=forged.strips, opening=_OPENING, answered=answered) if endpoints else None
