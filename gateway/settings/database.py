"""The address of a database, as the configuration writes it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, SecretStr, ValidationInfo

_SQLITE = "sqlite:///"


def _database_url(value: str, info: ValidationInfo) -> str:
    try:
        scheme = urlsplit(value).scheme
    except ValueError:
        scheme = ""
    if scheme in ("redis", "rediss", "valkey"):
        raise ValueError("Redis comes with a later version: leave the line out, or name SQLite or PostgreSQL")
    if scheme in ("postgresql", "postgres"):
        return value
    if scheme != "sqlite" or not (value == "sqlite://" or value.startswith(_SQLITE)):
        raise ValueError('a database is "sqlite:///file.db" or "postgresql://user:password@host/name"')
    file, mark, query = value.removeprefix(_SQLITE).partition("?")
    folder = (info.context or {}).get("folder")
    if value == "sqlite://" or file in ("", ":memory:") or folder is None:
        return value
    return f"{_SQLITE}{Path(folder, file)}{mark}{query}"


def _secret_database_url(value: SecretStr, info: ValidationInfo) -> SecretStr:
    return SecretStr(_database_url(value.get_secret_value(), info))


#: SQLite or PostgreSQL; a relative SQLite file lies beside the configuration file.
DatabaseUrl = Annotated[str, AfterValidator(_database_url)]
#: The same, kept out of every `repr()`.
SecretDatabaseUrl = Annotated[SecretStr, AfterValidator(_secret_database_url)]
