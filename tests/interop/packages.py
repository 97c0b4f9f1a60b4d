"""The real npm packages, installed once into a cache folder, and asked by a small script. A missing node is a skip, or a failure where required."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from tests.servers import missing

#: By the names under which the script imports them.
DEPENDENCIES = {"next-auth-v4": "npm:next-auth@4.24.15", "next-auth-v5": "npm:next-auth@5.0.0-beta.32", "@auth/core": "0.41.3"}
_SCRIPT = Path(__file__).with_name("ask.mjs")
_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "auth-gateway-tests" / "authjs-4.24.15-5.0.0-beta.32-0.41.3"
_INSTALL_S = 100


class Packages:
    """The installed packages."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def ask(self, questions: list[dict[str, Any]]) -> list[Any]:
        """Answers of the packages, in order; an exception is `{"threw": ...}`."""
        command = ["node", self._script()]
        asked = subprocess.run(command, input=json.dumps(questions), capture_output=True, text=True, timeout=100, check=False)
        assert asked.returncode == 0, asked.stderr
        return json.loads(asked.stdout)

    def _script(self) -> Path:
        """The script beside node_modules, where node looks. Put there whole: another test process may be reading it."""
        script = self._folder / _SCRIPT.name
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=self._folder, delete=False) as draft:
            draft.write(_SCRIPT.read_text("utf-8"))
        Path(draft.name).replace(script)
        return script


def packages() -> Packages:
    """Install them if they are not there; processes that start together install once."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        missing("node and npm are not installed (on Debian: apt-get install nodejs npm)")
    _CACHE.mkdir(parents=True, exist_ok=True)
    with (_CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (_CACHE / "installed").exists():
            _install()
    return Packages(_CACHE)


def _install() -> None:
    (_CACHE / "package.json").write_text(json.dumps({"name": "interop", "private": True, "dependencies": DEPENDENCIES}))
    command = ["npm", "install", "--no-audit", "--no-fund", "--legacy-peer-deps", "--ignore-scripts"]
    done = subprocess.run(command, cwd=_CACHE, capture_output=True, text=True, timeout=_INSTALL_S, check=False)
    if done.returncode != 0:
        missing(f"the npm packages can't be installed: {done.stderr.strip()[-500:]}")
    (_CACHE / "installed").touch()
