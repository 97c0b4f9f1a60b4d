"""Which requests there were: from an access log in the common or combined form, a log of the gateway's own, or a plain list of URLs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import quote

from gateway.core.routes import Route

MOST = 100_000  # different requests
_LONGEST = 16 * 1024  # characters of a line
_METHOD = r"[A-Za-z!#$%&'*+.^_`|~-]+"
#: `"GET /x HTTP/1.1"` stands in quotes in both forms; with a host of its own, the combined form of several virtual hosts begins with that.
_IN_QUOTES = re.compile(rf'"({_METHOD}) (\S+) HTTP/[0-9.]+"')
_VIRTUAL_HOST = re.compile(r"([A-Za-z0-9.-]+\.[A-Za-z0-9.-]+|localhost)(?::[0-9]+)? [0-9A-Fa-f.:]+ \S+ \S+ \[")
_OURS = re.compile(rf" method=({_METHOD}) host=(\S+) path=(?:(/\S*)|\"(/[^\"]*)\")")
_PLAIN = re.compile(rf"(?:({_METHOD}) )?((?:https?://|/)\S*)")
_WHOLE = re.compile(r"https?://([^/?#]*)([^#]*)", re.IGNORECASE)
_AS_IT_IS = "".join(map(chr, range(0x21, 0x7F)))


@dataclass(frozen=True, slots=True, order=True)
class Asked:
    """A request as far as rules read it: the query is left out. `host` is empty where nothing says it."""

    host: str
    target: str
    method: str = "GET"


@dataclass
class Requests:
    """All of them with how often each came, and what could not be read.

    Attributes:
        unread: Lines that hold no request.
        left_out: Requests beyond the first `MOST` different ones.
    """

    counts: Counter[Asked] = field(default_factory=Counter)
    unread: int = 0
    left_out: int = 0

    def add(self, line: str) -> None:
        """Take in one line; empty ones and `#` comments are none."""
        line = line.strip()
        if not line or line.startswith("#"):
            return
        asked = read_line(line[:_LONGEST])
        if asked is None:
            self.unread += 1
        elif asked not in self.counts and len(self.counts) >= MOST:
            self.left_out += 1
        else:
            self.counts[asked] += 1


def read_line(line: str) -> Asked | None:
    """The request of a line; None if there is none in it."""
    if quoted := _IN_QUOTES.search(line):
        host = _VIRTUAL_HOST.match(line)
        return _asked(quoted[1], quoted[2], host[1] if host else "")
    if ours := _OURS.search(line):
        return _asked(ours[1], ours[3] or ours[4], ours[2])
    if plain := _PLAIN.fullmatch(line):
        return _asked(plain[1] or "GET", plain[2], "")
    return None


def samples_of(routes: Iterable[Route]) -> Requests:
    """Where there is no log: for each route, a request or two that it is for."""
    made = Requests()
    for route in routes:
        path = "/" + "/".join(segment.replace("*", "x") for segment in route.path.segments if segment != "**")
        paths = (path, f"{path.rstrip('/')}/x") if "**" in route.path.segments else (path,)
        hosts = [pattern.text.replace("*.", "x.") for pattern in route.hosts] or [""]
        for target, host, method in ((t, h, m) for t in paths for h in hosts for m in sorted(route.methods) or ["GET"]):
            made.counts.setdefault(Asked(host, quote(target), method), 1)
    return made


def _asked(method: str, target: str, host: str) -> Asked | None:
    whole = _WHOLE.match(target)
    if whole is not None:
        host, target = whole[1], whole[2]
    path = quote(target.partition("?")[0].partition("#")[0], safe=_AS_IT_IS)
    return Asked(host.lower(), path or "/", method) if path.startswith("/") or whole is not None else None
