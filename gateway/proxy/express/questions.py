"""Questions of proxies (forward-auth) that have a plain yes: answered in the call that they come in, without an upstream, a task or a page.

A proxy asks once for each request that it carries, so this is as hot as the lane itself. Taken is what is plain beyond doubt: a known
endpoint, known fields once each, nothing forged, a living session. Every other question, and every no, is for the general lane.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gateway.proxy.client.head import HeadLimits
from gateway.proxy.express.ports import Judge
from gateway.proxy.fields import TOKEN, is_plain_block

_MAX_NAMES = 1024
_SPACE = 0x20  # and the tab below it
_METHODS = frozenset({b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS"})
_TARGET = re.compile(rb"(/[A-Za-z0-9._~!$&'()*+,=:@/-]*)(?:\?[\x21\x22\x24-\x7e]*)?\Z")  # one reading, as in `client/plain.py`
_PASS, _METHOD, _TARGET_FIELD, _HOST, _COOKIE, _OF_THE_QUESTION, _CONNECTION, _HAND_OVER = range(8)
#: What changes how a question is read, what is asked, or what a yes must say besides.
_SPECIAL = {
    b"host": _OF_THE_QUESTION,
    b"cookie": _COOKIE,
    b"connection": _CONNECTION,
    **dict.fromkeys((b"content-length", b"transfer-encoding", b"expect", b"upgrade", b"authorization", b"trailer"), _HAND_OVER),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a proxy asks, and in which fields (lower case) it says method, target and host of the original request."""

    path: bytes
    method: bytes
    target: bytes
    host: bytes


class Questions:
    """Answers them.

    Args:
        forged: Says of a lower-case field name whether only the gateway may set it.
        opening: The answer's head up to the identity lines, a line end behind each line.
        answered: Told of each answer that was given.
    """

    def __init__(
        self,
        endpoints: Mapping[bytes, Endpoint],
        judge: Judge,
        limits: HeadLimits,
        *,
        forged: Callable[[str], bool],
        opening: bytes,
        answered: Callable[[], None],
    ) -> None:
        self._endpoints = {b"GET %b HTTP/1.1" % path: (endpoint, dict[bytes, int]()) for path, endpoint in endpoints.items()}
        self._judge = judge.judge
        self._limits = limits
        self._forged = forged
        self._opening = opening
        self._answered = answered

    def answer(self, raw: bytes) -> bytes | None:
        """The whole answer to a question, if it is a plain yes; else None. `raw` is its head with the empty line at the end.

        The proxy must be one that is believed.
        """
        start, _, rest = raw[:-4].partition(b"\r\n")
        known = self._endpoints.get(start)
        if known is None or len(raw) > self._limits.total:
            return None
        asked = self._read(*known, rest.split(b"\r\n"), rest)
        if asked is None:
            return None
        method, target, host, cookie = asked
        path = _TARGET.match(target)
        if path is None or b"//" in path[1] or b"/." in path[1] or method not in _METHODS:
            return None
        passed = self._judge(method, path[1], host, cookie, b"%b %b " % (method, target))
        if passed is None or not passed.terms.private:
            return None
        self._answered()
        return b"".join((self._opening, passed.identity, passed.cookie, b"\r\n"))

    def _read(
        self, endpoint: Endpoint, kinds: dict[bytes, int], lines: list[bytes], rest: bytes
    ) -> tuple[bytes, bytes, bytes, bytes | None] | None:
        """Method, target, host and cookie of the original request."""
        limits = self._limits
        if len(lines) > limits.count or not is_plain_block(rest, len(lines) - 1):
            return None
        found: list[bytes | None] = [None] * 5
        for line in lines:
            name, colon, value = line.partition(b": ")
            if not colon or line[-1] <= _SPACE or value[0] <= _SPACE or len(line) > limits.field:
                return None
            kind = kinds.get(name)
            if kind is None:
                kind = self._learn(endpoint, kinds, name)
            if kind == _PASS:
                continue
            if kind <= _OF_THE_QUESTION:
                if found[kind - 1] is not None:
                    return None
                found[kind - 1] = value
            elif kind == _HAND_OVER or value.lower() != b"keep-alive":
                return None
        method, target, host, cookie, own = found
        # The question's own Host is there once, as in every request (RFC 9112 3.2); what it says is no matter.
        if method is None or target is None or host is None or own is None or len(method) + len(target) + 10 > limits.line:
            return None
        return method, target, host, cookie

    def _learn(self, endpoint: Endpoint, kinds: dict[bytes, int], name: bytes) -> int:
        if not TOKEN.match(name):
            return _HAND_OVER
        lowered = name.lower()
        carriers = {endpoint.method: _METHOD, endpoint.target: _TARGET_FIELD, endpoint.host: _HOST}
        kind = carriers.get(lowered) or _SPECIAL.get(lowered, _PASS)
        if kind == _PASS and (lowered.startswith(b"sec-websocket-") or self._forged(lowered.decode("ascii"))):
            kind = _HAND_OVER
        if len(kinds) >= _MAX_NAMES:  # clients choose the names, so the table must have an end
            kinds.clear()
        kinds[name] = kind
        return kind
