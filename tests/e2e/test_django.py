"""A Django project with RemoteUserMiddleware behind the gateway: signed in by a header alone, which nobody else can send."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.app_process import CHECKOUT, running
from tests.gateway_process import ROUTES, GatewayProcess, configuration
from tests.servers import free_port

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """A gateway in front of Django's own server."""
    folder: Path = tmp_path_factory.mktemp("django")
    env = {
        "DJANGO_SETTINGS_MODULE": "tests.e2e.django_app.settings",
        "DJANGO_APP_DATABASE": str(folder / "db.sqlite3"),
        "DJANGO_SUPERUSER_PASSWORD": "never-used",
        "PYTHONPATH": str(CHECKOUT),
    }
    django = [sys.executable, "-m", "django"]
    subprocess.run([*django, "migrate", "-v0"], env=os.environ | env, check=True, timeout=60)
    create = [*django, "createsuperuser", "--noinput", "--username", "ada", "--email", "ada@example.com"]
    subprocess.run(create, env=os.environ | env, check=True, timeout=60, stdout=subprocess.DEVNULL)
    port = free_port()
    with running([*django, "runserver", "--noreload", f"127.0.0.1:{port}"], port=port, log=folder / "log", env=env):
        front = GatewayProcess(folder / "gateway", configuration({"app": port, "other": port}, routes=ROUTES))
        try:
            yield front
        finally:
            assert front.stop() == 0


def whoami(gateway: GatewayProcess, *headers: str, path: str = "/private/whoami") -> dict[str, object]:
    answer = gateway.get(path, *headers)
    assert answer.status == 200, answer
    told: dict[str, object] = json.loads(answer.body)
    return told


@pytest.mark.parametrize(("name", "superuser"), [("ada", True), ("bob", False)])
def test_django_knows_who_signed_in_at_the_gateway(name: str, superuser: bool, gateway: GatewayProcess) -> None:
    assert whoami(gateway, f"Cookie: {gateway.sign_in(name)}") == {"user": name, "superuser": superuser, "address": "127.0.0.1"}


def test_django_never_sees_the_anonymous(gateway: GatewayProcess) -> None:
    assert gateway.get("/private/whoami", "X-Forwarded-User: ada").status == 302


SPOOFS = [
    "X-Forwarded-User",
    "x-forwarded-user",
    "X_Forwarded_User",
    "X-Forwarded_User",
    "Remote-User",
    "REMOTE_USER",
    "X.Forwarded.User",
    "HTTP_X_FORWARDED_USER",
]


@pytest.mark.parametrize("header", SPOOFS)
def test_nobody_becomes_ada_by_a_header(header: str, gateway: GatewayProcess) -> None:
    assert whoami(gateway, f"{header}: ada", path="/public/whoami")["user"] == ""
    bob = gateway.sign_in("bob")
    assert whoami(gateway, f"Cookie: {bob}", f"{header}: ada", f"Connection: {header}")["user"] == "bob"


def test_the_session_that_django_keeps_does_not_outlive_the_gateways(gateway: GatewayProcess) -> None:
    """Django sets a session cookie of its own; the stock middleware drops it as soon as the header is gone or names another."""
    answer = gateway.get("/private/whoami", f"Cookie: {gateway.sign_in('ada')}")
    django = next(line.partition(";")[0] for line in answer.all("set-cookie") if line.startswith("sessionid="))
    assert whoami(gateway, f"Cookie: {django}", path="/public/whoami")["user"] == ""
    assert whoami(gateway, f"Cookie: {gateway.sign_in('bob')}; {django}")["user"] == "bob"


def test_forms_under_djangos_own_csrf_protection_work(gateway: GatewayProcess) -> None:
    cookie = gateway.sign_in("ada")
    asked = gateway.get("/private/form", f"Cookie: {cookie}")
    token = json.loads(asked.body)["token"]
    own = "; ".join(line.partition(";")[0] for line in asked.all("set-cookie"))
    body = f"csrfmiddlewaretoken={token}&text=gr%C3%BC%C3%9Fe".encode()
    headers = [f"Cookie: {cookie}; {own}", "Content-Type: application/x-www-form-urlencoded", f"Origin: {gateway.origin}"]
    answer = gateway.get("/private/form", *headers, method="POST", body=body)
    assert answer.status == 200, answer
    assert json.loads(answer.body) == {"user": "ada", "posted": "grüße"}


def test_djangos_admin_site_opens_without_a_second_sign_in(gateway: GatewayProcess) -> None:
    answer = gateway.get("/admin/", f"Cookie: {gateway.sign_in('ada')}", "Accept: text/html")
    assert answer.status == 200
    assert b"Site administration" in answer.body
    assert gateway.get("/admin/", f"Cookie: {gateway.sign_in('bob')}").reason == "role-missing"
