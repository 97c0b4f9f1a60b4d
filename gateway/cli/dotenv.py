"""A value as a `.env` file has it, in the way of Next.js (`@next/env`): it fills in `$NAME` between quotes too, and ends a bare value at `#`."""

from __future__ import annotations

import re

_BARE = re.compile(r"[A-Za-z0-9_.:/+=@%^,~-]+\Z")


def dotenv_value(value: str) -> str | None:
    """How to write it; None if there is no way in which it would be read back as it is."""
    if _BARE.match(value):
        return value
    quote = next((mark for mark in "'`\"" if mark not in value), None)
    # Between double quotes, `\n` would become a line break.
    if quote is None or not value.isprintable() or (quote == '"' and "\\" in value):
        return None
    return quote + value.replace("$", "\\$") + quote
