"""The request that everybody is measured with: what a browser's script sends, a session, and a forged identity.

Rotating requests have a path of their own out of a thousand and a `traceparent` that never comes twice, so that no cache of whole requests
can help. `load.lua` says the same to wrk; a test holds the two together.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

BROWSER = (
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Accept: application/json, text/plain, */*",
    "Accept-Language: en-US,en;q=0.5",
    "Accept-Encoding: gzip, deflate, br",
    "Sec-Fetch-Dest: empty",
    "Sec-Fetch-Mode: cors",
    "Sec-Fetch-Site: same-origin",
)
FORGED = "X-Forwarded-User: mallory"
ASKED = "/.gateway/auth/caddy"
PATHS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What the requests of a run look like.

    Attributes:
        path: Where they go. Rotating ones add a segment.
        rotating: A path out of a thousand and a unique `traceparent` for each; otherwise the same bytes again, but for the cookie.
        areas: Spread the requests over `/area0` to `/area<areas - 1>`, evenly, in front of the path; 0 for none.
        fresh: A connection for each request.
        upload: Bytes of body; more than 0 makes them POST.
        asks: The question of a proxy about such a request, as Caddy asks, in its place; nothing is forged then.
    """

    path: str = "/app/items"
    rotating: bool = True
    areas: int = 0
    fresh: bool = False
    upload: int = 0
    asks: bool = False


def requests(port: int, cookies: Sequence[str], shape: Shape, run: int) -> Iterator[bytes]:
    """Requests without end; the sessions take turns. `run` tells the traces of one process from another's."""
    body = b"u" * shape.upload
    method = "POST" if shape.upload else "GET"
    common = "\r\n".join([f" HTTP/1.1\r\nHost: 127.0.0.1:{port}", *BROWSER, *([] if shape.asks else [FORGED])])
    common += "\r\nConnection: close" if shape.fresh else ""
    common += f"\r\nContent-Length: {shape.upload}" if shape.upload else ""
    for number, cookie in zip(itertools.count(1), itertools.cycle(cookies), strict=False):
        area = f"/area{(number % PATHS) * shape.areas // PATHS}" if shape.areas else ""
        item = f"/{number % PATHS}" if shape.rotating else ""
        trace = f"\r\ntraceparent: 00-4bf92f3577b34da6{run:08x}{number:08x}-00f067aa0ba902b7-01" if shape.rotating else ""
        target, about = f"{area}{shape.path}{item}", ""
        if shape.asks:
            about = f"\r\nX-Forwarded-Method: GET\r\nX-Forwarded-Uri: {target}\r\nX-Forwarded-Host: 127.0.0.1:{port}"
            target = ASKED
        yield f"{method} {target}{common}{about}\r\nCookie: theme=dark; {cookie}{trace}\r\n\r\n".encode("latin-1") + body
