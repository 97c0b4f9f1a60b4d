"""The address of a database, or of Redis or Valkey, as the configuration writes it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from urllib.parse import parse_qsl, urlsplit

from pydantic import AfterValidator, SecretStr, ValidationInfo

_SQLITE = "sqlite:///"
#: What may stand behind the `?` of an address of Redis or Valkey.
VALKEY_PARAMETERS = ("db", "ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
_VALKEY = ("redis", "rediss", "valkey", "valkeys", "unix")
_VALKEY_FORM = '"redis://user:password@host:6379/0", "rediss://..." (TLS) or "unix:///run/valkey.sock"'


def is_in_memory(url: str) -> bool:
    """True for a SQLite database that ends with its process."""
    return url == "sqlite://" or (url.startswith(_SQLITE) and url.removeprefix(_SQLITE).partition("?")[0] in ("", ":memory:"))


def _scheme(value: str) -> str:
    try:
        return urlsplit(value).scheme
    except ValueError:
        return ""


def _database_url(value: str, info: ValidationInfo) -> str:
    scheme = _scheme(value)
    if scheme in _VALKEY:
        raise ValueError("Redis keeps no users: name SQLite or PostgreSQL here")
    if scheme in ("postgresql", "postgres"):
        return value
    if scheme != "sqlite" or not (value == "sqlite://" or value.startswith(_SQLITE)):
        raise ValueError('a database is "sqlite:///file.db" or "postgresql://user:password@host/name"')
    file, mark, query = value.removeprefix(_SQLITE).partition("?")
    folder = (info.context or {}).get("folder")
    if is_in_memory(value) or folder is None:
        return value
    return f"{_SQLITE}{Path(folder, file)}{mark}{query}"


def _store_url(value: str, info: ValidationInfo) -> str:
    scheme = _scheme(value)
    if scheme not in _VALKEY:
        return _database_url(value, info)
    parts = urlsplit(value)
    if (not parts.hostname) if scheme != "unix" else (bool(parts.netloc) or parts.path in ("", "/")):
        raise ValueError(f"Redis and Valkey are named {_VALKEY_FORM}")
    unknown = [name for name, _ in parse_qsl(parts.query, keep_blank_values=True) if name not in VALKEY_PARAMETERS]
    if unknown:
        raise ValueError(f"behind the ? only {', '.join(VALKEY_PARAMETERS)} are known")
    return value


def _secret_database_url(value: SecretStr, info: ValidationInfo) -> SecretStr:
    return SecretStr(_database_url(value.get_secret_value(), info))


#: SQLite or PostgreSQL, kept out of every `repr()`; a relative SQLite file lies beside the configuration file.
SecretDatabaseUrl = Annotated[SecretStr, AfterValidator(_secret_database_url)]
#: The same, or Redis or Valkey.
StoreUrl = Annotated[str, AfterValidator(_store_url)]
