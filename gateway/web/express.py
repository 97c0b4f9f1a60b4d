"""The express lane of a gateway: what it asks and what it is told, from the gateway's own parts."""

from __future__ import annotations

import secrets

from gateway.proxy.client.plain import PlainReader
from gateway.proxy.express.lane import ExpressLane
from gateway.web.forward import log_truncated
from gateway.web.forward_auth.at_once import questions
from gateway.web.state import Gateway


def express_lane(gateway: Gateway, reader: PlainReader) -> ExpressLane:
    """Make the lane for a gateway."""
    return ExpressLane(
        reader,
        gateway.judge,
        scheme=gateway.policy.hosts.scheme,
        owns_cookie=gateway.sessions.owns,
        believes=gateway.trusted.covers,
        on_cut=lambda error: log_truncated(error, secrets.token_hex(8)),
        answered=gateway.counters.express,
        questions=questions(gateway),
    )
