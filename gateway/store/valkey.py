"""From a URL to a client of Redis or Valkey: which URLs there are, and what is left of the driver's many exceptions.

One server, or a primary behind one name: a cluster is refused by name. A command is never repeated by the driver, because what asks
here knows better whether it may be, and every wait ends with the caller's own limit.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from gateway.store.errors import StoreAway, WrongDatabase, shown_url

if TYPE_CHECKING:
    from redis.asyncio import Redis

_log = logging.getLogger(__name__)
_SCHEMES = {"redis": "redis", "valkey": "redis", "rediss": "rediss", "valkeys": "rediss", "unix": "unix"}
_PARAMETERS = frozenset({"db", "ssl_ca_certs", "ssl_certfile", "ssl_keyfile"})
_CONNECTIONS = 8
_FORM = 'write "redis://user:password@host:6379/0", "rediss://..." or "unix:///run/valkey.sock?db=0"'
#: Keys begin so; several gateways that are not to share take a database (`/1`) each.
PREFIX = "gateway:"


def is_valkey(url: str) -> bool:
    """True for a URL that names Redis or Valkey, not an SQL database."""
    return url.partition(":")[0] in _SCHEMES


def open_valkey(url: str, *, wait_s: float) -> Redis:
    """Make a client; nothing is connected yet.

    Args:
        url: `redis://`, `rediss://` (TLS; certificates are checked, `?ssl_ca_certs=FILE` names others than the system's), `unix://`; or
            the same with `valkey`.
        wait_s: Seconds to wait for a connection of the pool, and for a new one.

    Raises:
        WrongDatabase: The URL can't be read, or the driver is not installed.
    """
    try:
        from redis.asyncio import BlockingConnectionPool, Redis
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff
    except ImportError as error:
        raise WrongDatabase("Redis and Valkey need a driver that is not installed", "pip install 'auth-gateway[redis]'") from error
    try:
        pool = BlockingConnectionPool.from_url(
            _plain(url),
            max_connections=_CONNECTIONS,
            timeout=wait_s,
            socket_connect_timeout=wait_s,
            # The limit is the caller's. By its own the driver sends within `wait_for`, which up to Python 3.11 loses a cancellation.
            socket_timeout=None,
            protocol=2,
            retry=Retry(NoBackoff(), 0),
        )
    except ValueError as error:
        raise WrongDatabase("the URL can't be read", _FORM) from error
    return Redis(connection_pool=pool)


async def close_valkey(client: Redis) -> None:
    """Close all of its connections; one that is broken already is no error."""
    with contextlib.suppress(Exception):
        await client.aclose()
        await client.connection_pool.disconnect()


async def close_connections(client: Redis) -> None:
    """Let the next question open a new one."""
    with contextlib.suppress(Exception):
        await client.connection_pool.disconnect()


def is_read_only(error: StoreAway) -> bool:
    """True if the server refused to write because it is a replica."""
    import redis.exceptions as wrong

    return isinstance(error.__cause__, wrong.ReadOnlyError) or "READONLY" in str(error.__cause__)


@contextlib.asynccontextmanager
async def asking(url: str, limit_s: float) -> AsyncIterator[None]:
    """The door that no exception of the driver passes.

    Args:
        url: For the log.
        limit_s: Of everything inside.

    Raises:
        StoreAway: No answer came, or none that can be used now.
        WrongDatabase: The server will never answer as it is configured.
    """
    import redis.exceptions as wrong

    try:
        async with asyncio.timeout(limit_s):
            yield
    except (StoreAway, WrongDatabase):
        raise
    except (wrong.AuthenticationError, wrong.NoPermissionError) as error:
        cure = "check user, password and what the user may do (ACL)"
        raise WrongDatabase(f"the server refuses the gateway: {type(error).__name__}", cure) from error
    except Exception as error:
        if _of_a_cluster(error):
            raise WrongDatabase("the server is one of a cluster", "name a single server, or a primary with replicas") from error
        # The kind only: messages of drivers hold addresses, keys and values.
        _log.debug("database-failed database=%s error=%s", shown_url(url), type(error).__name__)
        raise StoreAway(type(error).__name__) from error


def _of_a_cluster(error: Exception) -> bool:
    import redis.exceptions as wrong

    return isinstance(error, (wrong.MovedError, wrong.AskError, wrong.ClusterDownError, wrong.CrossSlotTransactionError)) or (
        isinstance(error, wrong.ResponseError) and str(error).startswith(("MOVED ", "ASK ", "CLUSTERDOWN"))
    )


def _plain(url: str) -> str:
    """As the driver reads it, with no parameter that would weaken anything."""
    parts = urlsplit(url)
    unknown = {name for name, _ in parse_qsl(parts.query, keep_blank_values=True)} - _PARAMETERS
    if parts.scheme not in _SCHEMES or unknown:
        raise ValueError(url)
    return urlunsplit(parts._replace(scheme=_SCHEMES[parts.scheme]))


async def may_forget(client: Redis) -> str | None:
    """The policy by which a full server would drop keys that have no end, as it says itself; None if it keeps them, or does not say."""
    try:
        told: dict[str, Any] = await client.info("memory")
    except Exception:  # a server that hides it is as good as any
        return None
    policy = str(told.get("maxmemory_policy", ""))
    return policy if policy.startswith("allkeys") else None
