"""Lengths of time and moments, as people read them."""

from __future__ import annotations

from datetime import UTC, datetime


def duration(seconds: float) -> str:
    """A length of time in the unit that fits: `0.3 ms`, `62 ms`, `4 s`, `5 min`, `24 h`, `7 days`."""
    if seconds < 0.01:
        return f"{seconds * 1000:.1f} ms"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    if seconds < 3 * 86400:
        return f"{seconds / 3600:.0f} h"
    return f"{seconds / 86400:.0f} days"


def ago(moment: float, *, now: float) -> str:
    """How long ago, or until when."""
    away = now - moment
    if abs(away) < 2:
        return "just now"
    return f"{duration(away)} ago" if away > 0 else f"in {duration(-away)}"


def clock(moment: float) -> str:
    """The time of day, in UTC."""
    return datetime.fromtimestamp(moment, UTC).strftime("%H:%M:%S")


def stamp(moment: float) -> str:
    """For machines: the `datetime` of a `<time>`."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def day(moment: float) -> str:
    """Date and time, in UTC."""
    return datetime.fromtimestamp(moment, UTC).strftime("%-d %b %Y, %H:%M UTC")
