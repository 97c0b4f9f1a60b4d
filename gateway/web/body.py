"""The body of a request on its way to an upstream: invited late, counted, and never waited for without end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import cast

from aiohttp import web

from gateway.core.errors import ClientGone
from gateway.core.reason import Reason
from gateway.proxy.client.connection import ClientConnection
from gateway.proxy.client.head import Refusal
from gateway.proxy.client.transport import ClientTransport


class BodyRefused(Exception):
    """The body of the request being served can't be taken: malformed, too large or too slow."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.reason)
        self.refusal = refusal


def connection_of(request: web.BaseRequest) -> ClientConnection:
    """The client connection that a request came on.

    Raises:
        ClientGone: It is closed.
    """
    if request.transport is None:
        raise ClientGone("the client closed the connection")
    return cast(ClientTransport, request.transport).connection


async def pieces(request: web.BaseRequest, *, limit: int, idle_s: float, invite: bool) -> AsyncIterator[bytes]:
    """Read the body piece by piece.

    Args:
        limit: Bytes in all; 0 means no limit.
        idle_s: Seconds that may pass between two pieces.
        invite: Send `100 Continue` first: the client waits for it (RFC 9110 10.1.1). Asked for only once the upstream is ready.

    Raises:
        BodyRefused: Too large, too slow, or malformed.
        ClientGone: The client left before the end.
    """
    if invite and request.transport is not None:
        request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    taken = 0
    content = request.content
    while True:
        try:
            async with asyncio.timeout(idle_s):
                piece = await content.readany()
        except TimeoutError as error:
            raise BodyRefused(Refusal(Reason.REQUEST_TIMED_OUT, 408)) from error
        except (ConnectionError, web.RequestPayloadError) as error:
            raise ClientGone("the client left in the middle of the body") from error
        if not piece:
            return
        taken += len(piece)
        if limit and taken > limit:
            raise BodyRefused(Refusal(Reason.REQUEST_BODY_TOO_LARGE, 413))
        yield piece
