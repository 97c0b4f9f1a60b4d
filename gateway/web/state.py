"""What a running gateway is made of: one value, so that a reload can replace all of it at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from aiohttp import web

from gateway.core.facts import RequestFacts

if TYPE_CHECKING:
    from gateway.core.headers import Stripper
    from gateway.core.identity import Session
    from gateway.core.policy import Policy
    from gateway.providers.chain import Chain
    from gateway.proxy.upstream.pool import UpstreamPool
    from gateway.sessions.cookies import SessionCookies
    from gateway.sessions.csrf import Csrf
    from gateway.sessions.seal import Sealer
    from gateway.sessions.storage import TokenStorage
    from gateway.settings.model import Settings


@dataclass(frozen=True, kw_only=True)
class Gateway:
    """The parts that handlers use.

    Attributes:
        clock: Gives the time in UTC, aware.
        rememberers: Whoever keeps sessions in memory adds its own way to forget one.
    """

    settings: Settings
    policy: Policy
    stripper: Stripper
    sessions: SessionCookies
    storage: TokenStorage
    csrf: Csrf
    sealer: Sealer
    chain: Chain
    pools: Mapping[str, UpstreamPool]
    clock: Callable[[], datetime]
    rememberers: list[Callable[[Session], None]] = field(default_factory=list)

    def forget(self, session: Session) -> None:
        """Let nobody remember a session: it was signed out."""
        for forget in self.rememberers:
            forget(session)


GATEWAY = web.AppKey("gateway", Gateway)
FACTS = web.RequestKey("facts", RequestFacts)
REQUEST_ID = web.RequestKey("request_id", str)
CHAIN = web.RequestKey("chain", tuple[str, ...])
