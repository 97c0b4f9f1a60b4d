"""What one writes in an afternoon, to compare with: aiohttp in front, aiohttp's client behind, aiohttp-session between. argv: PORT APP_PORT."""

from __future__ import annotations

import sys

from aiohttp import ClientSession, DummyCookieJar, web
from aiohttp_session import get_session, new_session, setup
from aiohttp_session.cookie_storage import EncryptedCookieStorage

CLIENT = web.AppKey("client", ClientSession)
ONE_HOP = {"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "content-encoding", "content-length"}


async def enter(request: web.Request) -> web.Response:
    """Everybody is ADA."""
    session = await new_session(request)
    session["user"] = "ada"
    return web.Response()


async def proxy(request: web.Request) -> web.StreamResponse:
    """Pass the request on."""
    session = await get_session(request)
    if "user" not in session:
        raise web.HTTPFound("/enter")
    headers = {
        name: value
        for name, value in request.headers.items()
        if name.lower() not in ONE_HOP and not name.lower().startswith("x-forwarded-")
    }
    headers["X-Forwarded-User"] = session["user"]
    headers["X-Forwarded-Email"] = f"{session['user']}@example.com"
    url = f"http://127.0.0.1:{sys.argv[2]}{request.rel_url}"
    async with request.app[CLIENT].request(
        request.method, url, headers=headers, data=request.content if request.can_read_body else None, allow_redirects=False
    ) as got:
        answer = web.StreamResponse(status=got.status, headers={k: v for k, v in got.headers.items() if k.lower() not in ONE_HOP})
        await answer.prepare(request)
        async for piece in got.content.iter_any():
            await answer.write(piece)
        await answer.write_eof()
        return answer


async def client(app: web.Application):
    """The client lives as long as the app."""
    async with ClientSession(cookie_jar=DummyCookieJar()) as session:
        app[CLIENT] = session
        yield


def main() -> None:
    """Serve until the end."""
    app = web.Application(client_max_size=1 << 30)
    setup(app, EncryptedCookieStorage(b"0123456789abcdef0123456789abcdef", cookie_name="session"))
    app.router.add_get("/enter", enter)
    app.router.add_route("*", "/{anything:.*}", proxy)
    app.cleanup_ctx.append(client)
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None, backlog=16384, keepalive_timeout=3600)


if __name__ == "__main__":
    main()
