"""`get_session`: the question that apps ask."""

from __future__ import annotations

import logging
from functools import cache

from gateway.upstream.reader import IdentityReader
from gateway.upstream.request_view import KEYS, RequestView, view_of
from gateway.upstream.session import IdentityRefused, Session

log = logging.getLogger(__name__)


def get_session(request: object, *, reader: IdentityReader | None = None) -> Session | None:
    """Who is signed in; None for nobody, and for whoever says so without being the gateway (the log tells why).

    Args:
        request: An ASGI scope, a WSGI environ, or a request of Starlette, FastAPI, Django, Flask or aiohttp.
        reader: Which headers to read. Default: what the middleware found, if there is one; else the usual ones.

    Raises:
        TypeError: It is no request.
    """
    view = view_of(request)
    notes = view.notes or {}
    key = next((key for key in KEYS if key in notes), None) if reader is None else None
    if key is not None:
        noted = notes[key]
        return noted if isinstance(noted, Session) else None
    return session_of(view, reader or usual_reader())


def session_of(view: RequestView, reader: IdentityReader) -> Session | None:
    """As `get_session`, of what was made of a request."""
    try:
        return reader.read_view(view)
    except IdentityRefused as error:
        log.warning("a request is taken for nobody's: %s", error)
        return None


@cache
def usual_reader() -> IdentityReader:
    """The preset x-forwarded, X-User-Id and X-User-Roles: what `gateway init` writes."""
    return IdentityReader()
