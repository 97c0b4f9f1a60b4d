"""Which heads are plain: one pattern for the request line, then whole blocks of lines that were read before, and line by line what was not.

Clients repeat themselves: the lines ahead of the cookie, and those behind it, are the same from one request to the next. So a block of
lines is read once and remembered by its bytes; a block that holds something new is read line by line. Both come to the same.

What is left out here is not refused, it only travels by the general lane. So the form may be as narrow as browsers and scripts are.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from gateway.proxy.client.head import HeadLimits, is_host
from gateway.proxy.fields import TOKEN, is_plain_block

_MAX_NAMES = 1024
_MAX_BLOCKS, _MAX_BLOCK = 512, 2048  # with what is made of them, 2 MiB at the most
_MIN_BLOCK = 96  # a line or two are read as fast as they are looked up
_MAX_SEEN = 4096
_MAX_DIGITS = 18
_SPACE = 0x20  # and the tab below it

# The path has one reading if `//` and `/.` are not in it either (`core.target`), and the query is passed as it is.
_START = re.compile(rb"(GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS) (/[A-Za-z0-9._~!$&'()*+,=:@/-]*)(?:\?[\x21\x22\x24-\x7e]*)? HTTP/1\.1\r\n")

# What becomes of a field of one name. Plain numbers: comparing members of an Enum would cost more than the rest of the loop.
_PASS, _DROP, _HOST, _COOKIE, _CONNECTION, _LENGTH, _HAND_OVER = range(7)
_SPECIAL = {
    b"host": _HOST,
    b"cookie": _COOKIE,
    b"connection": _CONNECTION,
    b"content-length": _LENGTH,
    **dict.fromkeys((b"transfer-encoding", b"upgrade", b"expect", b"via", b"max-forwards", b"trailer", b"te"), _HAND_OVER),
}


class Block:
    """Some lines of a head that follow each other.

    Attributes:
        count, longest: How many lines there are, and the length of the longest.
        lines: The lines that pass, as they came, a line end behind each.
        host, cookie: The value of that field, if the block holds one.
        length: Content-Length, or None without one.
        closes: The client wants the connection closed after the answer.
    """

    __slots__ = ("closes", "cookie", "count", "host", "length", "lines", "longest")

    def __init__(self) -> None:
        self.count = 0
        self.longest = 0
        self.lines = b""
        self.host: bytes | None = None
        self.cookie: bytes | None = None
        self.length: int | None = None
        self.closes = False


_EMPTY = Block()

#: A plain head: method, path, the request line with its line end, the blocks ahead of and behind the cookie, and the cookie's value, which
#: is as it came: whoever meets it for the first time asks `is_plain_value`.
Plain = tuple[bytes, bytes, bytes, Block, Block, bytes | None]


def length_of(plain: Plain) -> int | None:
    """Content-Length of a plain head, or None without one."""
    length: int | None = plain[3].length
    return plain[4].length if length is None else length


def closes(plain: Plain) -> bool:
    """True if the client wants the connection closed after the answer."""
    return plain[3].closes or plain[4].closes


def is_well_formed(plain: Plain) -> bool:
    """True if the strict reader takes the head, too: the values of Host and Cookie are left to the judge."""
    host, cookie = plain[3].host or plain[4].host, plain[5]
    return host is not None and is_host(host) and (cookie is None or is_plain_value(cookie))


def is_plain_value(value: bytes) -> bool:
    """True if every reader takes the value of a field as it stands."""
    return bool(value) and value[0] > _SPACE and value[-1] > _SPACE and is_plain_block(value, 0)


class PlainReader:
    """Reads heads; remembers blocks, and what field names mean.

    Args:
        drops: Says of a field name whether the general lane would drop it on its way to the upstream.
        limits: A head beyond them is left to the general lane, which says so.
        reads_authorization: The gateway takes some Authorization for itself: whatever has one is for the general lane.
    """

    def __init__(self, drops: Callable[[bytes], bool], limits: HeadLimits, *, reads_authorization: bool = False) -> None:
        self._drops = drops
        self._special = {**_SPECIAL, b"authorization": _HAND_OVER} if reads_authorization else _SPECIAL
        self._line = limits.line + 2
        self._field = limits.field
        self._count = limits.count
        self._total = limits.total
        self._kinds: dict[bytes, int] = {}
        self._blocks: dict[bytes, Block] = {}
        self._seen: set[int] = set()

    def read(self, data: bytes) -> Plain | None:
        """Read a head, with the empty line at its end and nothing behind it; None if it is for the general lane."""
        start = _START.match(data)
        if start is None:
            return None
        end = start.end()
        method, path = start.group(1, 2)
        at = data.find(b"\r\nCookie: ", end)
        if at < 0:
            at = data.find(b"\r\ncookie: ", end)
        behind, cookie = _EMPTY, None
        if at < 0:
            raw = data[end:-4]
        else:
            raw = data[end:at]
            line_end = data.index(b"\r\n", at + 2)
            cookie = data[at + 10 : line_end]
            if line_end + 4 < len(data):
                found = self._block(data[line_end + 2 : -4])
                if found is None:
                    return None
                behind = found
        ahead = self._blocks.get(raw) or self._block(raw)
        if ahead is None or b"//" in path or b"/." in path:
            return None
        if behind is _EMPTY:
            count, longest = ahead.count, ahead.longest
            if ahead.host is None:
                return None
        else:
            count, longest = ahead.count + behind.count, max(ahead.longest, behind.longest)
            if (ahead.host is None) is (behind.host is None) or (ahead.length is not None and behind.length is not None):
                return None
        if cookie is None:
            cookie = ahead.cookie
        else:
            count += 1
            if ahead.cookie is not None or behind.cookie is not None or len(cookie) + 8 > self._field:
                return None
        if count > self._count or longest > self._field or end > self._line or len(data) > self._total:
            return None
        return method, path, data[:end], ahead, behind, cookie

    def _block(self, raw: bytes) -> Block | None:
        """A block by its bytes, remembered from the second time on that it is seen; None if it is not plain."""
        if not _MIN_BLOCK <= len(raw) <= _MAX_BLOCK:
            return self._read(raw)
        known = self._blocks.get(raw)
        if known is not None:
            return known
        block = self._read(raw)
        key = hash(raw)
        if key not in self._seen:
            if len(self._seen) >= _MAX_SEEN:
                self._seen.clear()
            self._seen.add(key)
        elif block is not None and block.cookie is None:  # a cookie is no thing to keep here
            if len(self._blocks) >= _MAX_BLOCKS:
                self._blocks.clear()
            self._blocks[raw] = block
        return block

    def _read(self, raw: bytes) -> Block | None:
        """Read lines."""
        fields = raw.split(b"\r\n")
        if not is_plain_block(raw, len(fields) - 1):
            return None
        block, kinds = Block(), self._kinds
        block.count = len(fields)
        block.longest = len(raw) if len(raw) <= self._field else len(max(fields, key=len))
        passing: list[bytes] = []
        for line in fields:
            name, colon, value = line.partition(b": ")
            # The general lane trims white space around values, so a line with some would not be forwarded as it stands.
            if not colon or line[-1] <= _SPACE or value[0] <= _SPACE:
                return None
            kind = kinds.get(name)
            if kind is None:
                kind = self._learn(name)
            if kind == _PASS:
                passing.append(line)
            elif kind != _DROP and not _note(block, kind, value):
                return None
        passing.append(b"")
        block.lines = b"\r\n".join(passing)
        return block

    def _learn(self, name: bytes) -> int:
        if not TOKEN.match(name):
            return _HAND_OVER
        kind = self._special.get(name.lower()) or (_DROP if self._drops(name) else _PASS)
        if len(self._kinds) >= _MAX_NAMES:  # clients choose the names, so the table must have an end
            self._kinds.clear()
        self._kinds[name] = kind
        return kind


def _note(block: Block, kind: int, value: bytes) -> bool:
    """Take a field with a meaning; False if it is for the general lane."""
    if kind == _HOST and block.host is None:
        block.host = value
    elif kind == _COOKIE and block.cookie is None:
        block.cookie = value
    elif kind == _LENGTH and block.length is None and value.isdigit() and len(value) <= _MAX_DIGITS:
        block.length = int(value)
    elif kind == _CONNECTION and value.lower() in (b"keep-alive", b"close") and not block.closes:
        block.closes = value.lower() == b"close"
    else:
        return False
    return True
