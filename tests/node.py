"""Packages and apps of npm for tests, in a cache outside of the checkout: installed once per lock file, built once per state of their sources."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.servers import missing

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "auth-gateway-tests"
_INSTALL_S = 400
_BUILD_S = 600  # half a minute on a quiet machine
_ENVIRONMENT = {"NEXT_TELEMETRY_DISABLED": "1", "NODE_ENV": "production", "CI": "1"}


def installed(project: Path) -> Path:
    """The folder with the `node_modules` that a project's package-lock.json asks for.

    Skips (or fails, where servers are required) without Node, or if the packages can't be had.
    """
    if shutil.which("node") is None or shutil.which("npm") is None:
        missing("there is no Node.js with npm on this machine (apt-get install nodejs npm)")
    wanted = [project / "package.json", project / "package-lock.json"]
    folder = CACHE / f"{project.name}-{_print_of(*wanted)}"
    with _alone(folder):
        if not (folder / ".installed").exists():
            for file in wanted:
                shutil.copy(file, folder)
            told = _run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], folder, _INSTALL_S)
            if told.returncode != 0:
                missing(f"npm can't install the packages of {project.name}: {told.stdout[-2000:]}")
            (folder / ".installed").touch()
    return folder


def next_app(*layers: Path) -> Path:
    """A Next.js app after `next build`. The first layer has the package.json; files of later layers come on top."""
    modules = installed(layers[0])
    sources = [
        (layer, file) for layer in layers for file in sorted(layer.rglob("*")) if file.is_file() and file.name != "package-lock.json"
    ]
    app = modules / f"app-{_print_of(*(file for _, file in sources))}"
    with _alone(app):
        if not (app / ".built").exists():
            for layer, file in sources:
                place = app / file.relative_to(layer)
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file, place)
            told = _run([str(next_command(app)), "build"], app, _BUILD_S)
            assert told.returncode == 0, told.stdout[-6000:]
            (app / ".built").touch()
    return app


def next_command(app: Path) -> Path:
    """The program `next` of an app that `next_app` built."""
    return app.parent / "node_modules/.bin/next"


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold a folder against other test processes; what one of them left half done is done again."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _run(command: list[str], folder: Path, seconds: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=folder,
        env=os.environ | _ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=seconds,
        check=False,
    )


def _print_of(*files: Path) -> str:
    """Changes with the content and the name of every file."""
    whole = hashlib.sha256()
    for file in files:
        content = file.read_bytes()
        whole.update(f"{file.name} {len(content)}\n".encode() + content)
    return whole.hexdigest()[:16]
