"""Where the log of a running gateway goes: standard error, one line an event, never in the way of a request.

A log pipe that nobody reads must not stop the event loop, and no value may start a second line (promises 63 and 64).
"""

from __future__ import annotations

import logging
import queue
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from logging.handlers import QueueHandler, QueueListener
from typing import TextIO

MAX_LINE = 8 * 1024  # bytes
MAX_WAITING = 10_000  # lines between the event loop and a slow reader
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class OneLine(logging.Formatter):
    """`2026-11-23T12:00:00.123Z INFO gateway.web.guard message`; tracebacks and odd characters escaped into the same line."""

    converter = staticmethod(time.gmtime)

    def __init__(self) -> None:
        super().__init__("%(asctime)s.%(msecs)03dZ %(levelname)s %(name)s %(message)s", "%Y-%m-%dT%H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        """The line, at most `MAX_LINE` bytes long."""
        line = _CONTROL.sub(_escape, super().format(record))
        raw = line.encode()
        return line if len(raw) <= MAX_LINE else raw[: MAX_LINE - 3].decode(errors="ignore") + "..."


def _escape(match: re.Match[str]) -> str:
    return {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(match.group(), f"\\u{ord(match.group()):04x}")


class _Waiting(QueueHandler):
    """Hands lines to the writing thread; when too many wait, the line is dropped and counted."""

    dropped = 0

    def enqueue(self, record: logging.LogRecord) -> None:
        """Put the record in the queue, never waiting for room in it."""
        try:
            self.queue.put_nowait(record)
        except queue.Full:
            self.dropped += 1


class _Writing(logging.StreamHandler[TextIO]):
    """Writes lines; a reader that has gone costs lines, not requests."""

    dropped = 0

    def handleError(self, record: logging.LogRecord) -> None:
        """Count what can't be written: there is nowhere left to say so."""
        self.dropped += 1


@contextmanager
def logging_to_stderr(*, level: int = logging.INFO) -> Iterator[None]:
    """Log from here on, and write out what waits at the end."""
    lines: queue.Queue[logging.LogRecord] = queue.Queue(MAX_WAITING)
    waiting, writing = _Waiting(lines), _Writing(sys.stderr)
    waiting.setFormatter(OneLine())
    listener = QueueListener(lines, writing)
    root = logging.getLogger()
    root.addHandler(waiting)
    root.setLevel(level)
    # aiohttp's own lines repeat bytes of refused requests, cookies included; what matters in them is logged by the gateway.
    for name in ("aiohttp.access", "aiohttp.server", "aiohttp.web"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    listener.start()
    try:
        yield
    finally:
        root.removeHandler(waiting)
        listener.stop()
        if dropped := waiting.dropped + writing.dropped:
            print(f"{dropped} log lines were dropped", file=sys.stderr)
