"""Patterns for paths: whole segments, `*` within one, `**` for any number of them."""

from __future__ import annotations

import functools
import itertools
import re
from dataclasses import dataclass

_UNCLEAR = re.compile(r"[\x00-\x20\x7f\\?#%;]")


class PatternError(ValueError):
    """The pattern can't mean what its writer hoped; the message says why, in words for the operator."""


@dataclass(frozen=True, slots=True)
class PathPattern:
    """`/reports` is that path alone (with or without a slash at the end); `/reports/**` is it and all that lies below.

    Patterns are written as a person reads a path, decoded: `/café`, not `/caf%C3%A9`.

    Raises:
        PatternError: From `PathPattern.parse`.
    """

    text: str
    segments: tuple[str, ...]
    regex: re.Pattern[str]

    @classmethod
    def parse(cls, text: str) -> PathPattern:
        """Compile a pattern."""
        return _parsed(text)

    @classmethod
    def _parse(cls, text: str) -> PathPattern:
        if not text.startswith("/"):
            raise PatternError("a path pattern starts with a slash")
        if unclear := _UNCLEAR.search(text):
            raise PatternError(f"{unclear.group()!r} has no place in a path pattern; write the path decoded, without query and fragment")
        if "//" in text:
            raise PatternError("an empty segment never matches")
        segments = tuple(text.strip("/").split("/")) if text != "/" else ()
        for segment in segments:
            if segment in (".", ".."):
                raise PatternError("a dot segment never matches: such requests are refused before the rules")
            if "**" in segment and segment != "**":
                raise PatternError("** stands for whole segments: write it between slashes, or use * within a segment")
        source = _source(segments)
        return cls(text, segments, re.compile(f"{source}/?" if source else "/", re.DOTALL))

    def matches(self, path: str) -> bool:
        """True if the whole decoded path fits."""
        return self.regex.fullmatch(path) is not None

    @property
    def beginning(self) -> str:
        """What every path that fits begins with, in whole segments: `/a/b` of `/a/b/**`, nothing of `/*/b`; an index can use it."""
        plain = itertools.takewhile(lambda segment: "*" not in segment, self.segments)
        return "".join(f"/{segment}" for segment in plain)

    def includes(self, other: PathPattern) -> bool:
        """True only if every path that fits `other` fits this one too (never true by mistake; may be false by caution)."""
        return _includes(self.segments, other.segments)


@functools.lru_cache(maxsize=16_384)
def _parsed(text: str) -> PathPattern:
    return PathPattern._parse(text)


def _source(segments: tuple[str, ...]) -> str:
    """A regular expression that never tries two splits of the same path.

    For a wildcard, taking the first place where what follows it fits is always as good as a later one. So all but the last wildcard
    take the first and never go back (atomic groups): matching costs about length times pattern, whatever the path.
    """
    first, *blocks = "/".join(segments).split("**") if segments else ("",)
    pieces = [_block_source(first)]
    pieces += [f"(?>(?:/[^/]*)*?{_block_source(block)}(?=/|\\Z))" for block in blocks[:-1] if block.strip("/")]
    if blocks:
        pieces.append(f"(?:/[^/]*)*{_block_source(blocks[-1])}")
    return "".join(pieces)


def _block_source(block: str) -> str:
    return "".join(f"/{_segment_source(segment)}" for segment in block.split("/") if segment)


def _segment_source(segment: str) -> str:
    if segment == "*":
        return "[^/]+"  # a segment of its own is never empty: `/users/*` is not `/users/`
    start, *rest = (re.escape(part) for part in segment.split("*"))
    middle = "".join(f"(?>[^/]*?{part})" for part in rest[:-1])
    return start + middle + (f"[^/]*{rest[-1]}" if rest else "")


def _includes(broad: tuple[str, ...], narrow: tuple[str, ...]) -> bool:
    if not broad:
        return not narrow
    if broad[0] == "**":
        return _includes(broad[1:], narrow) or (bool(narrow) and _includes(broad, narrow[1:]))
    if not narrow or narrow[0] == "**":
        return False
    fits = broad[0] in ("*", narrow[0]) or ("*" in broad[0] and "*" not in narrow[0] and _segment_fits(broad[0], narrow[0]))
    return fits and _includes(broad[1:], narrow[1:])


def _segment_fits(pattern: str, segment: str) -> bool:
    return re.fullmatch(_segment_source(pattern), segment) is not None
