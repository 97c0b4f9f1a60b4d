"""The exceptions of the gateway. Answers (a wrong password, an expired session, a denied path) are never exceptions.

GatewayError
  ConfigError(problems)        the operator must act; the process does not start
  ProviderUnavailable          503: nobody could say whose credentials these are
    HashingBusy                503: the queue in front of the password hashing is full
  UpstreamError                an upstream did not do its part
    UpstreamUnreachable        502: no connection within the connect limit
    UpstreamBusy               503: no connection came free within the waiting limit
    UpstreamTimedOut           504: no response head within the response limit
    UpstreamInvalid            502: what came back is not one well-formed HTTP/1.1 response
    UpstreamTruncated          the body ended early; the status was sent already, so the client is cut off
  ClientGone                   the client left; nobody is there to be answered
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.core.problem import Problem


class GatewayError(Exception):
    """The root of all errors that the gateway raises on purpose."""


class ConfigError(GatewayError):
    """The configuration can't be used; `problems` names everything that is wrong with it, not only the first."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class ProviderUnavailable(GatewayError):
    """A provider could not say yes or no (database gone, a function that raised): the sign-in shows 503, never "wrong password"."""

    def __init__(self, provider: str, why: str = "") -> None:
        self.provider = provider
        self.why = why
        super().__init__(f"provider {provider!r} gave no answer" + (f": {why}" if why else ""))


class HashingBusy(ProviderUnavailable):
    """More sign-ins wait for password hashing than the limit allows; `retry_after` is in whole seconds."""

    def __init__(self, provider: str, retry_after: int = 1) -> None:
        self.retry_after = retry_after
        super().__init__(provider, "the password hashing queue is full")


class UpstreamError(GatewayError):
    """An upstream failed; the message is for the log, never for a client (it may name internal addresses)."""

    def __init__(self, upstream: str, why: str) -> None:
        self.upstream = upstream
        self.why = why
        super().__init__(f"upstream {upstream!r}: {why}")


class UpstreamUnreachable(UpstreamError):
    """No connection could be made: refused, unreachable, name not found, TLS failed, or the connect limit passed."""


class UpstreamBusy(UpstreamError):
    """All connections to the upstream are in use and none came free within the waiting limit."""


class UpstreamTimedOut(UpstreamError):
    """The upstream took the request and sent no response head within the response limit."""


class UpstreamInvalid(UpstreamError):
    """What the upstream sent is not one well-formed HTTP/1.1 response (RFC 9112), so none of it is passed on."""


class UpstreamTruncated(UpstreamError):
    """The response body ended before its framing said so, or stalled past the idle limit."""


class ClientGone(GatewayError):
    """The client closed its connection, or stopped reading for longer than the limit."""
