"""What a peer is: something that can be put in front of the upstream and be asked the same question as the gateway."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass

from tests.bench.client import Client, get
from tests.bench.place import Place

PEOPLE = 8  # sessions that take turns


@dataclass(frozen=True, slots=True)
class Target:
    """A running peer.

    Attributes:
        name: What options and ratios call it.
        words: What a table calls it.
        pid: The root of its processes.
        cookies: What its clients send as `Cookie`, each a session of its own; as long as a real one where it checks nothing.
        checks: Whether it looks at sessions itself.
    """

    name: str
    words: str
    port: int
    pid: int
    cookies: tuple[str, ...]
    checks: bool = True


@dataclass(frozen=True, slots=True)
class Peer:
    """How to start one. `start` raises `NotInstalled` where it can't be had."""

    name: str
    start: Callable[[Place], contextlib.AbstractContextManager[Target]]


def unchecked() -> tuple[str, ...]:
    """Cookies for those that check none."""
    return tuple("session=" + chr(65 + number) * 500 for number in range(PEOPLE))


class Unfit(Exception):
    """A target does not do what it is measured for."""


async def check(target: Target) -> None:
    """The identity arrives, a forged one does not, and without a session nobody passes.

    Raises:
        Unfit: It is otherwise, so that there is nothing to compare.
    """
    client = Client(target.port, keep_body=True)
    forged = "X-Forwarded-User: mallory"
    for cookie in target.cookies[:PEOPLE]:
        answer = await client.ask(get("/app/whoami", target.port, forged, f"Cookie: theme=dark; {cookie}"))
        if answer.status != 200 or b'"user":"ada' not in answer.body or b"mallory" in answer.body:
            raise Unfit(f"{target.name} tells the upstream {answer.status} {answer.body[:300]!r} where it should be ada")
    if target.checks:
        answer = await client.ask(get("/app/whoami", target.port, forged))
        if answer.status not in (302, 303, 307, 401, 403) or b'"user"' in answer.body:
            raise Unfit(f"{target.name} lets anybody in: {answer.status} {answer.body[:300]!r}")
    client.close()
