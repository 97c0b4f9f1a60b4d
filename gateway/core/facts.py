"""What is believed of one request, after everything doubtful was refused. `web/facts.py` makes these; the rules read them."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from gateway.core.target import Target


class Wants(enum.Enum):
    """What kind of answer the client can use where it is not signed in."""

    PAGE = "page"  # a person's navigation: a redirect to the sign-in page helps
    DATA = "data"  # a script's request: a redirect would put an HTML page where data is expected
    UNSAID = "unsaid"  # nothing was said: the route decides


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestFacts:
    """A request as the rules see it.

    Attributes:
        method: As sent; methods compare exactly (RFC 9110 9.1).
        scheme: `http` or `https`: the public one, from the configuration, or from a listed proxy.
        host: The asked `Host`, lower case, without the scheme's default port.
        target: What was asked for, and every way to read it.
        client: The address of the client, as far as listed proxies are believed.
        wants: A page, data, or unsaid.
        wants_by: What in the request said so, for people; empty if nothing did.
        upgrade: True for a WebSocket opening handshake (RFC 6455 4.1).
        origin: The `Origin` header, or None without one.
    """

    method: str
    scheme: str
    host: str
    target: Target
    client: str = ""
    wants: Wants = Wants.UNSAID
    wants_by: str = ""
    upgrade: bool = False
    origin: str | None = None
