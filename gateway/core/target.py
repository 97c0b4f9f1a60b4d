"""The request target: parsed once, refused where two readers could disagree, forwarded byte for byte as it came.

An upstream may decode `%2F`, merge `//`, or cut `;parameters` before it looks for a file. A rule that reads one of these
differently can be walked around (CVE-2019-9901, CVE-2021-29492, CVE-2021-32779). So a target carries every *reading* that an
upstream might make of it; the rules must come to the same route for all of them, or the request is refused.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from urllib.parse import unquote, unquote_to_bytes

from gateway.core.reason import Reason

# Each round starts with a slash and no segment holds one, so there is one way to match and no backtracking.
_PLAIN = re.compile(r"(?:/[A-Za-z0-9_~!$&'()*+,=:@-][A-Za-z0-9._~!$&'()*+,=:@-]*)*/?\Z")
_VISIBLE_ASCII = re.compile(r"[\x21-\x7e]+\Z")
_BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
# In a decoded path: what a second decoding would turn into a dot, a slash, a backslash, a semicolon, a percent sign or a control byte.
_TWICE_ENCODED = re.compile(r"%(?:2[EeFf5]|3[Bb]|5[Cc]|[01][0-9A-Fa-f]|7[Ff])")
_ASIDE = "\uffff"
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Target:
    """An origin-form request target (RFC 9112 3.2.1) that can be read in known ways only.

    Attributes:
        raw: Path and query as they came and as they are forwarded.
        path: The path part of `raw`, still percent-encoded.
        query: The part after `?`, or None without one.
        readings: The decoded path, first plainly, then in every other way an upstream may read it.
        encoded_slash: True if the path holds `%2F`, which only routes that name it accept.
    """

    raw: str
    path: str
    query: str | None
    readings: tuple[str, ...]
    encoded_slash: bool = False


def is_plain(path: str) -> bool:
    """True if the path has one reading, which is the path itself."""
    return _PLAIN.match(path) is not None


def read_target(raw: str) -> Target | Reason:
    """Parse an origin-form target, or say why it is refused (`TARGET_MALFORMED`, `PATH_AMBIGUOUS`)."""
    if not raw.startswith("/") or "#" in raw or not _VISIBLE_ASCII.match(raw):
        return Reason.TARGET_MALFORMED
    path, mark, rest = raw.partition("?")
    query = rest if mark else None
    if is_plain(path):
        return Target(raw, path, query, (path,))
    if _BAD_PERCENT.search(path):
        return Reason.TARGET_MALFORMED
    if "\\" in path:
        return Reason.PATH_AMBIGUOUS
    readings = _readings(path)
    if isinstance(readings, Reason):
        return readings
    return Target(raw, path, query, readings, encoded_slash="%2f" in path.lower())


def _readings(path: str) -> tuple[str, ...] | Reason:
    found: dict[str, None] = {}
    for slash in (False, True):
        texts = _decoded(path, slash=slash)
        if isinstance(texts, Reason):
            return texts
        for text, cut, merge in itertools.product(texts, (False, True), (False, True)):
            segments = [segment.partition(";")[0] for segment in text.split("/")] if cut else text.split("/")
            if "." in segments or ".." in segments:
                return Reason.PATH_AMBIGUOUS
            reading = "/".join(segments).replace(_ASIDE, "%2F")
            found[re.sub("//+", "/", reading) if merge else reading] = None
    return tuple(found)


def _decoded(path: str, *, slash: bool) -> list[str] | Reason:
    """The path decoded once, and once more if that changes it; with `slash`, `%2F` becomes a separator too."""
    if "%00" in path:
        return Reason.PATH_AMBIGUOUS
    try:
        # Strict: overlong and broken UTF-8 have no one reading. %2F is set aside as a character that cannot occur.
        once = unquote_to_bytes(path if slash else re.sub("%2[Ff]", "%00", path)).decode("utf-8").replace("\x00", _ASIDE)
        twice = unquote(once, errors="strict")
    except UnicodeDecodeError:
        return Reason.PATH_AMBIGUOUS
    # Looked for after decoding: the digits of a second escape may be escaped themselves (`%25%32%65`).
    if "\\" in once or _CONTROL.search(once) or _TWICE_ENCODED.search(once):
        return Reason.PATH_AMBIGUOUS
    return [once] if twice == once else [once, twice]
