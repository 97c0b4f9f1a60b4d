"""What a request can show beside a session cookie: a token of the gateway's own, or name and password; and how far a token reaches."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, field

from gateway.core.facts import RequestFacts
from gateway.core.host import HostPattern, read_host
from gateway.core.identity import Session
from gateway.core.path_pattern import PathPattern
from gateway.core.reason import Reason

_SCOPE = re.compile(r"(?:(?P<methods>[A-Z]+(?:,[A-Z]+)*) )?(?P<host>[^/ ]*)(?P<path>/\S*)\Z")


class Means(enum.StrEnum):
    """How a client may say who it is. Routes list those that they take."""

    SESSION = "session"  # the session cookie of a browser
    BEARER = "bearer"  # `Authorization: Bearer`, with a token that the gateway issued (RFC 6750)
    BASIC = "basic"  # `Authorization: Basic`, name and password (RFC 7617)


@dataclass(frozen=True, slots=True)
class Scope:
    """Some requests that a token may be used for: `GET,HEAD app.example.com/api/**`. What it leaves out, it does not ask for.

    Attributes:
        text: As it was written.
        methods: Exact names; empty: every method.
        host: The asked host; None: every host of the gateway.
    """

    text: str
    path: PathPattern
    methods: frozenset[str] = frozenset()
    host: HostPattern | None = None

    @classmethod
    def parse(cls, text: str, *, scheme: str) -> Scope:
        """Read a scope.

        Raises:
            ValueError: It is none.
        """
        form = (
            'a scope is a path, with methods and a host before it if need be: "/api/**", "GET,HEAD /api/**", "GET app.example.com/api/**"'
        )
        match = _SCOPE.match(text)
        if match is None:
            raise ValueError(form)
        host = None
        if match["host"]:
            wildcard = "*." if match["host"].startswith("*.") else ""
            read = read_host(match["host"].removeprefix("*."), scheme=scheme)
            if read is None:
                raise ValueError(form)
            host = HostPattern(wildcard + read)
        return cls(text, PathPattern.parse(match["path"]), frozenset((match["methods"] or "").split(",")) - {""}, host)

    def covers(self, facts: RequestFacts) -> bool:
        """True if the request lies within, in every reading of its path."""
        return (
            (not self.methods or facts.method in self.methods)
            and (self.host is None or self.host.matches(facts.host))
            and all(self.path.matches(reading) for reading in facts.target.readings)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What came of an `Authorization` that was for the gateway.

    Attributes:
        means: `BEARER` or `BASIC`.
        held: Whose it is, or why it can't be used.
        scopes: What a token may be used for; empty: whatever its user may do.
        what: The token's id, for people; never a secret.
        retry_after_s: When to come back, where it was not looked at.
    """

    means: Means
    held: Session | Reason = field(repr=False)
    scopes: tuple[Scope, ...] = ()
    what: str = ""
    retry_after_s: int | None = None
