"""The head of a proxied answer, for both lanes: an upstream's, with what it may say, and what shared caches are told."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gateway.proxy.heads import VIA_NAME, response_head, response_lines
from gateway.proxy.private import private_fields, private_lines
from gateway.proxy.upstream.head import UpstreamHead
from gateway.proxy.upstream.plain_head import PlainFields

_VIA = b"Via: 1.1 " + VIA_NAME.encode()


def answer_head(
    head: UpstreamHead,
    *,
    private: bool,
    owns_cookie: Callable[[str], bool],
    chunked: bool,
    keep_alive: bool,
    minor: int = 1,
    cookies: Iterable[str] = (),
) -> bytes:
    """Build the head.

    Args:
        private: The answer was made for one person.
        owns_cookie: Says of a cookie's name whether it is ours: no upstream may set it (promise 22).
        chunked: The body follows in chunks.
        keep_alive: The connection goes on after this answer.
        minor: The minor version that the client speaks.
        cookies: Set-Cookie values of ours.

    Raises:
        ValueError: Something in it could be read as more than it is; nothing may be sent then.
    """
    if head.plain is not None and private and minor == 1 and not cookies:
        return _render_plain(head.plain, chunked=chunked, keep_alive=keep_alive)
    lines = response_lines(head, owns_cookie=owns_cookie)
    if private:
        lines = private_lines(lines)
    lines += [(b"Set-Cookie", line.encode("latin-1")) for line in cookies]
    return response_head(head, lines, chunked=chunked, keep_alive=keep_alive, minor=minor)


def known_answer_head(head: UpstreamHead, *, private: bool, keep_alive: bool) -> bytes:
    """The same for a head that is remembered (`KnownHeads`), which is plain and has a length; made once."""
    known = head.rendered
    assert known is not None
    rendered = known.get(private) if keep_alive else None
    if rendered is None:
        rendered = answer_head(head, private=private, owns_cookie=lambda _: False, chunked=False, keep_alive=keep_alive)
        if keep_alive:
            known[private] = rendered
    return rendered


def _render_plain(plain: PlainFields, *, chunked: bool, keep_alive: bool) -> bytes:
    """What `response_lines`, `private_lines` and `response_head` make of a plain head, in fewer steps; a test holds that."""
    lines = [plain.start, *plain.passing, _VIA, *private_fields(plain.cache_control, plain.vary)]
    if chunked:
        lines.append(b"Transfer-Encoding: chunked")
    if not keep_alive:
        lines.append(b"Connection: close")
    return b"\r\n".join(lines) + b"\r\n\r\n"
