"""One line per event: a name, then `key=value` pairs, with everything that could start another line escaped (promise 64)."""

from __future__ import annotations

import logging
import re
from contextvars import ContextVar

_PLAIN = re.compile(r"[\x21-\x7e]+\Z")
_MAX_VALUE = 512


#: The reasons that lines of the request at hand have named; None outside of one.
_told: ContextVar[set[str] | None] = ContextVar("told", default=None)


def listen() -> set[str]:
    """From here on, collect the reasons that events of this request name: what none of them names can still be said at its end."""
    told: set[str] = set()
    _told.set(told)
    return told


def event(log: logging.Logger, name: str, /, *, level: int = logging.INFO, **pairs: object) -> None:
    """Log an event; pairs whose value is None are left out. Never pass a secret."""
    told = _told.get()
    if told is not None and "reason" in pairs:
        told.add(str(pairs["reason"]))
    if log.isEnabledFor(level):
        log.log(level, "%s%s", name, "".join(f" {key}={_text(value)}" for key, value in pairs.items() if value is not None))


def _text(value: object) -> str:
    text = str(value)[:_MAX_VALUE]
    if _PLAIN.match(text) and '"' not in text and "\\" not in text:
        return text
    # JSON-like quoting in ASCII: control characters, line separators and half characters become \u escapes.
    escaped = text.encode("ascii", "backslashreplace").decode().replace('"', '\\"')
    return '"' + "".join(char if " " <= char <= "~" else f"\\x{ord(char):02x}" for char in escaped) + '"'
