"""`get_session` on the requests of each framework, and the middlewares in front of apps."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path
from wsgiref.util import setup_testing_defaults

import pytest
from aiohttp import web

from gateway.core.identity import User
from gateway.upstream import IdentityReader, Session, get_session
from gateway.upstream.aiohttp import SESSION, gateway_middleware
from gateway.upstream.asgi import GatewayMiddleware as AsgiMiddleware
from gateway.upstream.wsgi import GatewayMiddleware as WsgiMiddleware
from tests.upstream.test_reader import scope_of

CHECKOUT = Path(__file__).parents[2]
ADA = Session(user=User(id="ada", name="Ada L.", roles=("admin", "staff")))
LINES = {"X-Forwarded-User": "ada", "X-Forwarded-Preferred-Username": "Ada L.", "X-User-Roles": "admin,staff"}
REMOTE = IdentityReader(["remote"], {})


def environ_of(**further: str) -> dict[str, object]:
    """A WSGI environ with the lines of ADA."""
    environ: dict[str, object] = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in LINES.items()} | further
    setup_testing_defaults(environ)
    return environ | {"REMOTE_ADDR": "127.0.0.1"}


def test_a_scope_and_an_environ():
    assert get_session(scope_of(*LINES.items())) == ADA
    assert get_session(environ_of()) == ADA
    assert get_session(environ_of(), reader=REMOTE) is None


def test_the_requests_of_starlette():
    from starlette.requests import HTTPConnection, Request

    assert get_session(Request(scope_of(*LINES.items()))) == ADA
    assert get_session(HTTPConnection(scope_of(*LINES.items()))) == ADA


@pytest.mark.parametrize(
    "request_", [None, {}, "GET / HTTP/1.1", object(), {"type": "lifespan"}], ids=["none", "mapping", "text", "object", "lifespan"]
)
def test_what_is_no_request_is_a_type_error(request_):
    with pytest.raises(TypeError, match="no request"):
        get_session(request_)


def test_whoever_is_not_the_gateway_is_nobody_and_the_log_says_why(caplog):
    with caplog.at_level(logging.WARNING, "gateway.upstream"):
        assert get_session(scope_of(("X-Forwarded-User", "mallory"), ("X-Forwarded-User", "ada"))) is None
    (record,) = caplog.records
    assert "X-Forwarded-User came twice" in record.getMessage()
    assert "mallory" not in record.getMessage()


def test_it_loads_with_nothing_but_python():
    """An app does not have to install what the gateway itself needs."""
    code = (
        "import sys, gateway.upstream, gateway.upstream.asgi, gateway.upstream.wsgi; print(sorted({m.split('.')[0] for m in sys.modules}))"
    )
    told = subprocess.run([sys.executable, "-S", "-c", code], cwd=CHECKOUT, capture_output=True, text=True, timeout=60, check=True)
    assert not {"aiohttp", "pydantic", "click", "sqlalchemy", "jinja2", "django", "multidict", "yarl"} & set(eval(told.stdout))


class TestAsgi:
    async def ask(self, scope, *, required=False, **how):
        sent, seen = [], []

        async def app(scope, receive, send):
            seen.append(get_session(scope))

        async def receive():
            return {"type": "websocket.connect"}

        async def send(message):
            sent.append(message)

        await AsgiMiddleware(app, required=required, **how)(scope, receive, send)
        return seen, sent

    async def test_the_app_is_told_what_the_middlewares_reader_found(self):
        assert await self.ask(scope_of(*LINES.items())) == ([ADA], [])
        assert await self.ask(scope_of(*LINES.items()), reader=REMOTE) == ([None], [])
        assert await self.ask(scope_of(("Remote-User", "bob")), reader=REMOTE) == ([Session(user=User(id="bob"))], [])

    async def test_nobody_gets_a_401_where_somebody_is_required(self):
        seen, sent = await self.ask(scope_of(), required=True)
        assert (seen, sent[0]["status"], sent[1]["body"][:1]) == ([], 401, b"{")

    async def test_sockets_of_nobody_are_refused(self):
        scope = scope_of() | {"type": "websocket"}
        assert await self.ask(scope, required=True) == ([], [{"type": "websocket.close", "code": 1008}])
        assert await self.ask(scope) == ([None], [])

    async def test_the_start_of_the_server_is_none_of_its_business(self):
        called = []

        async def app(scope, receive, send):
            called.append(scope["type"])

        await AsgiMiddleware(app, required=True)({"type": "lifespan"}, None, None)
        assert called == ["lifespan"]


class TestWsgi:
    def ask(self, environ, **how):
        seen, answered = [], []

        def app(environ, start_response):
            seen.append((get_session(environ), environ.get("REMOTE_USER")))
            return []

        WsgiMiddleware(app, **how)(environ, lambda status, headers: answered.append(status))
        return seen, answered

    def test_the_app_is_told_twice(self):
        assert self.ask(environ_of()) == ([(ADA, "ada")], [])
        assert self.ask(environ_of(), reader=REMOTE) == ([(None, None)], [])

    def test_a_remote_user_of_somebody_else_does_not_stand(self):
        environ = {"REQUEST_METHOD": "GET", "REMOTE_USER": "mallory", "AUTH_TYPE": "Basic"}
        assert self.ask(environ) == ([(None, None)], [])

    def test_nobody_gets_a_401_where_somebody_is_required(self):
        assert self.ask({"REQUEST_METHOD": "GET"}, required=True) == ([], ["401 Unauthorized"])


class TestAiohttp:
    async def app(self, aiohttp_client, **how):
        async def who(request: web.Request) -> web.Response:
            session = request[SESSION]
            assert session == get_session(request)
            return web.Response(text=session.user.id if session else "nobody")

        app = web.Application(middlewares=[gateway_middleware(**how)])
        app.router.add_get("/", who)
        return await aiohttp_client(app)

    async def test_the_handler_is_told(self, aiohttp_client):
        client = await self.app(aiohttp_client)
        assert await (await client.get("/", headers=LINES)).text() == "ada"
        assert await (await client.get("/")).text() == "nobody"
        assert await (await client.get("/", headers=[*LINES.items(), ("X-Forwarded-User", "mallory")])).text() == "nobody"

    async def test_the_peer_is_that_of_the_socket(self, aiohttp_client):
        client = await self.app(aiohttp_client, reader=IdentityReader(trusted=["10.0.0.1"]))
        assert await (await client.get("/", headers=LINES | {"X-Forwarded-For": "10.0.0.1"})).text() == "nobody"
        client = await self.app(aiohttp_client, reader=IdentityReader(trusted=["127.0.0.1"]))
        assert await (await client.get("/", headers=LINES)).text() == "ada"

    async def test_nobody_gets_a_401_where_somebody_is_required(self, aiohttp_client):
        client = await self.app(aiohttp_client, required=True)
        answer = await client.get("/")
        assert (answer.status, (await answer.json())["error"]) == (401, "not-signed-in")
