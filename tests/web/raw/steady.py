"""Load that goes on while something happens to the gateway: what a client did not get an answer to is a failure, and it says which."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.wire import Connection, Ended

WAIT_S = 60.0  # a connection may wait in a queue while the next instance begins


@dataclass
class Load:
    """What came of it: answers by status, and failures in words."""

    answers: int = 0
    failures: list[str] = field(default_factory=list)
    refused: int = 0
    go_on: bool = True


@contextlib.contextmanager
def steady(address: tuple[str, int], request: bytes, *, kept: int = 2, fresh: int = 2) -> Iterator[Load]:
    """Send all the while, on `kept` connections that are used again and on `fresh` threads with a new one for each request.

    A kept connection is given up only where the answer said `Connection: close`.
    """
    load, lock = Load(), threading.Lock()

    def ask(keep: bool) -> None:
        connection: Connection | None = None
        while load.go_on:
            try:
                connection = connection or Connection(address, timeout=WAIT_S)
            except ConnectionRefusedError:
                with lock:
                    load.refused += 1
                return
            except OSError as error:
                with lock:
                    load.failures.append(f"connect: {error!r}")
                continue
            try:
                answer = connection.request(request)
                problem = None if answer.status == 200 else f"{answer.status} {answer.reason}"
                closes = answer.one("connection") == "close"
            except (OSError, Ended) as error:
                problem, closes = repr(error), True
            with lock:
                load.answers += problem is None
                load.failures += [problem] if problem else []
            if closes or not keep:
                connection.__exit__()
                connection = None
        if connection is not None:
            connection.__exit__()

    threads = [threading.Thread(target=ask, args=(number < kept,)) for number in range(kept + fresh)]
    for thread in threads:
        thread.start()
    try:
        yield load
    finally:
        load.go_on = False
        for thread in threads:
            thread.join(2 * WAIT_S)
    assert load.answers > 0, load
