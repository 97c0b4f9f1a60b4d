"""Apps that nobody here wrote, installed from the registries into an environment of their own, once, and kept in the cache folder."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.servers import missing

_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "auth-gateway-tests"
_INSTALL_S = 500
#: By app; exact, as a new version of somebody else's is not what is tested here.
PYTHON = {
    "radicale": ("Radicale==3.9.0",),
    "jupyterhub": ("jupyterhub==6.1.1", "jhub-remote-user-authenticator==0.1.0"),
    "jwks": ("fastapi-jwks==1.0.1", "fastapi==0.165.0", "uvicorn==0.54.0", "PyJWT[crypto]==2.15.1"),
}
NODE = {"jupyterhub": ("configurable-http-proxy@5.3.0",)}


def environment_of(app: str) -> Path:
    """The folder of programs of an app's environment, made if it is not there; processes that start together make it once."""
    pins = (*PYTHON[app], *NODE.get(app, ()), sys.version.split()[0])
    folder = _CACHE / f"{app}-{hashlib.sha256(' '.join(pins).encode()).hexdigest()[:12]}"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "installed").exists():
            _install(app, folder)
    return folder / "bin"


def _install(app: str, folder: Path) -> None:
    if app in NODE and (shutil.which("node") is None or shutil.which("npm") is None):
        missing("node and npm are not installed (on Debian: apt-get install nodejs npm)")
    _run(app, [sys.executable, "-m", "venv", "--clear", str(folder)])
    _run(app, [str(folder / "bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PYTHON[app]])
    if app in NODE:
        _run(app, ["npm", "install", "--prefix", str(folder), "--no-audit", "--no-fund", *NODE[app]])
        for program in (folder / "node_modules/.bin").iterdir():
            (folder / "bin" / program.name).symlink_to(program)
    (folder / "installed").touch()


def _run(app: str, command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=_INSTALL_S, check=False)
    if done.returncode != 0:
        missing(f"{app} can't be installed: {done.stderr.strip()[-500:]}")
