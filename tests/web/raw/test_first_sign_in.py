"""A redirect rule about the first sign-in, at running gateways: two workers, a restart, and what `explain` says of it."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.gateway_process import PASSWORDS, ROUTES, GatewayProcess, configuration

RULES = """
[[redirects.rules]]
when = { first_sign_in = true }
to = "/public/welcome"
[[redirects.rules]]
when = { first_sign_in = false }
to = "/public/again"
"""


def ends_at(gateway: GatewayProcess, name: str) -> str | None:
    answer = gateway.post_sign_in({"username": name, "password": PASSWORDS[name]})
    assert answer.status == 302
    return answer.one("location")


def explained(gateway: GatewayProcess) -> str:
    file = str(gateway.log_file.with_name("gateway.toml"))
    asked = subprocess.run(
        (sys.executable, "-m", "gateway", "explain", "/", "--as", "ada", "-c", file, "--json", "--header", "Accept: text/html"),
        capture_output=True,
        check=False,
    )
    return json.loads(asked.stdout)["sign_in"]["ends_at"]


def test_the_first_time_ends_at_the_welcome_and_no_other_does(tmp_path, upstream):
    """The database is the default one, beside the configuration file."""
    ports = {"app": upstream.port, "other": upstream.port}
    config = configuration(ports, routes=ROUTES + '[[routes]]\npath = "/"\naccess = "signed-in"\nupstream = "app"', extra=RULES)
    gateway = GatewayProcess(tmp_path, config)
    assert explained(gateway) == "/public/welcome"
    assert [ends_at(gateway, name) for name in ("ada", "ada", "bob")] == ["/public/welcome", "/public/again", "/public/welcome"]
    assert (tmp_path / "gateway.db").is_file()
    assert gateway.stop() == 0
    gateway = GatewayProcess(tmp_path, config.replace("public_url", "workers = 2\npublic_url", 1))
    assert explained(gateway) == "/public/again"
    assert {ends_at(gateway, name) for name in ("ada", "bob") * 2} == {"/public/again"}
    assert gateway.stop() == 0
