"""Sign-outs in Redis or Valkey: a stream, read on from the entry that was read last.

Such a server may forget: it was restarted without persistence, or a replica that lacked the last entries took over. So the entry that was
read last is asked for each time, too. If it is not there any more, every gateway writes down again what it remembers.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from gateway.sessions.ledger import SERVER_PATIENCE_S, Page
from gateway.store.errors import StoreAway, shown_url
from gateway.store.valkey import PREFIX, asking, close_connections, close_valkey, is_read_only, may_forget, open_valkey

if TYPE_CHECKING:
    from redis.asyncio import Redis

_log = logging.getLogger(__name__)
_STREAM = f"{PREFIX}revocations"
_MOST = 10_000
_MOST_WRITTEN = 1000
_PREPARE_LIMIT_S = 5.0
#: For a connection: whoever asks has a limit of its own that is shorter while the server is known to be there. A first one may be made by TLS.
_WAIT_S = 1.0


class ValkeyServer:
    """One server, as this room uses it.

    Args:
        url: See `open_valkey`.
    """

    def __init__(self, url: str) -> None:
        self.place = shown_url(url)
        self._url = url
        self._client: Redis | None = None
        self._prepared = False

    async def prepare(self, *, again: bool = False) -> None:
        """Connect, and say so if the server would forget sign-outs when its memory is full.

        Args:
            again: See `Ledger.prepare`.

        Raises:
            StoreAway, WrongDatabase: As they say.
        """
        if self._prepared and not again:
            return
        if self._client is None:
            self._client = open_valkey(self._url, wait_s=_WAIT_S)
        async with self.asking(_PREPARE_LIMIT_S) as client:
            await cast(Any, client.ping())
            policy = await may_forget(client)
        self._prepared = True
        if policy is not None:
            _log.warning("store-may-forget database=%s maxmemory-policy=%s cure=noeviction", self.place, policy)

    @contextlib.asynccontextmanager
    async def asking(self, limit_s: float) -> AsyncIterator[Redis]:
        """Its client, for a while; see `gateway.store.valkey.asking`."""
        assert self._client is not None, "prepare() comes first"
        client = self._client
        try:
            async with asking(self._url, limit_s):
                yield client
        except StoreAway as error:
            if is_read_only(error):
                # It was the primary when it was connected to. Its name may lead to another one by now.
                await close_connections(client)
            raise

    async def close(self) -> None:
        """Close every connection; safe to call twice."""
        client, self._client, self._prepared = self._client, None, False
        if client is not None:
            await close_valkey(client)


class ValkeyLedger:
    """See `Ledger`."""

    def __init__(self, server: ValkeyServer) -> None:
        self._server = server
        self._last: bytes | None = None

    @property
    def place(self) -> str:
        """See `Ledger.place`."""
        return self._server.place

    @property
    def patience_s(self) -> float:
        """See `Ledger.patience_s`."""
        return SERVER_PATIENCE_S

    async def prepare(self, *, again: bool = False) -> None:
        """See `Ledger.prepare`."""
        await self._server.prepare(again=again)

    async def read(self, *, alive_at: datetime, limit_s: float) -> Page:
        """See `Ledger.read`."""
        last = self._last
        async with self._server.asking(limit_s) as client:
            found = await _entries(client, since=last)
            lost = last is not None and (not found or found[0][0] != last)
            if lost:
                found = await _entries(client)
        ended = {}
        for _, fields in found:
            sign_in_id, until = _entry(fields)
            if until > alive_at:
                ended[sign_in_id] = until
        self._last = found[-1][0] if found else None
        return Page(ended, more=len(found) == _MOST, lost=lost)

    async def write(self, ended: Mapping[str, datetime], *, limit_s: float) -> None:
        """See `Ledger.write`."""
        entries = list(ended.items())
        for at in range(0, len(entries), _MOST_WRITTEN):
            async with self._server.asking(limit_s) as client:
                pipeline = client.pipeline(transaction=False)
                for sign_in_id, until in entries[at : at + _MOST_WRITTEN]:
                    pipeline.xadd(_STREAM, {"sid": sign_in_id, "until": int(until.timestamp()) + 1})
                await pipeline.execute()

    async def prune(self, *, before: datetime, limit_s: float) -> None:
        """See `Ledger.prune`. What is over may stay behind one that is not: a stream is cut at its beginning."""
        whole_page = True
        while whole_page:
            async with self._server.asking(limit_s) as client:
                oldest = await _entries(client)
                # The newest stays, whatever it says: others ask for it.
                over = list(itertools.takewhile(lambda entry: _entry(entry[1])[1] < before, oldest[:-1]))
                whole_page = len(over) == _MOST - 1
                if over:
                    await client.xtrim(_STREAM, minid=oldest[len(over)][0], approximate=False)

    async def close(self) -> None:
        """See `Ledger.close`."""
        await self._server.close()


async def _entries(client: Redis, *, since: bytes | None = None) -> list[tuple[bytes, Mapping[bytes, bytes]]]:
    found = await client.xrange(_STREAM, min=since or "-", count=_MOST)
    return cast(list[tuple[bytes, Mapping[bytes, bytes]]], found)


def _entry(fields: Mapping[bytes, bytes]) -> tuple[str, datetime]:
    """Raises: StoreAway: It is none of ours, so nobody can say what it means."""
    try:
        return fields[b"sid"].decode("utf-8"), datetime.fromtimestamp(int(fields[b"until"]), UTC)
    except (KeyError, ValueError, OverflowError, OSError) as error:
        raise StoreAway from error
