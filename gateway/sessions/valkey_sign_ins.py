"""The register of sign-ins in Redis or Valkey: a hash for each, and sets to find them by. Each key ends with what it is about.

A change touches several keys, so it is a transaction, or a script where it depends on what is there: one server, no cluster.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from gateway.sessions.register import Kept, Seen, SignIn
from gateway.sessions.valkey_revocations import ValkeyServer
from gateway.store.errors import StoreAway
from gateway.store.valkey import PREFIX

if TYPE_CHECKING:
    from redis.asyncio import Redis

_ALL = f"{PREFIX}sign-ins"
_KEPT_LONGER = timedelta(minutes=2)  # than a token: clocks differ
#: Changes a sign-in that is there, and only such: KEYS are its hash, the index of all, and the session's key or the hash again.
_RENEW = """
local user = redis.call('HGET', KEYS[1], 'user')
if not user then return 0 end
if ARGV[7] == '1' and tonumber(redis.call('HGET', KEYS[1], 'seen')) >= tonumber(ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], 'seen', ARGV[1], 'ends', ARGV[2])
redis.call('EXPIREAT', KEYS[1], ARGV[3])
redis.call('ZADD', KEYS[2], ARGV[3], ARGV[4])
local index = ARGV[5] .. user
redis.call('ZREMRANGEBYSCORE', index, '-inf', '(' .. ARGV[1])
redis.call('ZADD', index, ARGV[3], ARGV[4])
if redis.call('EXPIRETIME', index) < tonumber(ARGV[3]) then redis.call('EXPIREAT', index, ARGV[3]) end
if ARGV[6] ~= '' then
  local old = redis.call('HGET', KEYS[1], 'session')
  if old and old ~= KEYS[3] then redis.call('DEL', old) end
  redis.call('HSET', KEYS[1], 'session', KEYS[3])
  redis.call('SET', KEYS[3], ARGV[6], 'EXAT', ARGV[3])
