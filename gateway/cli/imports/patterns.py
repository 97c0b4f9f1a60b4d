"""From regular expressions of paths to our patterns: only where both mean the same; for what closes, a wider one will do."""

from __future__ import annotations

import re

from gateway.core.path_pattern import PathPattern, PatternError

_LITERAL = re.compile(r"\^?((?:/(?:[A-Za-z0-9_~!,=@-]|\\[.+-])*)+)")
#: What may stand behind a literal path for it to mean that path and all below.
_BELOW = ("/.*", "/.*$", "(/.*)?$", "(/|$)", "(/|$).*", "([/?].*)?$", "/")
#: And for it to mean whatever begins so, in the middle of a segment too: nothing holds the end.
_BEGINS = ("", ".*", ".*$", "(/.*)?", "([/?].*)?")


def pattern_of(regex: str) -> str | None:
    """The pattern that means the same (but for a slash at the end, which ours don't mind); None if none does."""
    if regex in ("/", "^/", "/.*", "^/.*", "^/.*$", ".*", "^.*", "^.*$", ""):
        return "/**"
    literal = _literal(regex)
    if literal is None or not regex.startswith("^"):  # without ^ it may stand anywhere in the path
        return None
    path, rest = literal
    if rest == "$":
        return _valid(path)
    if rest in _BELOW or (path.endswith("/") and rest in (".*", ".*$", "")):
        return _valid(f"{path.rstrip('/')}/**")
    return _valid(f"{path}*/**") if rest in _BEGINS else None


def wider(regex: str) -> str:
    """A pattern that covers all that the expression does, for what closes a door: whole segments in front of what can't be read."""
    exact = pattern_of(regex)
    literal = _literal(regex)
    if exact is not None or literal is None or not regex.startswith("^") or "|" in regex:
        return exact or "/**"
    return _valid(f"{literal[0].rpartition('/')[0]}/**") or "/**"


def is_path(text: str) -> bool:
    """True if it is a path, and nothing in it stands for others."""
    return "*" not in text and _valid(text) is not None


def _valid(pattern: str) -> str | None:
    try:
        return PathPattern.parse(pattern).text
    except PatternError:
        return None


def _literal(regex: str) -> tuple[str, str] | None:
    match = _LITERAL.match(regex)
    if match is None:
        return None
    path, rest = match[1], regex[match.end() :]
    if rest[:1] in ("?", "*", "{", "+"):  # it repeats, or leaves out, the last character
        path, rest = path[:-1], path[-1] + rest
    return (path.replace("\\", ""), rest) if path else None
