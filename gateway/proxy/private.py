"""What shared caches may keep: nothing that was made for one signed-in person (promise 50, RFC 9111 5.2.2)."""

from __future__ import annotations

import re
from collections.abc import Iterable

_STRICTER = frozenset({b"private", b"no-store"})
_FOR_SHARED = frozenset({b"public", b"s-maxage", b"proxy-revalidate"})
#: What the caches that it is meant for obey in the place of Cache-Control: Fastly and Varnish, Akamai, nginx.
_IN_ITS_PLACE = frozenset({b"surrogate-control", b"edge-control", b"x-accel-expires"})
_PART = re.compile(rb'(?:[^,"]|"(?:[^"\\]|\\.)*(?:"|\Z))+')  # a comma within quotes separates nothing (RFC 9110 5.6.1)


_MAX_SAYINGS = 256
_sayings: dict[tuple[bytes | None, bytes | None], list[bytes]] = {}


def private_fields(cache_control: bytes | None, vary: bytes | None) -> list[bytes]:
    """The two lines for what an upstream said in at most one line each: remembered, because upstreams say little that is new."""
    known = _sayings.get((cache_control, vary))
    if known is None:
        said = [(name, value) for name, value in ((b"Cache-Control", cache_control), (b"Vary", vary)) if value is not None]
        known = [b"%b: %b" % line for line in private_lines(said)]
        if len(_sayings) >= _MAX_SAYINGS:
            _sayings.clear()
        _sayings[cache_control, vary] = known
    return known


def is_for_some_caches(name: bytes) -> bool:
    """True for a lower-case name under which single caches are told what Cache-Control tells all: `CDN-Cache-Control` (RFC 9213), and the like."""
    return name in _IN_ITS_PLACE or (name.endswith(b"cache-control") and name != b"cache-control")


def private_lines(lines: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Add `Cache-Control: private` unless the upstream said that or something stricter, and `Vary: Cookie`; leave out what would overrule it."""
    kept: list[tuple[bytes, bytes]] = []
    directives: list[bytes] = []
    varies: list[bytes] = []
    for name, value in lines:
        match name.lower():
            case b"cache-control":
                directives += [text for part in _PART.findall(value) if (text := part.strip())]
            case b"vary":
                varies += [part.strip() for part in value.split(b",") if part.strip()]
            case lowered if not is_for_some_caches(lowered):
                kept.append((name, value))
    # `private="set-cookie"` speaks of that field alone, and leaves the answer to shared caches (RFC 9111 5.2.2.7).
    if _STRICTER.isdisjoint(directive.lower() for directive in directives):
        directives = [directive for directive in directives if directive.partition(b"=")[0].lower() not in _FOR_SHARED]
        directives.insert(0, b"private")
    if b"*" not in varies and not any(field.lower() == b"cookie" for field in varies):
        varies.append(b"Cookie")
    return [*kept, (b"Cache-Control", b", ".join(directives)), (b"Vary", b", ".join(varies))]
