"""Whether people who only use the app feel it when others sign in: passwords are hashed for real, and hashing is slow on purpose."""

from __future__ import annotations

import asyncio
import collections
import json
from collections.abc import Sequence
from urllib.parse import urlencode

import uvloop

from gateway.cli.quick import hash_password
from tests.bench.client import Client, Failed, get, post
from tests.bench.modes.options import Options
from tests.bench.paced import Paced, after, paced
from tests.bench.peers.gateway import process
from tests.bench.peers.peer import PEOPLE
from tests.bench.place import Place
from tests.bench.ratios import percentile
from tests.bench.report import Cell, Table
from tests.bench.rounds import say
from tests.bench.sessions import minted
from tests.bench.shape import Shape, requests

RATE, SIGNING_IN, CLIENTS = 2_000.0, 32, 64
PASSWORD = "lovelace-1815-difference"
GOAL_MS = 5.0
#: What happens meanwhile, and from how many addresses: the gateway takes the sign-ins of one address in turn.
WAYS = {
    "nobody signs in": 0,
    f"{SIGNING_IN} clients of one address sign in without pause": 1,
    f"{SIGNING_IN} clients of as many addresses sign in without pause": SIGNING_IN,
}


def storm(at: Place, options: Options) -> Sequence[Table]:
    """Proxied requests at a steady rate, without and with clients that sign in all the while."""
    users = f'[users.ada]\npassword = "{hash_password(PASSWORD)}"\nname = "Ada"\n'
    seconds = max(3.0, options.seconds * 2)
    rows: list[tuple[Cell, ...]] = []
    with process(at, users=users) as gateway:
        for words, addresses in WAYS.items():
            found, outcomes = uvloop.run(_run(gateway.address[1], seconds, addresses))
            percentiles = [percentile(found.delays_ms, share) for share in (0.5, 0.95, 0.99)]
            signed_in = outcomes["signed in"] / seconds
            rows.append(
                (words, *percentiles, max(found.delays_ms), len(found.failures), signed_in, sum(outcomes.values()) - outcomes["signed in"])
            )
            say(f"  {words}: p99 {percentiles[2]:.2f} ms, {dict(outcomes)}")
    columns = ("meanwhile", "p50 ms", "p95 ms", "p99 ms", "worst ms", "failed", "sign-ins/s", "told to come back")
    notes = (
        f"{RATE:,.0f} proxied requests a second; delays count from when a request was due (goal for the p99: {GOAL_MS:g} ms). "
        "The gateway, its hashing included, has one core; so has the client.",
    )
    return [Table("storm", "Requests of others in a storm of sign-ins", columns, rows, notes)]


async def _run(port: int, seconds: float, addresses: int) -> tuple[Paced, collections.Counter[str]]:
    end = asyncio.Event()
    outcomes: collections.Counter[str] = collections.Counter()
    sources = [f"127.0.1.{number % addresses + 1}" for number in range(SIGNING_IN if addresses else 0)]
    people = [asyncio.create_task(_sign_in(port, source, end, outcomes)) for source in sources]
    await asyncio.sleep(0.5)
    outcomes.clear()
    clients = [Client(port) for _ in range(CLIENTS)]
    for client in clients:
        await client.ask(get("/app/items", port, f"Cookie: {next(iter(minted(1)))}"))
    until = after(seconds)
    found = await paced(requests(port, list(minted(PEOPLE)), Shape(), 1), clients, rate=RATE, until=until)
    end.set()
    await asyncio.gather(*people)
    for client in clients:
        client.close()
    return found, outcomes


async def _sign_in(port: int, source: str, end: asyncio.Event, outcomes: collections.Counter[str]) -> None:
    """Sign in again and again, whatever comes back."""
    client = Client(port, keep_body=True, source=source)
    first = await client.ask(get("/api/auth/csrf", port))
    cookie = "; ".join(line.partition(b";")[0].decode() for line in first.all(b"set-cookie"))
    form = urlencode({"username": "ada", "password": PASSWORD, "csrfToken": json.loads(first.body)["csrfToken"]}).encode()
    lines = (f"Cookie: {cookie}", f"Origin: http://127.0.0.1:{port}", "Content-Type: application/x-www-form-urlencoded")
    request = post("/api/auth/callback/credentials", port, form, *lines)
    while not end.is_set():
        try:
            answer = await client.ask(request)
        except Failed:
            outcomes["failed"] += 1
            continue
        signed_in = answer.status in (302, 303) and any(b"session-token" in line for line in answer.all(b"set-cookie"))
        outcomes["signed in" if signed_in else str(answer.status)] += 1
    client.close()
