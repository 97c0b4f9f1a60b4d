"""What the express lane needs of others: a judge, which the web room fills with the policy, and the client's connection."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from gateway.core.errors import UpstreamError
    from gateway.proxy.upstream.pool import UpstreamPool


@dataclass(frozen=True, slots=True, eq=False)
class Terms:
    """On what terms requests of one route and host pass; the same for everybody.

    Attributes:
        pool: Where to; None on a route that proxies only ask about.
        host: The asked host, canonical.
        opening: The Host line, its line end behind it.
        private: The answer is made for one person, so shared caches may not keep it.
        streaming: The upstream may be silent for as long as it likes.
        max_body: Bytes of a request body; 0 means no limit.
        ways: By the client's address, what the upstream is told of the way that a request came, a line end behind each line.
    """

    pool: UpstreamPool | None
    host: str
    opening: bytes
    private: bool
    streaming: bool
    max_body: int
    ways: dict[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pass:
    """A yes.

    Attributes:
        cookie: The Cookie line with what is left without ours, its line end behind it; b"" for none.
        identity: The identity lines, a line end behind each.
    """

    terms: Terms
    cookie: bytes
    identity: bytes


class Judge(Protocol):
    """Says yes, or nothing: whatever is not a plain yes is for the general lane to judge and to answer."""

    def judge(self, method: bytes, path: bytes, host: bytes, cookie: bytes | None, data: bytes) -> Pass | None:
        """Judge a plain request; `data` is its whole head. The cookie may hold anything."""


class Client(Protocol):
    """The connection that an answer is for."""

    @property
    def last_request(self) -> bool:
        """True if the answer must close the connection."""

    @property
    def body_pending(self) -> bool:
        """True while body bytes of the request have not come yet."""

    def write(self, data: bytes) -> None:
        """Send; dropped if the client is gone."""

    def relayed(self, *, goes_on: bool) -> None:
        """The answer is out."""

    def hand_over(self, raw: bytes, *, fault: UpstreamError) -> None:
        """The general lane answers instead."""

    def pause_reading(self, who: str) -> None:
        """The upstream takes less of the body than comes."""

    def resume_reading(self, who: str) -> None:
        """It caught up."""

    def abort(self) -> None:
        """Cut the connection, so that the client sees that the answer is not whole."""
