"""For apps on aiohttp."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import cast

from aiohttp import web

from gateway.upstream import answers
from gateway.upstream.lookup import get_session, usual_reader
from gateway.upstream.reader import IdentityReader
from gateway.upstream.request_view import KEYS
from gateway.upstream.session import Session

#: `request[SESSION]` is the session, or None for nobody.
SESSION = web.RequestKey("gateway_session", cast("type[Session | None]", Session))
KEYS.append(SESSION)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def gateway_middleware(
    *, reader: IdentityReader | None = None, required: bool = False
) -> Callable[[web.Request, Handler], Awaitable[web.StreamResponse]]:
    """A middleware that looks once who is signed in: `web.Application(middlewares=[gateway_middleware()])`.

    Args:
        reader: Which headers to read. Default: the usual ones.
        required: Answer 401 where nobody is.
    """
    chosen = reader or usual_reader()

    @web.middleware
    async def look(request: web.Request, handler: Handler) -> web.StreamResponse:
        session = get_session(request, reader=chosen)
        if session is None and required:
            return web.Response(status=answers.STATUS, body=answers.BODY, headers=dict(answers.FIELDS))
        request[SESSION] = session
        return await handler(request)

    return look