end
return 1
"""


class ValkeyRegister:
    """See `Register`.

    Args:
        server: Shared with the record of sign-outs.
    """

    def __init__(self, server: ValkeyServer) -> None:
        self._server = server

    @property
    def place(self) -> str:
        """See `Register.place`."""
        return self._server.place

    async def prepare(self) -> None:
        """See `Register.prepare`."""
        await self._server.prepare()

    async def add(self, sign_in: SignIn, kept: Kept | None, *, limit_s: float) -> None:
        """See `Register.add`."""
        until = _until(sign_in.ends_at)
        fields: dict[Any, Any] = {
            "user": sign_in.user_id,
            "provider": sign_in.provider,
            "at": _seconds(sign_in.signed_in_at),
            "seen": _seconds(sign_in.seen_at),
            "ends": _seconds(sign_in.ends_at),
            "address": sign_in.address,
            "browser": sign_in.browser,
        }
        if kept is not None:
            fields["session"] = _session_key(kept.key)
        async with self._server.asking(limit_s) as client:
            pipeline = client.pipeline(transaction=True)
            pipeline.hset(_hash(sign_in.id), mapping=fields)
            pipeline.expireat(_hash(sign_in.id), until)
            pipeline.zadd(_ALL, {sign_in.id: until})
            # Who signs in again and again keeps the index alive: what is over is taken out here.
            pipeline.zremrangebyscore(_of_user(sign_in.user_id), "-inf", f"({_seconds(sign_in.signed_in_at)}")
            pipeline.zadd(_of_user(sign_in.user_id), {sign_in.id: until})
            pipeline.expireat(_of_user(sign_in.user_id), until, nx=True)
            pipeline.expireat(_of_user(sign_in.user_id), until, gt=True)
            if kept is not None:
                pipeline.set(_session_key(kept.key), kept.token, exat=until)
            await pipeline.execute()

    async def renew(self, seen: Sequence[Seen], *, limit_s: float) -> None:
        """See `Register.renew`."""
        async with self._server.asking(limit_s) as client:
            pipeline = client.pipeline(transaction=False)
            for one in seen:
                key, token = (_session_key(one.kept.key), one.kept.token) if one.kept is not None else (_hash(one.id), "")
                times = (_seconds(one.seen_at), _seconds(one.ends_at), _until(one.ends_at))
                pipeline.eval(_RENEW, 3, _hash(one.id), _ALL, key, *map(str, times), one.id, _of_user(""), token, int(one.late))
            await pipeline.execute()

    async def remove(self, ids: Collection[str], *, limit_s: float) -> None:
        """See `Register.remove`."""
        async with self._server.asking(limit_s) as client:
            found = client.pipeline(transaction=False)
            for id in ids:
                found.hmget(_hash(id), ["user", "session"])
            known = await found.execute()
            pipeline = client.pipeline(transaction=True)
            for id, (user, session) in zip(ids, known, strict=True):
                pipeline.delete(*filter(None, (_hash(id), session)))
                pipeline.zrem(_ALL, id)
                if user is not None:
                    pipeline.zrem(_of_user(user.decode("utf-8")), id)
            await pipeline.execute()

    async def token(self, key: str, *, limit_s: float) -> str | None:
        """See `Register.token`."""
        async with self._server.asking(limit_s) as client:
            found = cast(bytes | None, await client.get(_session_key(key)))
        return None if found is None else found.decode("ascii", "replace")

    async def of(self, user_id: str | None, *, limit_s: float, most: int) -> Sequence[SignIn]:
        """See `Register.of`."""
        index = _ALL if user_id is None else _of_user(user_id)
        async with self._server.asking(limit_s) as client:
            ids = cast(list[bytes], await client.zrange(index, 0, most - 1, desc=True))
            pipeline = client.pipeline(transaction=False)
            for id in ids:
                pipeline.hgetall(_hash(id.decode("utf-8")))
            found = await pipeline.execute() if ids else []
            sign_ins = [_sign_in(id.decode("utf-8"), fields) for id, fields in zip(ids, found, strict=True) if fields]
        return sorted(sign_ins, key=lambda one: (one.seen_at, one.id), reverse=True)

    async def find(self, id: str, *, limit_s: float) -> SignIn | None:
        """See `Register.find`."""
        async with self._server.asking(limit_s) as client:
            fields = await _all_of(client, _hash(id))
        return _sign_in(id, fields) if fields else None

    async def prune(self, *, before: datetime, limit_s: float) -> None:
        """See `Register.prune`: the rest ends by itself."""
        async with self._server.asking(limit_s) as client:
            await client.zremrangebyscore(_ALL, "-inf", _seconds(before))

    async def close(self) -> None:
        """See `Register.close`."""
        await self._server.close()


def _hash(id: str) -> str:
    return f"{PREFIX}sign-in:{id}"


def _of_user(user_id: str) -> str:
    return f"{PREFIX}user:{user_id}"


def _session_key(key: str) -> str:
    return f"{PREFIX}session:{key}"


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def _until(ends_at: datetime) -> int:
    return _seconds(ends_at + _KEPT_LONGER)


async def _all_of(client: Redis, key: str) -> Mapping[bytes, bytes]:
    return cast(Mapping[bytes, bytes], await cast(Any, client.hgetall(key)))


def _sign_in(id: str, fields: Mapping[bytes, bytes]) -> SignIn:
    """Raises: StoreAway: It is none of ours."""
    try:
        text = {name.decode("ascii"): value.decode("utf-8") for name, value in fields.items()}
        at, seen, ends = (datetime.fromtimestamp(int(text[name]), UTC) for name in ("at", "seen", "ends"))
        return SignIn(
            id=id, user_id=text["user"], provider=text["provider"], signed_in_at=at, seen_at=seen, ends_at=ends,
            address=text["address"], browser=text["browser"],
        )  # fmt: skip
    except (KeyError, ValueError, OverflowError, OSError) as error:
        raise StoreAway from error
