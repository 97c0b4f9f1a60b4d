"""For ASGI apps: Starlette, FastAPI, Litestar, Quart, and whatever else is called with a scope."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from gateway.upstream import answers
from gateway.upstream.lookup import session_of, usual_reader
from gateway.upstream.reader import IdentityReader
from gateway.upstream.request_view import KEY, view_of

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class GatewayMiddleware:
    """Looks once who is signed in, so that `get_session(request)` knows it, for requests and WebSockets.

    Args:
        app: The app.
        reader: Which headers to read. Default: the usual ones.
        required: Answer 401 where nobody is; WebSockets are refused.
    """

    def __init__(self, app: App, *, reader: IdentityReader | None = None, required: bool = False) -> None:
        self._app = app
        self._reader = reader or usual_reader()
        self._required = required

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, with what is known."""
        if scope["type"] not in ("http", "websocket"):
            return await self._app(scope, receive, send)
        session = session_of(view_of(scope), self._reader)
        if session is None and self._required:
            return await _refuse(scope, receive, send)
        return await self._app({**scope, KEY: session}, receive, send)


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()  # the handshake; closing before it is accepted is a 403 (ASGI, WebSocket close)
        await send({"type": "websocket.close", "code": 1008})
        return
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in answers.FIELDS]
    await send({"type": "http.response.start", "status": answers.STATUS, "headers": headers})
    await send({"type": "http.response.body", "body": answers.BODY})
