"""Cookies as they stand in headers: reading `Cookie`, taking ours out of it, and writing `Set-Cookie`.

What this file decides: all Cookie lines are one, split at semicolons as browsers join them (RFC 6265 4.2.1); of a name that occurs
twice the first counts, as Node's parsers have it, so that gateway and upstream never see two different cookies. Values are spelled as
JavaScript's `encodeURIComponent` spells them, since that is what Auth.js writes and reads.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime
from email.utils import format_datetime
from urllib.parse import quote, unquote_to_bytes

#: Bytes of a name with its value that browsers keep (RFC 6265 6.1); of a longer one, they say nothing.
LARGEST_COOKIE = 4096
_BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_SPACE = " \t"  # RFC 9110 5.6.3
_NAMELESS = re.compile(r"\A[\s=\x00-\x1f\x7f\ufeff]+")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")


class CookieHeader:
    """The cookies of one request. Its repr shows no value."""

    __slots__ = ("_pairs", "_pieces")

    def __init__(self, pieces: Iterable[str]) -> None:
        self._pieces = tuple(pieces)
        self._pairs: dict[str, str] = {}
        for piece in self._pieces:
            name, equals, value = piece.partition("=")
            if equals and (name := name.strip(_SPACE)):
                self._pairs.setdefault(name, value.strip(_SPACE))

    @classmethod
    def parse(cls, lines: Iterable[bytes | str]) -> CookieHeader:
        """Read all Cookie lines of a request, in order; pairs without a name or an equals sign are no cookies.

        Bytes that are no UTF-8 become lone surrogates, as in aiohttp's headers; `without` gives them back by the same rule.
        """
        texts = (line.decode("utf-8", "surrogateescape") if isinstance(line, bytes) else line for line in lines)
        return cls([piece for text in texts for piece in text.split(";")])

    @property
    def size(self) -> int:
        """How long the header would be with all of them, in characters."""
        return sum(len(piece) + 2 for piece in self._pieces)

    @property
    def names(self) -> tuple[str, ...]:
        """Every name once, in the order in which the browser sent them."""
        return tuple(self._pairs)

    def first(self, name: str) -> str | None:
        """The decoded value of a cookie; of several with this name, the first."""
        value = self._pairs.get(name)
        return None if value is None else decode(value)

    def starting_with(self, prefix: str) -> dict[str, str]:
        """The decoded values of all cookies whose name starts so, in the order in which the browser sent them."""
        return {name: decode(value) for name, value in self._pairs.items() if name.startswith(prefix)}

    def apart(self, prefix: str, *, most: int) -> list[CookieHeader]:
        """The cookies whose name starts so, in rows: the first of each name, then the second of each, and so on; a name with fewer gives its last.

        Browsers send several of one name if a sibling domain set one, or one of another path lies in the jar.

        Args:
            most: No more rows than this.
        """
        found = self._pieces_of(prefix)
        rows = min(most, max(map(len, found.values()), default=0))
        return [CookieHeader(pieces[min(row, len(pieces) - 1)] for pieces in found.values()) for row in range(rows)]

    def repeated(self, prefix: str) -> list[str]:
        """The names that start so and occur more than once."""
        return [name for name, pieces in self._pieces_of(prefix).items() if len(pieces) > 1]

    def only(self, wanted: Callable[[str], bool]) -> CookieHeader:
        """Those whose name is wanted; of several with one name, the first."""
        return CookieHeader(f"{name}={value}" for name, value in self._pairs.items() if wanted(name))

    def without(self, owns: Callable[[str], bool]) -> str:
        """What is left for the upstream when every cookie that is owned is taken out: the other pieces, byte for byte.

        Args:
            owns: Says of a name whether it goes; `SessionCookies.owns`.

        Returns:
            One Cookie value; empty if nothing is left. Encode it with `("utf-8", "surrogateescape")`.
        """
        # A piece without an equals sign is a name to some parsers and a value to others, so it may be ours too; and so may what stands
        # behind a name that is empty.
        kept = [piece for piece in self._pieces if not owns(_NAMELESS.sub("", piece, count=1).partition("=")[0])]
        return "; ".join(stripped for piece in kept if (stripped := piece.strip(_SPACE)))

    def _pieces_of(self, prefix: str) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for piece in self._pieces:
            name, equals, _ = piece.partition("=")
            if equals and (name := name.strip(_SPACE)).startswith(prefix):
                found.setdefault(name, []).append(piece)
        return found

    def __repr__(self) -> str:
        return f"CookieHeader({list(self._pairs)})"


def set_cookie_line(
    name: str,
    value: str,
    *,
    secure: bool,
    expires: datetime | None = None,
    max_age: int | None = None,
    http_only: bool = True,
    path: str = "/",
    domain: str | None = None,
) -> str:
    """The value of one `Set-Cookie` header, attributes in the order of Auth.js; without `expires` and `max_age` it ends with the browser.

    Raises:
        ValueError: The name is no token, or the value holds half a character.
    """
    if not _TOKEN.match(name):
        raise ValueError(f"{name!r} is no cookie name")
    parts = [f"{name}={encode(value)}"]
    if max_age is not None:
        parts.append(f"Max-Age={max_age}")
    parts.append(f"Path={path}")
    if domain is not None:
        parts.append(f"Domain={domain}")
    if expires is not None:
        parts.append(f"Expires={format_datetime(expires, usegmt=True)}")
    if http_only:
        parts.append("HttpOnly")
    if secure:
        parts.append("Secure")
    parts.append("SameSite=Lax")
    return "; ".join(parts)


def encode(value: str) -> str:
    """As `encodeURIComponent`: letters, digits and `-_.!~*'()` stay.

    Raises:
        ValueError: The value holds half a character.
    """
    return quote(value, safe="-_.!~*'()")


def decode(value: str) -> str:
    """As `decodeURIComponent`; what it would refuse is taken literally."""
    if "%" not in value:
        return value
    if _BAD_PERCENT.search(value):
        return value
    try:
        return unquote_to_bytes(value).decode("utf-8")
    except UnicodeError:
        return value
