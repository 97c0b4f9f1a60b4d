"""What one request to `/api/auth/` brought, and the cookies that its answer will carry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import parse_qsl

from aiohttp import web

from gateway.core.facts import RequestFacts
from gateway.core.identity import Session
from gateway.core.policy import UNKNOWN
from gateway.core.reason import Reason
from gateway.sessions.cookie_header import LARGEST_COOKIE, CookieHeader, set_cookie_line
from gateway.sessions.flavour import Flavour
from gateway.sessions.storage import Held
from gateway.web.flows.trace import NO_TRACE, Trace
from gateway.web.state import FACTS, GATEWAY, REQUEST_ID, Gateway

_MAX_QUERY_FIELDS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One request.

    Attributes:
        origin: The public origin of the asked host, which is one of ours.
        query: The first value of each name.
        held: What the session cookies hold: a living session, none, or why they can't be used.
        said_json: The request has the header that asks for JSON instead of a redirect.
        fields: What was posted; filled in by `read_post`.
        lines: The `Set-Cookie` values of the answer, in order.
        trace: Is told what becomes of it.
    """

    gateway: Gateway
    facts: RequestFacts
    origin: str
    now: datetime
    request_id: str
    cookies: CookieHeader
    query: Mapping[str, str]
    held: Held
    said_json: bool = False
    fields: dict[str, str] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    trace: Trace = NO_TRACE

    @classmethod
    def of(cls, request: web.Request) -> Visit:
        """Read a request whose host the guard has found to be ours."""
        gateway, facts = request[GATEWAY], request[FACTS]
        return cls(
            gateway=gateway,
            facts=facts,
            origin=gateway.policy.hosts.origin(facts.host),
            now=gateway.clock(),
            request_id=request.get(REQUEST_ID, ""),
            cookies=CookieHeader.parse(request.headers.getall("Cookie", [])),
            query=read_query(facts.target.query),
            held=gateway.storage.held(request),
            said_json=(name := gateway.sessions.flavour.json_header) is not None and name in request.headers,
        )

    @property
    def flavour(self) -> Flavour:
        """The flavour of Auth.js that is spoken."""
        return self.gateway.sessions.flavour

    @property
    def asks_for_json(self) -> bool:
        """True for `next-auth/react`, which follows the address itself (contract section 7)."""
        name = self.flavour.json_field
        return self.said_json or (name is not None and self.fields.get(name) == "true")

    @property
    def session(self) -> Session | None:
        """The living session, if there is one."""
        return self.held if isinstance(self.held, Session) else None

    def csrf_token(self) -> str:
        """The token for the forms of this browser; its cookie is set if it is missing or not ours (contract section 4)."""
        names = self.gateway.sessions.names
        token = self.gateway.csrf.token_of(self.cookies.first(names.csrf))
        if token is None:
            token, value = self.gateway.csrf.issue()
            self.lines.append(set_cookie_line(names.csrf, value, secure=self._secure))
        return token

    def csrf_holds(self, posted: Mapping[str, str]) -> bool:
        """True if the posted token belongs to this browser. A token in the query does not count (promise 32)."""
        return self.gateway.csrf.verify(self.cookies.first(self.gateway.sessions.names.csrf), posted.get("csrfToken"))

    def remember_callback_url(self, location: str) -> None:
        """Keep where to go in the cookie that Auth.js clients rely on, as an absolute URL; not one that a browser would not keep."""
        name, value = self.gateway.sessions.names.callback_url, self.absolute(location)
        line = set_cookie_line(name, value, secure=self._secure)
        if len(line.partition(";")[0]) > LARGEST_COOKIE:
            self.forget_callback_url()  # else the one before would stay, and the next sign-in end there
        elif self.cookies.first(name) != value:
            self.lines.append(line)

    def forget_callback_url(self) -> None:
        """Clear that cookie, once it has been used or can't be: otherwise the next sign-in would end at an old place."""
        name = self.gateway.sessions.names.callback_url
        if self.cookies.first(name) is not None:
            self.lines.append(set_cookie_line(name, "", secure=self._secure, max_age=0))

    def clear_bad_session(self) -> None:
        """Clear a session cookie that can't be used any more (promise 41).

        One that only can't be checked now stays, and so does one from the future: it is good again when the clocks are.
        """
        if isinstance(self.held, Reason) and self.held not in UNKNOWN and self.held is not Reason.SESSION_FROM_FUTURE:
            self.lines.extend(self.gateway.sessions.clear(self.cookies))

    def absolute(self, location: str) -> str:
        """A judged location as a whole URL, which `next-auth/react` hands to `new URL()`."""
        return f"{self.origin}{location}" if location.startswith("/") else location

    @property
    def _secure(self) -> bool:
        return self.gateway.policy.hosts.scheme == "https"


def read_query(query: str | None) -> dict[str, str]:
    """The first value of each name; of a query with too many of them, nothing."""
    if not query:
        return {}
    try:
        pairs = parse_qsl(query, keep_blank_values=True, encoding="utf-8", errors="replace", max_num_fields=_MAX_QUERY_FIELDS)
    except ValueError:  # more fields than anybody needs
        return {}
    return dict(reversed(pairs))
