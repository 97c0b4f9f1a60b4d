"""401 or a redirect: how somebody who is not signed in is told so. The table is data: the engine reads it, `docs/redirects.md` prints it.

A redirect helps a person and nobody else: a script that follows it finds a page of HTML where it expected data, and thinks that all is well.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.core.facts import RequestFacts, Wants

_READS = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInAnswer:
    """One row. What is None fits every request.

    Attributes:
        upgrade: A WebSocket opening handshake, or not.
        wants: What the client can use (`core/wants.py`).
        api: The route has `api = true`, or not.
        methods: The methods it is for.
        front_door: The address that was asked for is `/`, or not.
        status: 401, or the status of a redirect to the sign-in page.
        comes_back: The sign-in ends at the page that was asked for.
        why: The reason for the row, in words.
    """

    status: int
    why: str
    upgrade: bool | None = None
    wants: frozenset[Wants] | None = None
    api: bool | None = None
    methods: frozenset[str] | None = None
    front_door: bool | None = None
    comes_back: bool = False

    def fits(self, facts: RequestFacts, *, api: bool) -> bool:
        """True if the row is for this request."""
        return (
            self.upgrade in (None, facts.upgrade)
            and (self.wants is None or facts.wants in self.wants)
            and self.api in (None, api)
            and (self.methods is None or facts.method in self.methods)
            and self.front_door in (None, facts.target.raw == "/")
        )


#: The first row that fits decides.
ANSWERS = (
    SignInAnswer(status=401, upgrade=True, why="no browser follows a redirect of a WebSocket handshake (WHATWG WebSockets)"),
    SignInAnswer(
        status=401,
        methods=frozenset({"OPTIONS"}),
        why="a CORS preflight never carries cookies, and a redirect of one is an error (WHATWG Fetch 4.8)",
    ),
    SignInAnswer(status=401, wants=frozenset({Wants.DATA}), why="a script would take the sign-in page for its data"),
    SignInAnswer(status=401, wants=frozenset({Wants.UNSAID}), api=True, why="the client does not say, and the route is for programs"),
    SignInAnswer(status=302, methods=_READS, front_door=True, why="whoever opens the front door asked for no page in particular"),
    SignInAnswer(status=302, methods=_READS, comes_back=True, why="a person, who comes back to the page that was asked for"),
    SignInAnswer(status=303, why="a person whose form can't be sent again by a link (RFC 9110 15.4.4)"),
)


def sign_in_answer(facts: RequestFacts, *, api: bool) -> SignInAnswer:
    """The row that decides for a request.

    Args:
        api: What the route says.
    """
    return next(answer for answer in ANSWERS if answer.fits(facts, api=api))
