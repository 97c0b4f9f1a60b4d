"""An empty store of each kind, for tests that hold all of them to the same."""

from __future__ import annotations

import pytest

from tests.servers import Valkey

STORES = ("sqlite", "postgresql", "valkey")


async def url_of(kind: str, request: pytest.FixtureRequest) -> str:
    """Its address."""
    if kind == "postgresql":
        return str(await request.getfixturevalue("postgres").new_database())
    if kind == "valkey":
        server: Valkey = request.getfixturevalue("valkey_server")
        server.forget()
        return server.url
    return f"sqlite:///{request.getfixturevalue('tmp_path')}/gateway.db"
