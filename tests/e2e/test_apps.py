"""Apps that nobody here wrote, each signed in to by what its own documentation says, with the files of config/examples."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.e2e.app_process import running
from tests.e2e.installed_apps import environment_of
from tests.example_process import PASSWORD, copied, gateway_of, sign_in
from tests.gateway_process import GatewayProcess
from tests.servers import free_port

#: The first run installs them.
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]
EVENT = (
    b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//y//EN\r\nBEGIN:VEVENT\r\nUID:tea\r\nDTSTAMP:20261126T100000Z\r\n"
    b"DTSTART:20261126T100000Z\r\nSUMMARY:Tea\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)
FORGED = ("X-Remote-User: bob", "X_Remote_User: bob", "X-REMOTE-USER: bob", "Remote-User: bob")


def basic(name: str, password: str = PASSWORD) -> str:
    return f"Authorization: Basic {base64.b64encode(f'{name}:{password}'.encode()).decode()}"


def with_ports(example: Path, name: str, ports: Mapping[str, int]) -> Path:
    """The app's own file, with this machine's ports."""
    text = (example / name).read_text("utf-8")
    for there, here in ports.items():
        assert f":{there}" in text or f" {there}" in text, there
        text = text.replace(f":{there}", f":{here}").replace(f"= {there}", f"= {here}")
    (example / name).write_text(text, "utf-8")
    return example / name


def example_of(name: str, folder: Path) -> tuple[Path, int, int]:
    """A copy of an example, with BOB among its users."""
    app_port, port = free_port(), free_port()
    example = copied(name, folder, app_port=app_port, port=port)
    users = (folder / "users.toml").read_text("utf-8")
    (folder / "users.toml").write_text(
        users + users[users.index("[users.ada]") :].replace("[users.ada]", "[users.bob]").replace("ada@", "bob@")
    )
    return example, app_port, port


@pytest.fixture(scope="module")
def radicale(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    programs = environment_of("radicale")
    example, app_port, port = example_of("radicale", tmp_path_factory.mktemp("radicale"))
    config = with_ports(example, "config", {"3000": app_port})
    with running([str(programs / "python"), "-m", "radicale", "--config", str(config)], port=app_port, log=example / "log", cwd=example):
        front = gateway_of(example, port=port)
        try:
            yield front
        finally:
            assert front.stop() == 0


def test_a_calendar_app_signs_in_to_radicale_with_name_and_password(radicale: GatewayProcess) -> None:
    """As a CalDAV client does: asked for Basic, it sends it, makes a calendar, puts an event in it and reads it again."""
    asked = radicale.get("/ada/", method="PROPFIND")
    assert (asked.status, asked.all("www-authenticate")) == (401, [f'Basic realm="{radicale.host}", charset="UTF-8"'])
    assert b"current-user-principal" in radicale.get("/ada/", basic("ada"), method="PROPFIND").body
    assert radicale.get("/ada/work/", basic("ada"), method="MKCALENDAR").status == 201
    put = radicale.get("/ada/work/tea.ics", basic("ada"), "Content-Type: text/calendar", method="PUT", body=EVENT)
    assert put.status == 201, put
    for line in (basic("ada"), f"Cookie: {sign_in(radicale)}"):
        got = radicale.get("/ada/work/tea.ics", line)
        assert (got.status, b"SUMMARY:Tea" in got.body) == (200, True), got
    assert radicale.get("/ada/work/tea.ics", basic("ada", "wrong")).reason == "credentials-wrong"


def test_radicale_gives_nobody_the_calendar_of_another(radicale: GatewayProcess) -> None:
    assert radicale.get("/ada/", basic("bob"), method="PROPFIND").status == 403
    for header in FORGED:
        assert radicale.get("/bob/", basic("ada"), header, method="PROPFIND").status == 403, header
        assert radicale.get("/bob/", header, method="PROPFIND").status == 401


@pytest.fixture(scope="module")
def jupyterhub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    programs = environment_of("jupyterhub")
    example, app_port, port = example_of("jupyterhub", tmp_path_factory.mktemp("jupyterhub"))
    config = with_ports(example, "jupyterhub_config.py", {"3000": app_port, "8081": free_port(), "8001": free_port()})
    command = [str(programs / "python"), "-m", "jupyterhub", "-f", str(config)]
    path = {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": ""}
    with running(command, port=app_port, log=example / "log", cwd=example, ready="/hub/health", env=path):
        front = gateway_of(example, port=port)
        try:
            yield front
        finally:
            assert front.stop() == 0


@pytest.mark.parametrize("name", ["ada", "bob"])
def test_jupyterhub_knows_who_signed_in_at_the_gateway(name: str, jupyterhub: GatewayProcess) -> None:
    cookie = sign_in(jupyterhub, name)
    forged = [line for line in FORGED if name != "bob"]
    login = jupyterhub.get("/hub/login?next=%2Fhub%2Fhome", f"Cookie: {cookie}", *forged, "Accept: text/html", "Sec-Fetch-Mode: navigate")
    assert (login.status, login.one("location")) == (302, "/hub/home"), login
    hubs = "; ".join(line.partition(";")[0] for line in login.all("set-cookie"))
    home = jupyterhub.get("/hub/home", f"Cookie: {cookie}; {hubs}", "Accept: text/html", "Sec-Fetch-Mode: navigate")
    assert home.status == 200, home
    assert f'user: "{name}"'.encode() in home.body or f"/user/{name}".encode() in home.body


def test_jupyterhub_is_not_reached_without_a_sign_in(jupyterhub: GatewayProcess) -> None:
    answer = jupyterhub.get("/hub/login", "X-Remote-User: ada", "Accept: text/html")
    assert (answer.status, answer.reason) == (302, "session-missing")


@pytest.fixture(scope="module")
def jwks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[GatewayProcess, GatewayProcess]]:
    """The app behind its gateway, and another gateway in front of the same app, with keys of its own."""
    programs = environment_of("jwks")
    example, app_port, port = example_of("jwks", tmp_path_factory.mktemp("jwks"))
    app = with_ports(example, "app.py", {"8080": port})
    assert app.is_file()
    command = [str(programs / "python"), "-m", "uvicorn", "app:app", "--port", str(app_port)]
    foreign, _, foreign_port = example_of("jwks", tmp_path_factory.mktemp("foreign"))
    text = (foreign / "gateway.toml").read_text("utf-8")
    (foreign / "gateway.toml").write_text(
        text.replace(text[text.index("http://127.0.0.1:") :].partition('"')[0], f"http://127.0.0.1:{app_port}")
    )
    with running(command, port=app_port, log=example / "log", cwd=example, env={"PYTHONPATH": ""}):
        fronts = [gateway_of(example, port=port), gateway_of(foreign, port=foreign_port)]
        try:
            yield fronts[0], fronts[1]
        finally:
            assert [front.stop() for front in fronts] == [0, 0]


@pytest.mark.parametrize("name", ["ada", "bob"])
def test_an_app_that_verifies_by_jwks_believes_the_gateways_signature(name: str, jwks: tuple[GatewayProcess, GatewayProcess]) -> None:
    gateway, _ = jwks
    answer = gateway.get("/", f"Cookie: {sign_in(gateway, name)}", "Authorization: Bearer of-the-client")
    assert answer.status == 200, answer
    assert json.loads(answer.body) == {"sub": name, "email": f"{name}@example.com", "roles": ["admin", "editor"]}


def test_it_believes_no_other_gateways(jwks: tuple[GatewayProcess, GatewayProcess]) -> None:
    gateway, other = jwks
    assert gateway.get("/", f"Cookie: {sign_in(gateway)}").status == 200, "its keys are known by now"
    answer = other.get("/", f"Cookie: {sign_in(other)}")
    assert (answer.status, json.loads(answer.body)["detail"]) == (401, "Invalid authorization token")
