"""How many sign-ins may fail: per address (a hard limit), and per account (a delay, so that nobody can lock somebody else out).

Kept in this process, on the monotonic clock, in a bounded number of keys. Attempts of one address that are still being checked count
as failures that may come: where they would pass the limit they wait for each other, so a burst of guesses gets no more tries than
the same guesses one by one, while a class room that signs in at once behind one address is only queued.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ipaddress
import math
import secrets
import time
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from gateway.settings.sections.limits import LimitSettings

#: Seconds that a sign-in to an account under attack waits. Long enough to make guessing slow, short enough for its owner.
ACCOUNT_DELAY_S = 2.0
_MAX_KEYS = 65_536


class SlidingWindow:
    """When the last few events of each key were."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, *, max_keys: int = _MAX_KEYS) -> None:
        self._clock = clock
        self._max_keys = max_keys
        self._times: OrderedDict[str, deque[float]] = OrderedDict()

    def add(self, key: str, *, keep: int) -> None:
        """Count an event; of each key only the last `keep` are remembered, of all keys those seen last."""
        times = self._times.pop(key, None)
        if times is None or times.maxlen != keep:
            times = deque(times or (), maxlen=keep)
        times.append(self._clock())
        self._times[key] = times
        if len(self._times) > self._max_keys:
            self._times.popitem(last=False)

    def count(self, key: str, *, within_s: float) -> int:
        """How many of the remembered events are younger than that."""
        start = self._clock() - within_s
        return sum(1 for moment in self._times.get(key, ()) if moment > start)

    def free_in_s(self, key: str, *, limit: int, within_s: float) -> float:
        """Seconds until fewer than `limit` events are younger than `within_s`."""
        times = self._times.get(key, ())
        if len(times) < limit:
            return 0.0
        return max(0.0, times[len(times) - limit] + within_s - self._clock())


@dataclass(slots=True)
class Turn:
    """One attempt that may be made, or why not."""

    retry_after_s: int | None = None  # too many failed: whole seconds until the next may be tried
    busy: bool = False  # too many are being checked
    failed: bool = False  # set by the caller

    @property
    def refused(self) -> bool:
        """True if the attempt may not be made."""
        return self.busy or self.retry_after_s is not None


@dataclass(slots=True)
class _Gate:
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    present: int = 0
    in_flight: int = 0


class Attempts:
    """All recent attempts at this process.

    Args:
        salt: What stand-ins for user names are made with; by default a secret of this process.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic, salt: bytes | None = None) -> None:
        self._by_address = SlidingWindow(clock)
        self._by_account = SlidingWindow(clock)
        self._gates: dict[str, _Gate] = {}
        self._salt = salt or secrets.token_bytes(32)

    @asynccontextmanager
    async def turn(self, address: str, limits: LimitSettings) -> AsyncIterator[Turn]:
        """Wait for this address' turn; set `failed` on what is yielded if the attempt failed."""
        key = address_key(address)
        gate = self._gates.setdefault(key, _Gate())
        gate.present += 1
        try:
            turn = await self._enter(gate, key, limits)
            try:
                yield turn
            finally:
                if not turn.refused:
                    if turn.failed:
                        self._by_address.add(key, keep=limits.failed_sign_ins_per_address)
                    gate.in_flight -= 1
                    async with gate.changed:
                        gate.changed.notify_all()
        finally:
            gate.present -= 1
            if not gate.present:
                del self._gates[key]

    async def _enter(self, gate: _Gate, key: str, limits: LimitSettings) -> Turn:
        limit, window = limits.failed_sign_ins_per_address, limits.failed_sign_ins_window.total_seconds()
        try:
            async with asyncio.timeout(limits.hash_wait.total_seconds()), gate.changed:
                while True:
                    left = limit - self._by_address.count(key, within_s=window)
                    if left <= 0:
                        free_in_s = self._by_address.free_in_s(key, limit=limit, within_s=window)
                        return Turn(retry_after_s=max(1, math.ceil(free_in_s)))
                    if gate.in_flight < left:
                        gate.in_flight += 1
                        return Turn()
                    await gate.changed.wait()
        except TimeoutError:
            return Turn(busy=True)

    def account_key(self, provider_id: str, name: str) -> str:
        """A stand-in for the posted user name, for counting and for the log: people type passwords there by mistake."""
        text = f"{provider_id}\0{name.strip().casefold()}".encode()
        return hmac.new(self._salt, text, hashlib.sha256).hexdigest()[:16]

    def account_failed(self, account: str, limits: LimitSettings) -> None:
        """Count a failure on an account, whether it exists or not."""
        self._by_account.add(account, keep=limits.failed_sign_ins_per_account)

    async def delay_of(self, account: str, limits: LimitSettings) -> float:
        """As `account_delay_s`, asked of everybody who counts."""
        return self.account_delay_s(account, limits)

    def account_delay_s(self, account: str, limits: LimitSettings) -> float:
        """How long a sign-in to the account should wait, right password or not."""
        window = limits.failed_sign_ins_account_window.total_seconds()
        return ACCOUNT_DELAY_S if self._by_account.count(account, within_s=window) >= limits.failed_sign_ins_per_account else 0.0


def address_key(address: str) -> str:
    """One address, or the /64 that one IPv6 customer has at least (RFC 6177); IPv4 in IPv6 counts as IPv4."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
