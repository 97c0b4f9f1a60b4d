"""`"30s"`: how long."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, PlainValidator

_SECONDS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
_LONGEST = timedelta(days=3650)

DURATION_FORM = 'a duration is a number with a unit: "500ms", "30s", "5m", "24h" or "7d"'


def spelled(value: timedelta) -> str:
    """A duration as the file would write it, in the largest unit that leaves nothing over; one day is `24h`."""
    milliseconds = value // timedelta(milliseconds=1)
    if milliseconds % 1000:
        return f"{milliseconds}ms"
    seconds = milliseconds // 1000
    unit = next((unit for unit, size in _SECONDS.items() if seconds % size == 0 and seconds >= (2 * size if unit == "d" else size)), "s")
    return f"{seconds // _SECONDS[unit]}{unit}"


def _duration(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    match = re.fullmatch(r"([0-9]{1,9})(ms|s|m|h|d)", value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(DURATION_FORM)
    made = timedelta(milliseconds=int(match[1])) if match[2] == "ms" else timedelta(seconds=int(match[1]) * _SECONDS[match[2]])
    if made > _LONGEST:  # far below where adding it to a date would overflow
        raise ValueError("ten years (3650d) is the longest duration")
    return made


def _positive(value: timedelta) -> timedelta:
    if value <= timedelta(0):
        raise ValueError("it would end before it began: write a duration above zero")
    return value


def at_least(least: timedelta) -> AfterValidator:
    """Refuses a shorter one."""

    def check(value: timedelta) -> timedelta:
        if value < least:
            raise ValueError(f'it is too short: write "{spelled(least)}" or more')
        return value

    return AfterValidator(check)


#: `"30s"`, read into a `timedelta`; at most ten years.
Duration = Annotated[timedelta, PlainValidator(_duration)]
#: A `Duration` above zero.
Span = Annotated[timedelta, PlainValidator(_duration), AfterValidator(_positive)]
