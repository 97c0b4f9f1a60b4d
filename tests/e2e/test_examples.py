"""The FastAPI and the Django example run as their files say. The page of plain HTML is in test_browser_client.py, Next.js in tests/interop/nextjs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from click.testing import CliRunner

from gateway.cli.main import gateway as command
from tests.e2e.app_process import CHECKOUT, running
from tests.example_process import EXAMPLES, copied, gateway_of, sign_in
from tests.gateway_process import GatewayProcess
from tests.servers import free_port
from tests.wire import Answer

pytestmark = pytest.mark.e2e
FORGED = ["X-Forwarded-User: mallory", "X-User-Roles: editor,admin", "X_User_Roles: editor,admin"]


@pytest.mark.parametrize("name", ["html", "fastapi", "django", "nextjs", "radicale", "jupyterhub", "jwks"])
def test_gateway_check_has_nothing_to_say_about_it(name: str) -> None:
    told = CliRunner().invoke(command, ["check", "-c", str(EXAMPLES / name / "gateway.toml")])
    assert told.exit_code == 0, told.output
    assert "no problems" in told.output


@pytest.fixture(scope="module")
def fastapi(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """The gateway in front of uvicorn."""
    app_port, port = free_port(), free_port()
    example = copied("fastapi", tmp_path_factory.mktemp("fastapi"), app_port=app_port, port=port)
    uvicorn = [sys.executable, "-m", "uvicorn", "app:app", "--port", str(app_port), "--no-proxy-headers"]
    with running(uvicorn, port=app_port, log=example / "log", cwd=example):
        front = gateway_of(example, port=port)
        try:
            yield front
        finally:
            assert front.stop() == 0


@pytest.fixture(scope="module")
def django(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """The gateway in front of Django's own server."""
    app_port, port = free_port(), free_port()
    example = copied("django", tmp_path_factory.mktemp("django"), app_port=app_port, port=port)
    manage = [sys.executable, "manage.py"]
    env = os.environ | {"PYTHONPATH": str(CHECKOUT)}
    subprocess.run([*manage, "migrate", "-v0"], cwd=example, env=env, check=True, timeout=60)
    with running([*manage, "runserver", "--noreload", f"127.0.0.1:{app_port}"], port=app_port, log=example / "log", cwd=example):
        front = gateway_of(example, port=port)
        try:
            yield front
        finally:
            assert front.stop() == 0


def told(answer: Answer) -> object:
    assert answer.status == 200, answer
    return json.loads(answer.body)


def test_fastapi_knows_who_asks(fastapi: GatewayProcess) -> None:
    cookie = f"Cookie: {sign_in(fastapi)}"
    assert told(fastapi.get("/", cookie)) == {"hello": "Ada Lovelace"}
    ada = {"id": "ada", "email": "ada@example.com", "roles": ["admin", "editor"], "groups": ["staff", "finance"]}
    assert told(fastapi.get("/api/me", cookie, *FORGED)) == ada
    assert told(fastapi.get("/api/orders", cookie, method="POST")) == {"ordered_by": "ada"}


def test_fastapi_believes_no_stranger(fastapi: GatewayProcess) -> None:
    assert told(fastapi.get("/", *FORGED)) == {"hello": "stranger"}
    answer = fastapi.get("/api/me", *FORGED)
    assert (answer.status, answer.reason) == (401, "session-missing")


def test_django_takes_its_users_from_the_gateway(django: GatewayProcess) -> None:
    cookie = f"Cookie: {sign_in(django)}"
    assert told(django.get("/", cookie, *FORGED)) == {"user": "ada", "roles": ["admin", "editor"]}
    page = django.get("/admin/", cookie, "Accept: text/html")
    assert page.status == 200
    assert b"Site administration" in page.body
    assert b"Ada Lovelace" in page.body  # what the backend took over
    assert django.get("/", *FORGED).status == 302
