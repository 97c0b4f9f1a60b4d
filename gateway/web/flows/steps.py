"""A flow and its steps as values: only types that are safe to show, each with its place in a picture."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from gateway.core.reason import Reason
from gateway.core.return_to import Lost
from gateway.web.flows.shown import Shown

Why = Reason | Lost


class Lane(enum.StrEnum):
    """Who takes part."""

    BROWSER = "browser"
    GATEWAY = "gateway"
    PROVIDER = "provider"
    SESSION = "session"
    UPSTREAM = "upstream"


class Mark(enum.StrEnum):
    """How a step went."""

    PLAIN = "plain"
    GOOD = "good"
    BAD = "bad"


class Sort(enum.StrEnum):
    """What a flow is about."""

    SIGN_IN = "sign-in"
    SIGN_OUT = "sign-out"


class Did(enum.StrEnum):
    """What was done with a cookie."""

    SENT = "sent"
    SET = "set"
    CLEARED = "cleared"


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that went in or came out."""

    label: Shown
    value: Shown


@dataclass(frozen=True, slots=True, kw_only=True)
class CookieNote:
    """A cookie of ours, without its value.

    Attributes:
        size: Bytes of its value, all chunks together.
        chunks: How many cookies it takes.
        attributes: As it was set; empty for one that was sent.
        ends_s: Seconds until it ends, as it was set; None: with the browser.
        age_s: Seconds since it was made, where that can be known.
    """

    did: Did
    name: Shown
    size: int
    chunks: int = 1
    attributes: tuple[Shown, ...] = ()
    ends_s: int | None = None
    age_s: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One arrow, or one piece of work within a lane.

    Attributes:
        at: Unix time.
        took_us: Microseconds that it took, where that was measured.
        source, target: From where to where; the same: work.
        title: For the picture.
        text: A sentence that stands alone.
        why: The id by which logs, pages and `explain` call it.
        facts: What went in and came out.
        private: What only those see who may look into the inspector: it could tell who has an account, or how the site is built.
    """

    at: float
    source: Lane
    target: Lane
    title: Shown
    text: Shown
    mark: Mark = Mark.PLAIN
    took_us: int | None = None
    why: Why | None = None
    facts: tuple[Fact, ...] = ()
    cookies: tuple[CookieNote, ...] = ()
    private: tuple[Fact, ...] = ()

    def __post_init__(self) -> None:
        """Hold the promise of the module when nobody checks types.

        Raises:
            TypeError: Something in it is not made to be shown.
        """
        texts = [self.title, self.text, *(text for fact in (*self.facts, *self.private) for text in (fact.label, fact.value))]
        texts += [text for note in self.cookies for text in (note.name, *note.attributes)]
        if not all(isinstance(text, Shown) for text in texts):
            raise TypeError("a flow holds nothing but text that may be shown")


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A page where a sign-in could have ended; `why` it does not, None for the one that won."""

    source: Shown
    why: Why | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionNote:
    """What the session cookie that was made holds, and how it is kept.

    Attributes:
        claims: Names and values of the claims that may be shown.
        hidden: Names of further claims.
        visible: Which of `user` the page `/api/auth/session` tells JavaScript.
        stored: The store keeps the session, and the cookie holds an id (`session.strategy = "server"`).
        token: Bytes of the encrypted token, or of the id.
        cookie: The cookie that it is in.
        cipher: Its name in RFC 7518.
        issued, renews, ends, ends_at_last: Unix times.
    """

    claims: tuple[Fact, ...]
    hidden: tuple[Shown, ...]
    visible: tuple[Shown, ...]
    decided_by_callback: bool
    stored: bool
    token: int
    cookie: CookieNote
    cipher: Shown
    issued: float
    renews: float
    ends: float
    ends_at_last: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """What one attempt to sign in, or a sign-out, did.

    Attributes:
        code: The id of its request: error pages and the log show it.
        tie: A digest of the browser's id: whose it is.
        sign_in: A digest of the sign-in that it led to.
        share: Who must share the room for flows: a digest of the client's address.
        user: What the person is called; None unless the provider knew them.
        target: Where the browser was sent.
        won, lost, spare: What decided where the sign-in ends, what did not, and what was not needed.
        version: Counts the additions.
    """

    id: str
    code: str
    sort: Sort
    began: float
    tie: str
    share: str
    status: int
    reason: Reason
    sign_in: str | None = None
    user: Shown | None = None
    provider: Shown | None = None
    client: Shown | None = None
    target: Shown | None = None
    won: Candidate | None = None
    lost: tuple[Candidate, ...] = ()
    spare: tuple[Candidate, ...] = ()
    session: SessionNote | None = None
    steps: tuple[Step, ...] = ()
    version: int = 1
    size: int = field(default=0, compare=False)
