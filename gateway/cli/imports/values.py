"""Values as other gateways write them: durations of Go, addresses to listen on, URLs, hashes of passwords."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import urlsplit

from gateway.cli.imports.found import Found, Setting, Table

_PARTS = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(seconds?|minutes?|hours?|days?|weeks?|months?|years?|ms|s|m|h|d|w|M|y)")
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "M": 2592000, "y": 31536000}
#: Nothing lives longer here.
_LONGEST_S = 3650 * 86400
#: The hash of 256 random bits that nobody kept.
_NOBODYS = "$argon2id$v=19$m=19456,t=2,p=1$Nx9QDp1l8MSQaKzvnVeIPA$l6ERWZ2GdA3xYW+HrZ3oPlCUg3odHCYoVEFb7fVRh0Q"


def duration_of(value: object) -> timedelta | None:
    """`168h0m0s`, `1M`, `3 hours`, or a number of seconds, ten years at most; None if it is none, or nothing."""
    text = str(value).strip()
    if text.isdecimal():
        return timedelta(seconds=min(float(text), _LONGEST_S)) or None
    if not text or _PARTS.sub("", text).strip():
        return None
    seconds = sum(float(number) * _seconds_in(unit) for number, unit in _PARTS.findall(text))
    return timedelta(seconds=min(seconds, _LONGEST_S)) or None


def _seconds_in(unit: str) -> float:
    return _UNITS[unit] if unit in _UNITS else _UNITS["M" if unit.startswith("mo") else unit[0]]


def written(span: timedelta) -> str:
    """As our file has it."""
    seconds = max(1, int(span.total_seconds()))
    return next(f"{seconds // size}{unit}" for size, unit in ((86400, "d"), (3600, "h"), (60, "m"), (1, "s")) if seconds % size == 0)


def lifetimes(found: Found, *, whole: timedelta | None, idle: timedelta | None = None, renewed: timedelta | None = None) -> None:
    """How long a session lives, so that our checks hold: idle within the whole, renewals well within that."""
    if whole is None and idle is None:
        return
    whole = whole or timedelta(days=7)
    idle = min(idle or whole, whole)
    renewed = min(renewed or timedelta(minutes=5), idle / 2)
    for key, span in (("max_age", idle), ("absolute_max_age", whole), ("update_age", renewed)):
        found.set("session", key, written(span))


def listen_of(value: object) -> str | None:
    """An address to listen on; None if it is none of ours."""
    text = re.sub(r"^(?:https?|tcp[46]?)://", "", str(value).strip(), flags=re.IGNORECASE).partition("/")[0]
    if str(value).startswith("unix://"):
        return f"unix:{str(value).removeprefix('unix://')}"
    host, _, port = text.rpartition(":")
    return f"{host or '0.0.0.0'}:{port}" if port.isdecimal() and int(port) < 65536 else None  # noqa: S104  # as it was there


def bare(text: str) -> str:
    """A value of a list of variables or flags, without quotes and what is remarked behind it."""
    text = text.strip()
    quote = text[:1] if text[:1] in ("'", '"') and text.find(text[:1], 1) > 0 else ""
    return text[1 : text.index(quote, 1)] if quote else re.split(r"(?:^|\s)#", text, maxsplit=1)[0].strip().strip("\"'")


def is_host(text: str) -> bool:
    """True if a route can be for that host, `*.` in front or not."""
    from gateway.core.host import read_host

    return read_host(text.removeprefix("*."), scheme="https") is not None


def origin_of(value: object) -> str | None:
    """The origin of a URL; None if it is none."""
    try:
        parts = urlsplit(str(value).strip())
    except ValueError:
        return None
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme in ("http", "https") and parts.netloc and "@" not in parts.netloc else None


def user_of(found: Found, setting: Setting, name: str, password: str, /, **more: object) -> Table:
    """A user; one whose hash is of no kind that is known is disabled."""
    from gateway.providers.passwords import HashRefused, kind_of

    attributes: Table = {"password": password, **{key: value for key, value in more.items() if value}}
    try:
        kind_of(password)
    except HashRefused:
        attributes |= {"password": _NOBODYS, "disabled": True}
        cure = f"give {name} another: gateway users passwd {name}, then gateway users enable {name}"
        found.say(setting, f"the hash of {name}'s password is of a kind that is not known here", cure, closes=True)
    found.users[name] = attributes
    return attributes
