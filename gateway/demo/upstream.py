"""An app without a line of sign-in code: every page shows what the gateway told it about the request and who makes it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from datetime import UTC, datetime

from aiohttp import WSCloseCode, WSMsgType, web

from gateway.demo.page import Page
from gateway.demo.told import told_of

MAX_SHOWN = 1024 * 1024  # bytes of a body that are counted; the rest is not read
_STOPPING = web.AppKey("stopping", asyncio.Event)


def build_upstream(identity: Iterable[str]) -> web.Application:
    """The demo app.

    Args:
        identity: The names of the headers that say who it is, as `[headers]` configures them.
    """
    names = tuple(identity)
    page = Page()

    async def show(request: web.Request) -> web.StreamResponse:
        size = await _size_of(request)
        told = told_of(request.method, request.raw_path, request.headers.items(), names, body_bytes=size)
        if _prefers_json(request.headers.get("Accept", "")):
            return web.json_response(told.as_json())
        return web.Response(text=page.render(told), content_type="text/html", headers=page.headers)

    app = web.Application()
    app[_STOPPING] = asyncio.Event()
    app.on_shutdown.append(_stop)
    app.router.add_get("/live/clock", _clock)
    app.router.add_get("/live/echo", _echo)
    app.router.add_route("*", "/{anything:.*}", show)
    return app


async def _size_of(request: web.Request) -> int:
    size = 0
    async for chunk in request.content.iter_chunked(64 * 1024):
        size += len(chunk)
        if size > MAX_SHOWN:
            break
    return size


def _prefers_json(accept: str) -> bool:
    return "application/json" in accept and "text/html" not in accept


def end_streams(app: web.Application) -> None:
    """End the clocks and sockets, which would otherwise outlast the patience of a gateway that drains."""
    app[_STOPPING].set()


async def _stop(app: web.Application) -> None:
    end_streams(app)


async def _clock(request: web.Request) -> web.StreamResponse:
    """Server-Sent Events: the time, once a second."""
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
    await response.prepare(request)
    stopping = request.app[_STOPPING]
    while not stopping.is_set():
        try:
            await response.write(f"data: {datetime.now(UTC):%H:%M:%S} UTC\n\n".encode())
        except ConnectionError:
            break
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1):
                await stopping.wait()
    return response


async def _echo(request: web.Request) -> web.StreamResponse:
    """A WebSocket that sends back what it gets."""
    socket = web.WebSocketResponse(max_msg_size=64 * 1024)
    if not socket.can_prepare(request):
        return web.Response(status=426, text="This address speaks WebSocket only.\n", headers={"Upgrade": "websocket"})
    await socket.prepare(request)
    closing = asyncio.create_task(_close_when(request.app[_STOPPING], socket))
    try:
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                await socket.send_str(message.data)
            elif message.type is WSMsgType.BINARY:
                await socket.send_bytes(message.data)
    finally:
        closing.cancel()
    return socket


async def _close_when(stopping: asyncio.Event, socket: web.WebSocketResponse) -> None:
    await stopping.wait()
    await socket.close(code=WSCloseCode.GOING_AWAY)
