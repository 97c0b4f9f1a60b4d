"""Passwords: hashed and compared off the event loop, a few at a time, so that no answer's cost tells who exists.

Every refused password costs the same, whoever it was for. The hash that is made today is one *kind* of hash; every further kind
that is stored somewhere (bcrypt at cost 12, a Django PBKDF2 with its rounds, ...) is another. A refusal pays for each kind once: for
its own by comparing, for the others with decoys, and an unknown user pays for all of them. So parameters can be raised, and old
hashes be replaced at each sign-in, without telling old accounts from new or missing ones (CVE-2016-2513, CVE-2025-13473).
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import os
import secrets
import threading
import warnings
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from gateway.core.errors import HashingBusy

if TYPE_CHECKING:
    from passlib.context import CryptContext

_T = TypeVar("_T")
_log = logging.getLogger(__name__)

MAX_BYTES = 1024  # of a password; more is refused before hashing, so that nobody makes us hash megabytes

#: Argon2id as OWASP's password storage cheat sheet has it first: 19 MiB, two passes, one lane.
_MEMORY, _PASSES, _LANES = 19 * 1024, 2, 1  # KiB, -, -
#: How a hash of today's kind starts.
TODAY = f"$argon2id$v=19$m={_MEMORY},t={_PASSES},p={_LANES}$"
#: The default first; the others are read, never written.
_SCHEMES = (
    *("argon2", "bcrypt", "pbkdf2_sha256", "django_pbkdf2_sha256", "sha256_crypt", "sha512_crypt"),
    *("apr_md5_crypt", "ldap_salted_sha1", "ldap_sha1", "des_crypt"),
)
#: The dearest stored hashes that are computed at all: a table of users must not be able to stop the sign-ins of the rest.
_MOST_ROUNDS = {
    "argon2": 16,
    "bcrypt": 15,
    "sha256_crypt": 1_000_000,
    "sha512_crypt": 1_000_000,
    "pbkdf2_sha256": 2_000_000,
    "django_pbkdf2_sha256": 2_000_000,
}
_MOST_MEMORY = 256 * 1024  # KiB of argon2
_MOST_LANES = 16
#: Schemes over C strings: a password with a NUL in it never matches (nothing is cut there).
_C_STRINGS = frozenset({"bcrypt", "sha256_crypt", "sha512_crypt", "apr_md5_crypt", "des_crypt"})
_BCRYPT_BYTES = 72  # bcrypt reads no further; Apache and PHP cut here when they make a hash, so the owner's password is cut here too
_MOST_KINDS = 8


class HashRefused(ValueError):
    """A stored hash can't be used; the message says why and never quotes it."""


@dataclass(frozen=True, slots=True)
class Verified:
    """What came of a comparison.

    Attributes:
        ok: The password is the one of the hash.
        new_hash: To be stored in place of the old hash, which was made with other than today's parameters.
        why: Why the stored hash can't be used at all, for the log; empty if it can.
    """

    ok: bool
    new_hash: str | None = None
    why: str = ""

    def __repr__(self) -> str:
        return f"Verified(ok={self.ok}, new_hash={'(hidden)' if self.new_hash else None}, why={self.why!r})"


