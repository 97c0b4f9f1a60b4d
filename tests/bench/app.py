"""The app behind the gateway in the benches: bodies of any size, events with the time they were sent, sockets. argv: PORT."""

from __future__ import annotations

import asyncio
import sys
import time

from aiohttp import WSMsgType, web

BLOCK = bytes(range(256)) * 1024
SMALL = b"x" * 1024


async def download(request: web.Request) -> web.StreamResponse:
    """So many bytes."""
    size = int(request.query["bytes"])
    response = web.StreamResponse(headers={"Content-Length": str(size)})
    await response.prepare(request)
    for _ in range(size // len(BLOCK)):
        await response.write(BLOCK)
    await response.write(BLOCK[: size % len(BLOCK)])
    return response


async def upload(request: web.Request) -> web.Response:
    """Count what comes."""
    size = 0
    async for piece in request.content.iter_any():
        size += len(piece)
    return web.json_response({"bytes": size})


async def events(request: web.Request) -> web.StreamResponse:
    """One event every so often; each says when it was sent, on the clock that all processes of a machine share."""
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    for _ in range(int(request.query["count"])):
        await response.write(f"data: {time.monotonic_ns()}\n\n".encode())
        await asyncio.sleep(float(request.query["pause"]))
    return response


async def socket(request: web.Request) -> web.WebSocketResponse:
    """Echo."""
    answer = web.WebSocketResponse(autoping=True)
    await answer.prepare(request)
    async for message in answer:
        if message.type is WSMsgType.TEXT:
            await answer.send_str(message.data)
    return answer


async def slow(request: web.Request) -> web.Response:
    """One KiB, after a while."""
    await asyncio.sleep(float(request.query["after"]))
    return web.Response(body=SMALL, content_type="application/octet-stream")


async def small(request: web.Request) -> web.Response:
    """One KiB."""
    return web.Response(body=SMALL, content_type="application/octet-stream")


def main() -> None:
    """Serve until the end."""
    app = web.Application()
    app.router.add_get("/app/download", download)
    app.router.add_post("/app/upload", upload)
    app.router.add_get("/app/events", events)
    app.router.add_get("/app/socket", socket)
    app.router.add_get("/app/slow", slow)
    app.router.add_get("/{anything:.*}", small)
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None, keepalive_timeout=3600)


if __name__ == "__main__":
    main()
