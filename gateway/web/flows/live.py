"""`GET inspector/live`: Server-Sent Events that say that something happened, and nothing else. The page then asks for itself anew.

A stream ends with the session that opened it, with the role, when the process drains, and after a while in any case: browsers come back.
"""

from __future__ import annotations

import asyncio
import contextlib

from aiohttp import web

from gateway.core.identity import Session
from gateway.core.reason import Reason
from gateway.web.auth.visit import Visit
from gateway.web.flows.access import refusal
from gateway.web.pages import error_page
from gateway.web.security_headers import security_headers
from gateway.web.state import CURRENT

#: Seconds between two looks at whether the session still may, and in all.
LOOK_S, LIFE_S = 10.0, 300.0
#: What is told in a storm of sign-ins: not each of them.
_PAUSE_S = 0.2


async def live(request: web.Request, visit: Visit) -> web.StreamResponse:
    """The stream."""
    refused = refusal(visit)
    if refused is not None:
        return error_page(request, *refused, as_data=True)
    lines = security_headers(https=visit.gateway.policy.hosts.scheme == "https") | {"X-Accel-Buffering": "no"}
    if request.method == "HEAD":
        return web.Response(headers=lines, content_type="text/event-stream")
    watcher = visit.gateway.flows.watch()
    if watcher is None:
        return error_page(request, Reason.TOO_MANY_CONNECTIONS, 503, headers={"Retry-After": "30"}, as_data=True)
    response = web.StreamResponse(headers=lines | {"Content-Type": "text/event-stream", "X-Gateway-Reason": Reason.OWN_ENDPOINT})
    response.force_close()
    try:
        await response.prepare(request)
        await response.write(b"retry: 2000\nevent: hello\ndata: 1\n\n")
        loop = asyncio.get_running_loop()
        end = loop.time() + LIFE_S
        while loop.time() < end and not watcher.gone:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):  # wait_for of Python 3.11 could lose a cancellation
                    await watcher.changed.wait()
            if not _may_still(request, visit):
                await response.write(b"event: ended\ndata: 1\n\n")
                break
            await response.write(b"event: changed\ndata: 1\n\n" if watcher.changed.is_set() else b": still here\n\n")
            watcher.changed.clear()
            if not watcher.gone:
                await asyncio.sleep(_PAUSE_S)
        await response.write_eof()
    except ConnectionError:
        pass  # the page was closed
    finally:
        visit.gateway.flows.unwatch(watcher)
    return response


def _may_still(request: web.Request, visit: Visit) -> bool:
    """Asked of the gateway of now: it may have been given other settings, and somebody may have signed out."""
    gateway = request.app[CURRENT].gateway
    settings, held = gateway.settings.inspector, gateway.storage.held_in(visit.cookies)
    return settings.enabled and isinstance(held, Session) and ("*" in settings.roles or bool(set(settings.roles) & set(held.user.roles)))
