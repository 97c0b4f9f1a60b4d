"""What the values share that are written as one text."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import SplitResult, urlsplit

from pydantic_core import CoreSchema, core_schema


def from_text(kind: type, parse: Callable[[str], object]) -> CoreSchema:
    """How pydantic reads a `kind`: `parse` makes it of text, and nothing but text will do."""

    def read(value: object) -> object:
        if isinstance(value, kind):
            return value
        if not isinstance(value, str):
            raise ValueError("it is written as text, between quotes")
        return parse(value)

    return core_schema.no_info_plain_validator_function(read)


def split_url(value: str) -> SplitResult:
    """The parts of a URL; empty ones if it can't be read."""
    try:
        return urlsplit(value)
    except ValueError:  # brackets without a partner, an impossible IPv6 address
        return SplitResult("", "", "", "", "")
