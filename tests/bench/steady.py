"""Requests at a steady rate through reloads and a rolling restart of two replicas: none may fail.

    python -m tests.bench.steady --front nginx --requests 100000 --rate 1000

GETs and POSTs with bodies, on connections that are kept and on new ones. The exit status is 1 if one failed.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import sys
import tempfile
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.bench.client import Client, get, post
from tests.bench.machine import allow_descriptors
from tests.bench.paced import Paced, paced
from tests.bench.place import place
from tests.bench.ratios import percentile
from tests.bench.replicas import FRONTS, Replicas, replicas
from tests.bench.report import Table
from tests.bench.rounds import say
from tests.bench.sessions import minted

CLIENTS = 16
BODIES = (3, 1_000, 20_000, 200_000)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of request, and its share of all."""

    words: str
    share: float
    posts: bool
    fresh: bool


KINDS = (
    Kind("GET, connection kept", 0.5, posts=False, fresh=False),
    Kind("GET, new connection", 0.2, posts=False, fresh=True),
    Kind("POST with a body, connection kept", 0.2, posts=True, fresh=False),
    Kind("POST with a body, new connection", 0.1, posts=True, fresh=True),
)


@dataclass(frozen=True, slots=True)
class Steady:
    """What came of it, kind by kind."""

    found: dict[str, Paced]
    reloads: int
    restarts: int

    @property
    def failures(self) -> list[str]:
        """What each failed request got."""
        return [failure for paced in self.found.values() for failure in paced.failures]

    @property
    def sent(self) -> int:
        """How many requests there were."""
        return sum(len(paced.delays_ms) for paced in self.found.values())


def _requests(port: int, kind: Kind) -> Iterator[bytes]:
    cookies = itertools.cycle(list(minted(8)))
    bodies = itertools.cycle([b"u" * size for size in BODIES])
    for number in itertools.count():
        lines = (f"Cookie: {next(cookies)}", *(("Connection: close",) if kind.fresh else ()))
        if kind.posts:
            yield post("/app/upload", port, next(bodies), f"Origin: http://127.0.0.1:{port}", *lines)
        else:
            yield get(f"/app/items/{number}", port, *lines)


async def _disturb(pair: Replicas, *, reloads: int, over_s: float) -> None:
    """Reloads spread over the time, and the rolling restart in the middle."""
    steps = reloads + 1
    for number in range(steps):
        await asyncio.sleep(over_s / (steps + 1))
        if number == reloads // 2:
            say("  rolling restart")
            await asyncio.to_thread(pair.roll)
        else:
            say("  reload")
            await asyncio.to_thread(pair.reload)


async def load(pair: Replicas, *, requests: int, rate: float, reloads: int) -> Steady:
    """Send so many requests while the replicas are disturbed; if that takes longer, the requests go on until it is done."""
    disturbing = asyncio.create_task(_disturb(pair, reloads=reloads, over_s=requests / rate))
    clients = {kind.words: [Client(pair.port, fresh=kind.fresh) for _ in range(CLIENTS)] for kind in KINDS}

    def run(kind: Kind) -> Coroutine[None, None, Paced]:
        def over(number: int) -> bool:
            return number >= requests * kind.share and disturbing.done()

        return paced(_requests(pair.port, kind), clients[kind.words], rate=rate * kind.share, until=over)

    found = await asyncio.gather(*(run(kind) for kind in KINDS))
    await disturbing
    for client in (client for group in clients.values() for client in group):
        client.close()
    await asyncio.sleep(0.1)  # for the loop to end them
    return Steady(dict(zip((kind.words for kind in KINDS), found, strict=True)), reloads, restarts=2)


def table(front: str, steady: Steady, rate: float) -> Table:
    """It, as a table."""
    rows = [
        (
            words,
            len(found.delays_ms),
            len(found.failures),
            percentile(found.delays_ms, 0.5),
            percentile(found.delays_ms, 0.99),
            max(found.delays_ms),
        )
        for words, found in steady.found.items()
    ]
    title = f"{steady.sent:,} requests at {rate:g}/s through {steady.reloads} reloads and a rolling restart, behind {front}"
    return Table("steady", title, ("requests", "sent", "failed", "p50 ms", "p99 ms", "worst ms"), rows)


def main() -> None:
    """Run, print, and say by the exit status whether all was well."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--front", choices=sorted(FRONTS), default="nginx")
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--rate", type=float, default=500.0, help="requests a second")
    parser.add_argument("--reloads", type=int, default=5)
    asked = parser.parse_args()
    allow_descriptors()
    with (
        place(pinned=False) as at,
        tempfile.TemporaryDirectory(prefix="steady-") as name,
        replicas(Path(name), at.upstream, asked.front) as pair,
    ):
        steady = asyncio.run(load(pair, requests=asked.requests, rate=asked.rate, reloads=asked.reloads))
    print(table(asked.front, steady, asked.rate).markdown())
    for failure in steady.failures[:20]:
        print(failure)
    sys.exit(1 if steady.failures else 0)


if __name__ == "__main__":
    main()