class Passwords:
    """Hashing in threads of its own, at a lower priority than the event loop's, with a queue that has an end.

    Args:
        workers: Hashes computed at a time; each takes 19 MiB.
        queue: Sign-ins that may wait for a worker.
        wait_s: Seconds that one waits at most.
    """

    def __init__(self, *, workers: int = 1, queue: int = 16, wait_s: float = 5.0) -> None:
        self._workers = workers
        self._queue = queue
        self._wait_s = wait_s
        self._waiting = 0
        self._free = asyncio.Semaphore(workers)
        self._pool: ThreadPoolExecutor | None = None
        self._decoys: dict[str, str] = {}  # kind → a hash of that kind
        self._knows_today = False
        self._said_too_many = False

    async def start(self) -> None:
        """Load what hashes, so that the first sign-in does not wait for it."""
        await self._run(self._today)

    async def close(self) -> None:
        """Let the threads go; a later call makes new ones. Safe to call twice."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=False, cancel_futures=True)

    async def verify(self, password: str, stored: str) -> Verified:
        """Compare a password with a stored hash.

        Raises:
            HashingBusy: Too many are waiting, or it took too long to get a worker.
        """
        secret = _bytes(password)
        return Verified(False) if secret is None else await self._run(functools.partial(self._verify, secret, stored))

    async def waste(self, password: str) -> None:
        """Pay what a refusal costs, where there is no user to compare with.

        Raises:
            HashingBusy: As `verify`, so that this tells nobody apart either.
        """
        secret = _bytes(password)
        if secret is not None:
            await self._run(functools.partial(self._pay, secret, ""))

    async def hash(self, password: str) -> str:
        """Make a hash of today's kind.

        Raises:
            HashingBusy: As `verify`.
            ValueError: The password is longer than `MAX_BYTES`, or no UTF-8 can be made of it.
        """
        secret = _bytes(password)
        if secret is None:
            raise ValueError(f"a password has at most {MAX_BYTES} bytes of UTF-8")
        return await self._run(functools.partial(self._hash, secret))

    def expect(self, stored: Iterable[str]) -> None:
        """Learn which kinds of hashes are in use, before anybody of theirs signs in."""
        for one in stored:
            with contextlib.suppress(HashRefused):
                self._learn(kind_of(one), one)

    # What follows runs in a worker thread.

    def _verify(self, secret: bytes, stored: str) -> Verified:
        try:
            kind = kind_of(stored)
        except HashRefused as refused:
            self._pay(secret, "")
            return Verified(False, why=str(refused))
        self._learn(kind, stored)
        if not self._compare(secret, stored, kind):
            self._pay(secret, kind)
            return Verified(False)
        return Verified(True, None if _strong(kind) else self._hash(secret))

    def _compare(self, secret: bytes, stored: str, kind: str) -> bool:
        scheme = kind.partition(":")[0]
        comparable = secret
        if scheme in _C_STRINGS:
            comparable = secret.replace(b"\0", b"")
        if scheme == "bcrypt":
            comparable = comparable[:_BCRYPT_BYTES]
        matches = bool(_context().verify(comparable, stored))
        return matches and (scheme not in _C_STRINGS or b"\0" not in secret)

    def _hash(self, secret: bytes) -> str:
        return str(_context().hash(secret))

    def _pay(self, secret: bytes, paid: str) -> None:
        self._today()
        for kind, decoy in list(self._decoys.items()):
            if kind != paid:
                self._compare(secret, decoy, kind)

    def _today(self) -> None:
        if not self._knows_today:
            decoy = self._hash(secrets.token_bytes(16))
            self._decoys[kind_of(decoy)] = decoy
            self._knows_today = True

    def _learn(self, kind: str, stored: str) -> None:
        if kind in self._decoys:
            return
        if len(self._decoys) >= _MOST_KINDS:
            if not self._said_too_many:
                _log.warning(
                    "password-kinds-too-many kind=%s most=%d: refusals of its users take another time than others", kind, _MOST_KINDS
                )
            self._said_too_many = True
            return
        # A stored hash makes a good decoy: it costs what its kind costs, and what comes of the comparison is thrown away.
        self._decoys[kind] = stored

    async def _run(self, job: Callable[[], _T]) -> _T:
        if self._free.locked() and self._waiting >= self._queue:
            raise HashingBusy("passwords", self._retry_after)
        self._waiting += 1
        try:
            async with asyncio.timeout(self._wait_s):
                await self._free.acquire()
        except TimeoutError:
            raise HashingBusy("passwords", self._retry_after) from None
        finally:
            self._waiting -= 1
        loop = asyncio.get_running_loop()
        try:
            future = self._executor().submit(job)
        except BaseException:
            self._free.release()
            raise
        # The worker is free when its thread is, not when a client that left stops waiting for it.
        future.add_done_callback(functools.partial(_when_done, loop, self._free))
        return await asyncio.wrap_future(future)

    @property
    def _retry_after(self) -> int:
        return max(1, round(self._wait_s))

    def _executor(self) -> ThreadPoolExecutor:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._workers, thread_name_prefix="passwords", initializer=_step_back)
        return self._pool


def kind_of(stored: str) -> str:
    """The scheme and cost of a stored hash, for example `bcrypt:12`; hashes of one kind take the same time.

    Raises:
        HashRefused: It is no hash that is known here, it is broken, or comparing with it would cost too much.
    """
    context = _context()
    scheme = context.identify(stored)
    if scheme is None:
        raise HashRefused("this is no password hash of a known kind")
    try:
        parsed = context.handler(scheme).from_string(stored)
    except (ValueError, TypeError, Warning) as error:
        raise HashRefused(f"the {scheme} hash is broken") from error
    if getattr(parsed, "checksum", None) is None:
        raise HashRefused(f"the {scheme} hash is broken")
    rounds = getattr(parsed, "rounds", None) or 0
    if rounds > _MOST_ROUNDS.get(scheme, rounds):
        raise HashRefused(f"the {scheme} hash costs too much: {rounds} rounds, {_MOST_ROUNDS[scheme]} at most")
    if scheme != "argon2":
        return f"{scheme}:{rounds}"
    if parsed.memory_cost > _MOST_MEMORY or parsed.parallelism > _MOST_LANES:
        raise HashRefused(f"the argon2 hash costs too much: at most {_MOST_MEMORY} KiB and {_MOST_LANES} lanes are used")
    return f"argon2:{parsed.type.lower()}/{parsed.version}/{parsed.memory_cost}/{rounds}/{parsed.parallelism}"


def _strong(kind: str) -> bool:
    """True for Argon2id hashes that cost an attacker as much memory and work as today's: a stronger one is not made weaker."""
    scheme, _, cost = kind.partition(":")
    if scheme != "argon2":
        return False
    variant, version, memory, passes, _ = cost.split("/")
    enough = int(memory) >= _MEMORY and int(memory) * int(passes) >= _MEMORY * _PASSES
    return variant == "id" and version == "19" and enough


@functools.cache
def _context() -> CryptContext:
    from passlib.context import CryptContext  # heavy: light commands never come here
    from passlib.exc import PasslibHashWarning

    # Of salts that other programs wrote carelessly, most often old bcrypt: they work, and are replaced at the next sign-in.
    warnings.simplefilter("ignore", PasslibHashWarning)
    return CryptContext(
        schemes=list(_SCHEMES),
        deprecated=["auto"],
        argon2__type="ID",
        argon2__memory_cost=_MEMORY,
        argon2__time_cost=_PASSES,
        argon2__parallelism=_LANES,
    )


def _bytes(password: str) -> bytes | None:
    """The password exactly as sent: no trimming, folding or normalizing (ASVS V6.2.8). None if it is refused before hashing."""
    try:
        secret = password.encode()
    except UnicodeEncodeError:
        return None
    return secret if len(secret) <= MAX_BYTES else None


def _step_back() -> None:
    """Make this thread nicer than the event loop's: setpriority(2) is about one thread on Linux."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), min(19, os.nice(0) + 10))


def _when_done(loop: asyncio.AbstractEventLoop, free: asyncio.Semaphore, _: Future[object]) -> None:
    with contextlib.suppress(RuntimeError):  # the loop is gone, and whoever waited with it
        loop.call_soon_threadsafe(free.release)
