"""Where no route takes an Authorization: nothing to ask, nothing to open."""

from __future__ import annotations

from collections.abc import Container

from gateway.core.credentials import Shown
from gateway.core.facts import RequestFacts
from gateway.core.routes import Route
from gateway.proxy.fields import RawHeaders


class NoMachines:
    """Stands in for `Machines`."""

    off = True

    async def start(self) -> None:
        """Nothing is opened."""

    async def close(self) -> None:
        """Nothing is open."""

    def forget(self, sign_in_ids: Container[str]) -> None:
        """Nothing is remembered."""

    async def shown(self, facts: RequestFacts, headers: RawHeaders) -> Shown | None:
        """Nothing that comes is for the gateway."""
        return None

    def passing(self, headers: RawHeaders, route: Route) -> RawHeaders:
        """All of them."""
        return headers
