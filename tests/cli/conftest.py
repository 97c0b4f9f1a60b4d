"""A folder with a configuration in it, and a way to run commands there."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli.main import gateway

# argon2id with the least memory and time that the format allows: these tests are not about its strength.
CHEAP_HASH = "$argon2id$v=19$m=8,t=1,p=1$c2l4dGVlbi1iLWFkYXNhbA$4WJhMOwTBL51Z9QKmASHWWRj0JEIkCqPtdN3tNwAs7Q"
CONFIG = """
[server]
listen = "127.0.0.1:0"
public_url = "http://localhost:8080"
[session]
secrets = ["a-test-secret-that-is-long-enough-for-anybody"]
[[providers]]
id = "credentials"
type = "users"
file = "users.toml"
[[upstreams]]
name = "app"
url = "http://127.0.0.1:3000"
case_sensitive = true
[[routes]]
path = "/public/**"
access = "public"
upstream = "app"
[[routes]]
path = "/admin/**"
access = "signed-in"
roles = ["admin"]
upstream = "app"
[[routes]]
path = "/maths/**"
access = "signed-in"
groups = ["maths"]
upstream = "app"
[[routes]]
path = "/closed/**"
access = "deny"
[[routes]]
path = "/api/**"
access = "signed-in"
api = true
upstream = "app"
[[routes]]
path = "/**"
access = "signed-in"
upstream = "app"
[headers.set]
"X-User-Roles" = "{user.roles}"
"""
USERS = f"""
[users.ada]
name = "Ada Lovelace"
email = "ada@example.com"
password = "{CHEAP_HASH}"
roles = ["admin"]
groups = ["staff", "maths"]
[users.bob]
password = "{CHEAP_HASH}"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder, without any GATEWAY_ variable around."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("GATEWAY_") or name == "NO_COLOR"]:
        monkeypatch.delenv(name)
    return tmp_path


@pytest.fixture
def configured(folder: Path) -> Path:
    """A current folder with a good configuration."""
    (folder / "gateway.toml").write_text(CONFIG)
    (folder / "users.toml").write_text(USERS)
    return folder


@pytest.fixture
def run() -> Callable[..., Result]:
    """Run `gateway` with some arguments."""

    def invoke(*arguments: str, stdin: str | None = None, color: bool = False) -> Result:
        return CliRunner().invoke(gateway, arguments, input=stdin, color=color, catch_exceptions=False)

    return invoke
