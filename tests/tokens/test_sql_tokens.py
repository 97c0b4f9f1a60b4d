"""Where tokens are kept: SQLite and PostgreSQL alike; no token is in it, and a database that is away is no answer."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.core.errors import ConfigError
from gateway.tokens.sql_tokens import KEPT, Issued, SqlTokens, TokensUnavailable
from gateway.tokens.token import digest_of, new_token
from tests.servers import free_port

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
TOKEN = new_token()
ADAS = Issued(
    digest=digest_of(TOKEN), user_id="ada", provider="credentials", attributes={}, name="CI", scopes=("GET /api/**",), created_at=NOW,
    expires_at=NOW + timedelta(days=90),
)  # fmt: skip
BOBS = replace(ADAS, digest=digest_of(new_token()), user_id="bob", provider="", attributes={"roles": ["bot"]}, scopes=())


@pytest.fixture(params=["sqlite", "postgresql"])
async def url(request, tmp_path: Path) -> str:
    return await request.getfixturevalue("postgres").new_database() if request.param == "postgresql" else f"sqlite:///{tmp_path}/gateway.db"


@pytest.fixture
async def tokens(url):
    store = SqlTokens(url, time_limit_s=5)
    await store.start()
    yield store
    await store.close()


async def test_what_was_issued_is_found_by_its_hash_and_by_nothing_else(tokens):
    await tokens.add(ADAS)
    await tokens.add(BOBS)
    assert await tokens.find(ADAS.digest) == ADAS
    assert await tokens.find(BOBS.digest) == BOBS
    assert await tokens.find(TOKEN) is None
    assert await tokens.find(ADAS.id) is None
    assert {issued.user_id for issued in await tokens.all()} == {"ada", "bob"}


async def test_a_revoked_one_is_revoked_for_every_gateway_and_stays_in_the_list(tokens, url):
    await tokens.add(ADAS)
    other = SqlTokens(url, time_limit_s=5)
    assert await other.revoke([ADAS.digest], now=NOW) == 1
    assert await other.revoke([ADAS.digest], now=NOW + timedelta(hours=1)) == 0
    await other.close()
    assert await tokens.find(ADAS.digest) == replace(ADAS, revoked_at=NOW)


async def test_the_list_forgets_what_has_been_over_for_long(tokens):
    later = ADAS.expires_at + KEPT + timedelta(days=1)
    await tokens.add(ADAS)
    await tokens.add(replace(BOBS, created_at=later, expires_at=later + timedelta(days=1)))
    assert [issued.user_id for issued in await tokens.all()] == ["bob"]


async def test_no_token_is_in_the_database(tmp_path):
    store = SqlTokens(f"sqlite:///{tmp_path}/gateway.db", time_limit_s=5)
    await store.add(ADAS)
    await store.close()
    assert TOKEN.encode() not in b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert ADAS.digest not in repr(ADAS)


async def test_a_database_that_is_away_is_no_answer_and_holds_nobody_up():
    store = SqlTokens(f"postgresql://postgres@127.0.0.1:{free_port()}/none")
    await store.start()
    for _ in range(2):
        with pytest.raises(TokensUnavailable, match=r"127\.0\.0\.1"):
            await store.find(ADAS.digest)
    await store.close()


async def test_a_file_that_is_no_database_is_said_at_the_start(tmp_path):
    with pytest.raises(ConfigError):
        await SqlTokens(f"sqlite:///{tmp_path}/missing/gateway.db").start()
