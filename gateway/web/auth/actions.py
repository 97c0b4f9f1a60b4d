"""Which path and method under `/api/auth/` is which action. Paths are exact, as they came (promise 27); anything else is unknown."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from aiohttp import web

from gateway.core.reason import Reason
from gateway.web.auth.attempts import Attempts
from gateway.web.auth.callback import Callback
from gateway.web.auth.client_api import csrf, providers, take_report
from gateway.web.auth.client_module import client_module
from gateway.web.auth.error_page import error
from gateway.web.auth.kept_form import offer
from gateway.web.auth.session_api import session, update
from gateway.web.auth.sessions_page import end_sessions, sessions_page
from gateway.web.auth.sign_in import sign_in_elsewhere
from gateway.web.auth.sign_in_page import SignInPage
from gateway.web.auth.sign_out import sign_out, sign_out_page
from gateway.web.auth.visit import Visit
from gateway.web.flows.live import live
from gateway.web.flows.pages import inspector, why
from gateway.web.flows.recording import trace_of
from gateway.web.pages import error_page
from gateway.web.state import FACTS, GATEWAY

BASE = "/api/auth"
Action = Callable[[web.Request, Visit], Awaitable[web.StreamResponse]]
Methods = Mapping[str, Action]


def routes(*, attempts: Attempts | None = None, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> list[web.RouteDef]:
    """Everything under `/api/auth`, for one application: each has its own memory of failed attempts.

    Args:
        attempts: That memory.
        sleep: Waits a number of seconds.
    """
    sign_in_page = SignInPage()
    exact: Mapping[str, Methods] = {
        "signin": {"GET": sign_in_page},
        "signout": {"GET": sign_out_page, "POST": sign_out},
        "csrf": {"GET": csrf},
        "providers": {"GET": providers},
        "session": {"GET": session, "POST": update},
        "error": {"GET": error},
        "kept-form": {"GET": offer},
        "sessions": {"GET": sessions_page, "POST": end_sessions},
        "client.js": {"GET": client_module},
        "why": {"GET": why},
        "inspector": {"GET": inspector},
        "inspector/live": {"GET": live},
    }
    with_id: Mapping[str, Methods] = {
        "signin": {"GET": sign_in_page, "POST": sign_in_elsewhere},
        "callback": {"POST": Callback(attempts or Attempts(), sleep=sleep)},
        "inspector": {"GET": inspector},
    }
    reports: Methods = {"POST": take_report}

    async def handle(request: web.Request) -> web.StreamResponse:
        name = request[FACTS].target.path.removeprefix(f"{BASE}/")
        methods = exact.get(name)
        if methods is None and name.count("/") == 1 and not name.endswith("/"):
            methods = with_id.get(name.partition("/")[0])
        if name == "_log" and request[GATEWAY].sessions.flavour.takes_reports:
            methods = reports
        if methods is None:
            return error_page(request, Reason.ACTION_UNKNOWN, 404)
        action = methods.get("GET" if request.method == "HEAD" else request.method)
        if action is None:
            allowed = [*(["GET", "HEAD"] if "GET" in methods else []), *(method for method in methods if method != "GET")]
            return error_page(request, Reason.METHOD_REFUSED, 405, headers={"Allow": ", ".join(allowed)})
        visit = Visit.of(request)
        if (trace := trace_of(visit, name)) is not None:
            visit = replace(visit, trace=trace)
        try:
            response = await action(request, visit)
        except Exception as error:
            visit.trace.broke(error)
            raise
        for line in visit.lines:
            response.headers.add("Set-Cookie", line)
        visit.trace.answered(response, visit.fields)
        return response

    # aiohttp would invite a body before any handler is asked; `posted` does it once the head was found good (promise 13).
    return [web.route("*", path, handle, expect_handler=_invite_nobody) for path in (BASE, f"{BASE}/{{action:.*}}")]


async def _invite_nobody(request: web.Request) -> None:
    """Send nothing yet."""
