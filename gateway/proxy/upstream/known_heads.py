"""Response heads that came before, by their bytes: an upstream says the same to many, and only the date changes once a second."""

from __future__ import annotations

from gateway.proxy.upstream.head import UpstreamHead

_MAX_HEADS, _MAX_HEAD = 256, 2048  # with what is made of each, 2 MiB at the most
_MAX_SEEN = 1024


class KnownHeads:
    """Remembers heads of a plain form with a length, from the second time on that they are seen; one for each upstream.

    Attributes:
        find: Gives the head for its bytes with the empty line at the end, or None. It is an answer to any method but HEAD.
    """

    __slots__ = ("_known", "_seen", "find")

    def __init__(self) -> None:
        self._known: dict[bytes, UpstreamHead] = {}
        self._seen: set[int] = set()
        self.find = self._known.get

    def note(self, data: bytes, end: int, head: UpstreamHead) -> None:
        """A head was read from data whose first empty line ends at `end`; it is not known."""
        if not 4 <= end <= _MAX_HEAD or head.plain is None or head.content_length is None:
            return
        raw = data[:end]
        if not raw.startswith(head.plain.start + b"\r\n"):
            return  # an interim response came first
        key = hash(raw)
        if key not in self._seen:
            if len(self._seen) >= _MAX_SEEN:
                self._seen.clear()
            self._seen.add(key)
            return
        if len(self._known) >= _MAX_HEADS:
            self._known.clear()
        head.rendered = {}
        self._known[raw] = head
