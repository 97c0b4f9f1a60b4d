"""What shared caches may keep: nothing that was made for one signed-in person (promise 50, RFC 9111 5.2.2)."""

from __future__ import annotations

from collections.abc import Iterable

_STRICTER = frozenset({b"private", b"no-store"})
_FOR_SHARED = frozenset({b"public", b"s-maxage", b"proxy-revalidate"})


def private_lines(lines: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Add `Cache-Control: private` unless the upstream said that or something stricter, and `Vary: Cookie`."""
    kept: list[tuple[bytes, bytes]] = []
    directives: list[bytes] = []
    varies: list[bytes] = []
    for name, value in lines:
        match name.lower():
            case b"cache-control":
                directives += [part.strip() for part in value.split(b",") if part.strip()]
            case b"vary":
                varies += [part.strip() for part in value.split(b",") if part.strip()]
            case _:
                kept.append((name, value))
    names = {directive.partition(b"=")[0].lower() for directive in directives}
    if names.isdisjoint(_STRICTER):
        directives = [directive for directive in directives if directive.partition(b"=")[0].lower() not in _FOR_SHARED]
        directives.insert(0, b"private")
    if b"*" not in varies and not any(field.lower() == b"cookie" for field in varies):
        varies.append(b"Cookie")
    return [*kept, (b"Cache-Control", b", ".join(directives)), (b"Vary", b", ".join(varies))]
