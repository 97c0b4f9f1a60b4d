"""For WSGI apps: Flask, Bottle, Pyramid, and whatever else is called with an environ."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from gateway.upstream import answers
from gateway.upstream.lookup import session_of, usual_reader
from gateway.upstream.reader import IdentityReader
from gateway.upstream.request_view import KEY, view_of

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment


class GatewayMiddleware:
    """Looks once who is signed in, so that `get_session(environ)` knows it, and says it in `REMOTE_USER`, which many apps read.

    Args:
        app: The app.
        reader: Which headers to read. Default: the usual ones.
        required: Answer 401 where nobody is.
    """

    def __init__(self, app: WSGIApplication, *, reader: IdentityReader | None = None, required: bool = False) -> None:
        self._app = app
        self._reader = reader or usual_reader()
        self._required = required

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Pass a request on, with what is known."""
        session = session_of(view_of(environ), self._reader)
        if session is None and self._required:
            start_response(f"{answers.STATUS} Unauthorized", list(answers.FIELDS))
            return [answers.BODY]
        known = {name: value for name, value in environ.items() if name not in ("REMOTE_USER", "AUTH_TYPE")}
        known[KEY] = session
        if session is not None:
            known["REMOTE_USER"] = session.user.id
        return self._app(known, start_response)
