"""Failed sign-ins in Redis or Valkey, counted over all replicas: when the last ones of each address and account were, on the server's clock.

An attempt is written down before its password is looked at, and taken back if it was right: a burst of guesses at all replicas at once gets
no more tries than the same guesses one by one.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any, cast

from gateway.sessions.valkey_revocations import ValkeyServer
from gateway.store.errors import StoreAway, WrongDatabase
from gateway.store.valkey import PREFIX

_LIMIT_S = 0.25
#: An attempt whose end nobody told for so long has failed: its replica died, or could not reach the server.
_LOST_MS = 30_000
# KEYS: the attempts of one address, r<id> while they are looked at and f<id> when they failed. Gives 0: go on; 1 and milliseconds: too
# many failed; 2: too many are being looked at.
_ENTER = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local id, window, limit, lost = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - window)
if redis.call('ZCARD', KEYS[1]) < limit then
  redis.call('ZADD', KEYS[1], now, 'r' .. id)
  redis.call('PEXPIRE', KEYS[1], window)
  return {0, 0}
end
local failed = {}
local all = redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')
for at = 1, #all, 2 do
  local moment = tonumber(all[at + 1])
  if string.sub(all[at], 1, 1) == 'f' or moment < now - lost then failed[#failed + 1] = moment end
end
if #failed < limit then return {2, 0} end
return {1, failed[#failed - limit + 1] + window - now}
"""
# In this order: a set whose last member is taken out is gone, and one that is made anew would have no end.
_LEAVE = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if not redis.call('ZSCORE', KEYS[1], 'r' .. ARGV[1]) then return 0 end
if ARGV[2] == '1' then redis.call('ZADD', KEYS[1], now, 'f' .. ARGV[1]) end
redis.call('ZREM', KEYS[1], 'r' .. ARGV[1])
return 0
"""
_COUNT = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - tonumber(ARGV[1]))
if ARGV[2] ~= '' then
  redis.call('ZADD', KEYS[1], now, ARGV[2])
  redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -1 - tonumber(ARGV[3]))
  redis.call('PEXPIRE', KEYS[1], ARGV[1])
end
return redis.call('ZCARD', KEYS[1])
"""


class Entry(enum.IntEnum):
    """May an attempt be made?"""

    YES = 0
    NO = 1
    WAIT = 2


@dataclass(frozen=True, slots=True)
class Entered:
    """The answer; with `NO`, seconds until one may be made."""

    entry: Entry
    free_in_s: float = 0.0


class ValkeyFailures:
    """See the module's docstring. Every method may raise `StoreAway`."""

    def __init__(self, server: ValkeyServer) -> None:
        self._server = server

    @property
    def place(self) -> str:
        """Its address, as logs may show it."""
        return self._server.place

    async def enter(self, address: str, attempt: str, *, limit: int, within_s: float) -> Entered:
        """Ask whether an attempt may be made; YES writes it down, and `leave` has to follow."""
        found = await self._run(_ENTER, _of_address(address), attempt, int(within_s * 1000), limit, _LOST_MS)
        return Entered(Entry(int(found[0])), max(0, int(found[1])) / 1000)

    async def leave(self, address: str, attempt: str, *, failed: bool) -> None:
        """Say what became of it."""
        await self._run(_LEAVE, _of_address(address), attempt, int(failed))

    async def account(self, account: str, *, within_s: float, failure: str = "", keep: int = 1) -> int:
        """How many failed on an account; with the id of a new failure, that counted in, and the last `keep` kept."""
        return int(await self._run(_COUNT, f"{PREFIX}failed:account:{account}", int(within_s * 1000), failure, keep))

    async def _run(self, script: str, key: str, *arguments: object) -> Any:
        try:
            async with self._server.asking(_LIMIT_S) as client:
                return await cast(Any, client).eval(script, 1, key, *map(str, arguments))
        except WrongDatabase as error:
            raise StoreAway from error


def _of_address(address: str) -> str:
    return f"{PREFIX}failed:address:{address}"
