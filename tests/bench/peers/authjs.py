"""Auth.js on Node, as its users write it: express, a credentials sign-in, `getToken` for each request, http-proxy (`authjs.mjs`).

The packages are installed once, pinned, into a folder of the user's cache, by npm.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

from tests.bench.client import Answer, Client, get, post
from tests.bench.installed import NotInstalled
from tests.bench.peers.peer import PEOPLE, Peer, Target
from tests.bench.place import Place
from tests.e2e.app_process import running
from tests.servers import free_port

HERE = Path(__file__).parent
_INSTALL_S = 180


def _modules() -> Path:
    """The folder with the packages; they are installed at the first call."""
    if (node := shutil.which("node")) is None or (npm := shutil.which("npm")) is None:
        raise NotInstalled("node and npm are not installed (on Debian: apt-get install nodejs npm)")
    wanted = (HERE / "package.json").read_bytes()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "auth-gateway-bench" / hashlib.sha256(wanted).hexdigest()[:12]
    if not (folder / "installed").exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_bytes(wanted)
        command = [npm, "install", "--legacy-peer-deps", "--no-audit", "--no-fund", "--ignore-scripts"]
        try:
            ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=_INSTALL_S, check=False)
        except subprocess.TimeoutExpired as error:
            raise NotInstalled(f"npm did not install its packages within {_INSTALL_S} s") from error
        if ran.returncode:
            raise NotInstalled(f"npm could not install its packages with {node}: {ran.stderr.strip()[-500:]}")
        (folder / "installed").touch()
    # Node finds packages from where a script lies.
    shutil.copy(HERE / "authjs.mjs", folder / "authjs.mjs")
    return folder


async def _sign_in(port: int) -> str:
    client = Client(port, keep_body=True)
    token = await client.ask(get("/auth/csrf", port))
    form = urlencode({"username": "ada", "password": "lovelace", "csrfToken": json.loads(token.body)["csrfToken"]}).encode()
    content = "Content-Type: application/x-www-form-urlencoded"
    answer = await client.ask(post("/auth/callback/credentials", port, form, content, f"Cookie: {_pairs(token)}"))
    client.close()
    return next(pair for pair in _pairs(answer).split("; ") if pair.startswith("authjs.session-token="))


def _pairs(answer: Answer) -> str:
    return "; ".join(line.partition(b";")[0].decode() for line in answer.all(b"set-cookie"))


async def _cookies(port: int) -> tuple[str, ...]:
    return tuple([await _sign_in(port) for _ in range(PEOPLE)])


@contextlib.contextmanager
def _target(at: Place) -> Iterator[Target]:
    folder, port = _modules(), free_port()
    command = at.cores.for_proxy("node", str(folder / "authjs.mjs"), str(port), str(at.upstream))
    environment = {"NODE_ENV": "production"}
    with running(command, port=port, log=at.folder / "authjs.log", ready="/auth/csrf", env=environment, cwd=folder) as process:
        yield Target("authjs", "Auth.js `getToken` + express + http-proxy (Node)", port, process.pid, asyncio.run(_cookies(port)))


AUTHJS = Peer("authjs", _target)
