"""Where the log of a running gateway goes: standard error, one line an event, never in the way of a request.

A log pipe that nobody reads must not stop the event loop, and no value may start a second line (promises 63 and 64).
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import re
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

MAX_LINE = 8 * 1024  # bytes
MAX_WAITING = 10_000  # lines between the event loop and a slow reader
FINISH_S = 2.0  # seconds that the end waits for a slow reader
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


class _Lines(logging.Handler):
    """Hands lines to a thread that writes them. When too many wait, or nobody reads any more, lines are dropped and counted."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self.setFormatter(OneLine())
        self.dropped = 0
        self._said = 0  # of them
        self._descriptor = descriptor
        self._waiting: queue.Queue[bytes | None] = queue.Queue(MAX_WAITING)
        # A daemon: a reader that has stopped must not keep the process from ending.
        self._writer = threading.Thread(target=self._write_all, name="log", daemon=True)
        self._writer.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Put the line in the queue, never waiting for room in it."""
        try:
            self._waiting.put_nowait(self.format(record).encode() + b"\n")
        except queue.Full:
            self.dropped += 1

    def _write_all(self) -> None:
        # Not by sys.stderr: its lock, held by a write that hangs, would hang the interpreter's end as well.
        while (line := self._waiting.get()) is not None:
            try:
                self._write(line)
                if self.dropped != self._said:  # somebody reads again
                    self._say_dropped()
            except OSError:
                self.dropped += 1

    def _write(self, line: bytes) -> None:
        while line:
            line = line[os.write(self._descriptor, line) :]

    def _say_dropped(self) -> None:
        count, self._said = self.dropped - self._said, self.dropped
        record = logging.LogRecord(__name__, logging.WARNING, __file__, 0, "log-lines-dropped count=%d", (count,), None)
        self._write(self.format(record).encode() + b"\n")

    def finish(self) -> None:
        """Write out what waits, for as long as somebody reads, and say how much was lost."""
        try:
            self._waiting.put(None, timeout=FINISH_S)
            self._writer.join(FINISH_S)
        except queue.Full:
            return
        if self.dropped != self._said and not self._writer.is_alive():
            with contextlib.suppress(OSError):
                self._say_dropped()


@contextmanager
def logging_to_stderr(*, level: int = logging.INFO) -> Iterator[None]:
    """Log from here on, and write out what waits at the end."""
    lines = _Lines(sys.__stderr__.fileno() if sys.__stderr__ else 2)
    root = logging.getLogger()
    root.addHandler(lines)
    root.setLevel(level)
    # aiohttp's own lines repeat bytes of refused requests, cookies included; what matters in them is logged by the gateway.
    for name in ("aiohttp.access", "aiohttp.server", "aiohttp.web"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    logging.getLogger("alembic.runtime.plugins").setLevel(logging.WARNING)  # six lines about parts of alembic that nobody uses here
    try:
        yield
    finally:
        root.removeHandler(lines)
        lines.finish()
