"""What a process knows of sessions beside their cookies: it outlives reloads, and all gateways of the process share it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gateway.sessions.revocation import MemoryRevocations, Revocations
from gateway.sessions.sign_ins import SignIns

if TYPE_CHECKING:
    from gateway.sessions.valkey_failures import ValkeyFailures


@dataclass(frozen=True, slots=True)
class SharedSessions:
    """One for each process.

    Attributes:
        revocations: Which sign-ins were signed out.
        sign_ins: Who is signed in; None without a store.
        failures: Failed sign-ins of all replicas; None where nobody counts them.
    """

    revocations: Revocations = field(default_factory=MemoryRevocations)
    sign_ins: SignIns | None = None
    failures: ValkeyFailures | None = None

    async def start(self) -> None:
        """Open what is needed, on the running loop.

        Raises:
            ConfigError: The store can't work as configured.
        """
        await self.revocations.start()
        if self.sign_ins is not None:
            await self.sign_ins.start()

    async def close(self) -> None:
        """Write what is left, and close the store."""
        if self.sign_ins is not None:
            await self.sign_ins.close()
        await self.revocations.close()
