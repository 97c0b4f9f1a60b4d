"""The examples of config/examples/ as people run them: a copy of the folder, its gateway.toml on free ports."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from tests.gateway_process import GatewayProcess

EXAMPLES = Path(__file__).parent.parent / "config/examples"
#: Of config/examples/users.toml.
PASSWORD = "lovelace"


def copied(name: str, folder: Path, *, app_port: int, port: int) -> Path:
    """A copy of one example, with the users that all of them share; the only change is the ports."""
    shutil.copytree(EXAMPLES / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(EXAMPLES / "users.toml", folder)
    file = folder / name / "gateway.toml"
    text = file.read_text("utf-8")
    assert "[server]" not in text
    assert text.count("http://127.0.0.1:3000") == 1
    text = text.replace("127.0.0.1:3000", f"127.0.0.1:{app_port}")
    file.write_text(f'[server]\nlisten = "127.0.0.1:{port}"\npublic_url = "http://localhost:{port}"\n{text}')
    return folder / name


def gateway_of(example: Path, *, port: int) -> GatewayProcess:
    """`gateway run` with the configuration of a copy."""
    command = (sys.executable, "-m", "gateway", "run", "-c", str(example / "gateway.toml"))
    return GatewayProcess(example.parent / "process", "", command=command, origin=f"http://localhost:{port}")


def sign_in(gateway: GatewayProcess, name: str = "ada") -> str:
    """A `Cookie` of somebody who signed in."""
    answer = gateway.post_sign_in({"username": name, "password": PASSWORD})
    assert answer.status == 302, answer
    return "; ".join(line.partition(";")[0] for line in answer.all("set-cookie") if "session-token=" in line)
