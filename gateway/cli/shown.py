"""What came of an `Authorization` in a question of `gateway explain`: asked of the store and the providers, as a running gateway does."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gateway.core.identity import Session

if TYPE_CHECKING:
    from gateway.core.credentials import Shown
    from gateway.core.facts import RequestFacts
    from gateway.core.policy import Policy
    from gateway.proxy.fields import RawHeaders
    from gateway.settings.model import Settings


async def shown_in(facts: RequestFacts, headers: RawHeaders, settings: Settings, policy: Policy) -> Shown | None:
    """The credential of a question; None if it holds none for the gateway.

    Raises:
        ConfigError: The store or a provider can't work as configured.
    """
    if not any(name.lower() == b"authorization" for name, _ in headers):
        return None
    from gateway.callbacks.module import Callbacks
    from gateway.providers.build import build_chain
    from gateway.web.auth.attempts import Attempts
    from gateway.web.machines.machines import Machines

    chain = build_chain(settings)
    machines = Machines(
        settings, policy, chain, Callbacks(), Attempts(), refusal=lambda _: None, clock=lambda: datetime.now(UTC)
    )  # fmt: skip
    if machines.off:
        return None
    await chain.start()
    try:
        await machines.start()
        return await machines.shown(facts, headers)
    finally:
        await machines.close()
        await chain.close()


def note_on(shown: Shown) -> tuple[str, ...]:
    """Who asks, in a sentence."""
    if not isinstance(shown.held, Session):
        return ()
    by = f"the token {shown.what}" if shown.what else "name and password"
    return (f"signed in as {shown.held.user.id}, by {by}, for this request alone",)
