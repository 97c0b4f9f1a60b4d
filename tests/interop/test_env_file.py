"""`gateway authjs env --show-secret > .env.local`, read by Next.js itself: the app has the very secret."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.cli.main import gateway
from tests.example_process import EXAMPLES
from tests.node import installed

_LONG = "-and-long-enough-for-anybody-0123456789"
_READ = """
const { loadEnvConfig } = require("@next/env");
console.log(JSON.stringify(loadEnvConfig(process.argv[1], false, { info() {}, error: console.error }).parsedEnv));
"""
CONFIG = """
[session]
secrets = [{secret}]
[[providers]]
id = "credentials"
type = "users"
file = "users.toml"
[[routes]]
path = "/**"
access = "deny"
"""


def told(folder: Path, secret: str) -> str:
    (folder / "gateway.toml").write_text(CONFIG.format(secret=json.dumps(secret, ensure_ascii=False)))
    answer = CliRunner().invoke(gateway, ["authjs", "env", "-c", str(folder / "gateway.toml"), "--show-secret"])
    assert answer.exit_code == 0, answer.output
    return answer.output


@pytest.mark.parametrize(
    "secret",
    ["plain", "base64+/==", "$HOME", "a#b", "a\\$b", "it's", "it's `so`", '"quoted"', "${HOME}", "a\\nb", "a b", "zoë 山田", "a=b"],
)
def test_the_app_reads_the_secret_as_it_is(tmp_path, secret):
    (tmp_path / ".env.local").write_text(told(tmp_path, secret + _LONG))
    packages = installed(EXAMPLES / "nextjs")  # where node looks for what a script requires
    asked = subprocess.run(
        ["node", "-e", _READ, "--", str(tmp_path)], cwd=packages, capture_output=True, text=True, timeout=60, check=False
    )
    assert asked.returncode == 0, asked.stderr
    assert json.loads(asked.stdout) == {"AUTH_URL": "http://localhost:8080", "AUTH_SECRET": secret + _LONG}


@pytest.mark.parametrize("secret", ["'`\"", "it's `so` \\n", "a\u00a0b"])
def test_what_no_such_file_can_hold_is_not_written_wrongly(tmp_path, secret):
    lines = told(tmp_path, secret + _LONG).splitlines()
    assert not [line for line in lines if line.startswith("AUTH_SECRET")]
    assert [line for line in lines if "no .env file can hold" in line]
