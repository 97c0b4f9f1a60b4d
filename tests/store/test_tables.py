"""A database that is dropped and made anew while a gateway runs gets its tables again, whoever they belong to."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from gateway.core.errors import ProviderUnavailable
from gateway.providers.sql_table import UserTable
from gateway.sessions.first_sign_ins import FirstSignIns
from gateway.sessions.stores import open_session_store
from gateway.tokens.sql_tokens import SqlTokens, TokensUnavailable

Use = Callable[[], Awaitable[bool]]


def users(url: str) -> tuple[Any, Use]:
    table = UserTable(url)

    async def use() -> bool:
        with contextlib.suppress(ProviderUnavailable):
            return await table.accounts() == []
        return False

    return table, use


def tokens(url: str) -> tuple[Any, Use]:
    kept = SqlTokens(url, time_limit_s=5)

    async def use() -> bool:
        with contextlib.suppress(TokensUnavailable):
            return await kept.all() == []
        return False

    return kept, use


def first_sign_ins(url: str) -> tuple[Any, Use]:
    known = FirstSignIns(url)

    async def use() -> bool:
        return await known.note("table", "ada") is not None

    return known, use


def sign_outs(url: str) -> tuple[Any, Use]:
    record = open_session_store(url, clock=lambda: datetime.now(UTC)).revocations

    async def use() -> bool:
        await record.start()
        return record.available

    return record, use


async def tables_of(url: str) -> set[str]:
    if url.startswith("sqlite"):
        with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            return {name for (name,) in connection.execute("select name from sqlite_master where type = 'table'")}
    connection = await asyncpg.connect(url)
    try:
        return {row[0] for row in await connection.fetch("select tablename from pg_tables where schemaname = 'public'")}
    finally:
        await connection.close()


async def make_anew(url: str) -> None:
    """As an operator does: the PostgreSQL database is dropped, and whoever is connected thrown out; the file is emptied in its place."""
    if url.startswith("sqlite"):
        with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as connection:
            for name in await tables_of(url):
                if not name.startswith("sqlite_"):
                    connection.execute(f"drop table {name}")
        return
    name = url.rpartition("/")[2]
    connection = await asyncpg.connect(url.replace(name, "postgres"))
    try:
        await connection.execute(f'drop database "{name}" with (force)')
        await connection.execute(f'create database "{name}"')
    finally:
        await connection.close()


@pytest.mark.parametrize("room", [users, tokens, first_sign_ins, sign_outs])
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_its_tables_are_made_again(kind, room, request: pytest.FixtureRequest, tmp_path: Path):
    url = f"sqlite:///{tmp_path}/a.db" if kind == "sqlite" else await request.getfixturevalue("postgres").new_database()
    opened, use = room(url)
    try:
        assert await use()
        made = await tables_of(url)
        await make_anew(url)
        async with asyncio.timeout(20):
            while not (await use() and await tables_of(url) == made):
                await asyncio.sleep(0.1)
    finally:
        await opened.close()
