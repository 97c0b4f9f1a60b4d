"""The answer to a proxy's question: the policy's, as in proxy mode, in a form that the proxy can take. Whatever is doubtful is no yes."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence

from aiohttp import web

from gateway.core.decision import Allow
from gateway.core.headers import Stripper, ValueRefused
from gateway.core.identity import Session
from gateway.core.policy import decide
from gateway.core.reason import Reason
from gateway.core.target import Target
from gateway.proxy.client.head import HeadLimits
from gateway.proxy.fields import RawHeaders
from gateway.sessions.cookie_header import CookieHeader
from gateway.web.answers import answer
from gateway.web.body import connection_of
from gateway.web.facts import Refused, is_own_endpoint
from gateway.web.forward import PERSONAL
from gateway.web.forward_auth.asking import original_of
from gateway.web.forward_auth.dialects import OAUTH2_PROXY, Dialect, rooms_of, spoken
from gateway.web.forward_auth.standing_in import matters_not, told_besides, wants_more
from gateway.web.log import event
from gateway.web.pages import error_page
from gateway.web.revisit import revisited
from gateway.web.state import CHAIN, FACTS, GATEWAY, RENEWED, REQUEST_ID, Gateway

log = logging.getLogger(__name__)
#: How many Set-Cookie values a proxy that needs them numbered is given: as many as a session has cookies at most.
MOST_NUMBERED = 4


class ForwardAuth:
    """The endpoints that a configuration names.

    Args:
        dialects: Their names.
        forged: Says which fields only the gateway may set.
        limits: Those of a request's head.
    """

    def __init__(self, dialects: Iterable[str], forged: Stripper, limits: HeadLimits) -> None:
        names = tuple(dialects)
        self._dialects = tuple(spoken(names))
        self._rooms = rooms_of(names)
        self.forged = forged
        self.limits = limits

    def dialect_of(self, target: Target) -> Dialect | None:
        """The dialect that a request is a question in; None for every other request."""
        return next((dialect for dialect in self._dialects if dialect.covers(target.path)), None)

    def owns(self, target: Target) -> bool:
        """True if any reading of a path lies where the endpoints of another gateway do that this one stands in for."""
        return any(reading == room or reading.startswith(f"{room}/") for room in self._rooms for reading in target.readings)

    async def answer(self, request: web.BaseRequest, dialect: Dialect) -> web.StreamResponse:
        """Answer a question: 200 with what the app is to be told, or a no."""
        gateway, connection = request[GATEWAY], connection_of(request)
        head = connection.head
        assert head is not None
        original = original_of(
            dialect, head, peer=connection.address, hosts=gateway.policy.hosts, trusted=gateway.trusted, limits=self.limits
        )
        if isinstance(original, Refused):
            return _refused(request, dialect, original)
        request[FACTS], request[CHAIN] = original.facts, original.chain
        if is_own_endpoint(original.facts.target) or self.owns(
            original.facts.target
        ):  # the proxy has to hand these on to the gateway, without asking
            return _refused(request, dialect, Refused(Reason.ACTION_UNKNOWN, 404))
        forged = self._sent(head.headers, dialect)
        if forged and not dialect.cleans:
            # Nobody here can take it out of the request, and an app may believe it (promises 16, 17, 21).
            return _refused(request, dialect, Refused(Reason.HEADER_FORGED, 400))
        cookies = CookieHeader.parse(value for name, value in head.headers if name.lower() == b"cookie")
        await gateway.sessions.load(cookies)
        session = gateway.storage.held_in(cookies)
        if not original.facts.method and not matters_not(original.facts, gateway.policy):
            return _refused(request, dialect, Refused(Reason.ORIGINAL_INCOMPLETE, 400))
        looked_at = dialect.takes_authorization and not gateway.machines.off
        shown = await gateway.machines.shown(original.facts, head.headers) if looked_at else None
        decision = decide(original.facts, session, gateway.policy, now=gateway.clock(), shown=shown)
        session = session if shown is None else shown.held
        if isinstance(decision, Allow) and isinstance(session, Session) and "jwt" in gateway.callbacks:
            decision, session = await revisited(request, decision, session, cookies)
        gateway.counters.decisions[decision.reason] += 1
        if not isinstance(decision, Allow):
            return _no(request, dialect, answer(request, decision))
        if dialect is OAUTH2_PROXY and (short := wants_more(head.target, session)) is not None:
            return _no(request, dialect, error_page(request, *short))
        try:
            response = _yes(gateway, dialect, decision, session, cookies)
        except ValueRefused:
            return _no(request, dialect, error_page(request, Reason.IDENTITY_UNENCODABLE, 403))
        sent = [line for line in head.headers if line[0].lower() == b"authorization"]
        if sent and "Authorization" not in response.headers:
            # What was for the gateway is not for the app: a proxy that takes this field from the answer takes the client's away with it.
            kept = gateway.machines.passing(sent, decision.route) if decision.route.keeps_authorization else []
            if kept and dialect.removal is None:
                response.headers["Authorization"] = kept[0][1].decode("latin-1")
            elif not kept and not dialect.cleans and not (decision.route.keeps_authorization and dialect.takes_authorization):
                return _refused(request, dialect, Refused(Reason.HEADER_FORGED, 400))
            elif not kept:
                forged = (*forged, "authorization")
        if gateway.arrivals is not None:
            gateway.arrivals.allowed(session, original.facts, decision, cookies)
        if dialect.removal is not None:
            response.headers[dialect.removal] = ", ".join(_to_remove(response, forged, gateway.policy.identity.names))
        _renew(response, dialect, _renewal(request, decision, session, cookies))
        return response

    def _sent(self, headers: RawHeaders, dialect: Dialect) -> Sequence[str]:
        """The fields of the original request that only the gateway may set."""
        names = dict.fromkeys(name.lower() for name, _ in headers)
        return [text for name in names if name not in dialect.carriers and self.forged.strips(text := name.decode("ascii"))]


def _refused(request: web.BaseRequest, dialect: Dialect, refused: Refused) -> web.StreamResponse:
    event(
        log, "forward-auth-refused", reason=refused.reason, status=refused.status, dialect=dialect.name,
        peer=connection_of(request).address, request=request[REQUEST_ID],
    )  # fmt: skip
    request[GATEWAY].counters.decisions[refused.reason] += 1
    return _no(request, dialect, error_page(request, refused.reason, refused.status))


def _no(request: web.BaseRequest, dialect: Dialect, response: web.StreamResponse) -> web.StreamResponse:
    """A no, as the proxy can take it. A sign-in address is absolute: a proxy would resolve another one against its own question."""
    location = response.headers.get("Location", "")
    if location.startswith("/"):
        response.headers["Location"] = request[GATEWAY].policy.hosts.origin(request[FACTS].host) + location
    response.set_status(dialect.status(response.status))
    return response


def _yes(gateway: Gateway, dialect: Dialect, allow: Allow, session: Session | Reason | None, cookies: CookieHeader) -> web.Response:
    response = web.Response(status=dialect.yes, headers={"Cache-Control": "no-store", "X-Gateway-Reason": allow.reason.value})
    told = told_besides(dialect, session) if allow.reason in PERSONAL and isinstance(session, Session) else ()
    for name, value in (*told, *allow.set_headers):
        response.headers[name] = value
    # The proxy holds the session cookie; it is told what is left for the app (promise 22).
    rest = cookies.without(gateway.sessions.owns)
    if allow.reason is Reason.SESSION_ACCEPTED and allow.route.upstream in gateway.told_sessions:
        rest = "; ".join(filter(None, (rest, gateway.sessions.handed_on(cookies))))
    if rest and _is_text(rest):
        response.headers["Cookie"] = rest
    return response


def _is_text(value: str) -> bool:
    """False for bytes that were no UTF-8, which no answer can hold."""
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _to_remove(response: web.StreamResponse, forged: Iterable[str], owned: Iterable[str]) -> Iterable[str]:
    """What the answer does not replace: forged fields as they are spelt, identity headers with nothing to say, and the Cookie line."""
    names = dict.fromkeys((*forged, *(name.lower() for name in owned), "cookie"))
    return [name for name in names if name not in response.headers]


def _renewal(request: web.BaseRequest, allow: Allow, session: Session | Reason | None, cookies: CookieHeader) -> Sequence[str]:
    if allow.reason is not Reason.SESSION_ACCEPTED or not isinstance(session, Session):
        return ()
    gateway, known = request[GATEWAY], request.get(RENEWED)
    return gateway.sessions.renewal(session, now=gateway.clock(), carried=cookies) if known is None else known


def _renew(response: web.StreamResponse, dialect: Dialect, lines: Sequence[str]) -> None:
    if dialect.renews is not None and len(lines) > dialect.renews:
        return  # as below
    if dialect.numbered is None:
        for line in lines:
            response.headers.add("Set-Cookie", line)
    elif len(lines) <= MOST_NUMBERED:  # half a session would be none; whole, the old one stays as good as it is
        for number, line in enumerate(lines, 1):
            response.headers[f"{dialect.numbered}-{number}"] = line
