"""Requests at a steady rate, whatever the answers do: a late answer does not slow the next question down, as it would not slow other people.

The delay of a request counts from the moment it was due, so that a proxy that stands still is charged for everybody who waits meanwhile.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tests.bench.client import Answer, Client, Failed

_TICK_S = 0.002


@dataclass(slots=True)
class Paced:
    """What came of it: delays in milliseconds, and what was no 200."""

    delays_ms: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


async def paced(
    requests: Iterator[bytes],
    clients: list[Client],
    *,
    rate: float,
    until: Callable[[int], bool],
    good: Callable[[Answer], bool] | None = None,
) -> Paced:
    """Send requests at a rate over clients that take turns; one that is busy is passed over.

    Args:
        rate: Requests a second.
        until: Given how many were sent; True ends it.
        good: Which answers count as good. Default: status 200.
    """
    result, idle, tasks = Paced(), list(clients), set[asyncio.Task[None]]()
    fine = good or (lambda answer: answer.status == 200)

    async def one(due: float, request: bytes) -> None:
        while not idle:
            await asyncio.sleep(_TICK_S)
        client = idle.pop(0)
        try:
            answer = await client.ask(request)
            if not fine(answer):
                result.failures.append(f"{request[:40]!r}: {answer.head[:200]!r}")
        except Failed as error:
            result.failures.append(f"{request[:40]!r}: {error}")
        finally:
            idle.append(client)
        result.delays_ms.append((time.perf_counter() - due) * 1000)

    start = time.perf_counter()
    for number in itertools.count():
        if until(number):
            break
        due = start + number / rate
        if (early := due - time.perf_counter()) > 0:
            await asyncio.sleep(early)
        task = asyncio.create_task(one(due, next(requests)))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    await asyncio.gather(*tasks)
    return result


def after(seconds: float) -> Callable[[int], bool]:
    """An `until` for so many seconds from now."""
    end = time.perf_counter() + seconds
    return lambda _: time.perf_counter() > end
