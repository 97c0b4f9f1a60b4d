"""What an installation carries, and what the Makefile promises."""

from __future__ import annotations

import configparser
import fnmatch
import json
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SETUP = configparser.ConfigParser()
SETUP.read(ROOT / "setup.cfg")
REQUIREMENTS = [
    line
    for section in (SETUP["options"]["install_requires"], *SETUP["options.extras_require"].values())
    for line in section.splitlines()
    if line
]


def test_every_file_of_the_package_is_installed():
    globs = {package: patterns.replace(" ", "").split(",") for package, patterns in SETUP["options.package_data"].items()}
    forgotten = []
    for file in (ROOT / "gateway").rglob("*"):
        if not file.is_file() or file.suffix == ".pyc":
            continue
        covered = file.suffix == ".py" and (file.parent / "__init__.py").exists()
        for package, patterns in globs.items():
            folder = ROOT / package.replace(".", "/")
            if file.is_relative_to(folder):
                covered |= any(fnmatch.fnmatch(str(file.relative_to(folder)), pattern) for pattern in patterns)
        if not covered:
            forgotten.append(str(file))
    assert forgotten == []


def test_the_demo_is_configured_by_the_very_files_of_config():
    for name in ("gateway.toml", "users.toml"):
        assert (ROOT / "gateway/demo" / name).resolve() == ROOT / "config" / name


@pytest.mark.parametrize("requirement", REQUIREMENTS)
def test_every_dependency_is_pinned(requirement):  # promise 66
    assert re.match(r"[A-Za-z0-9_.-]+(\[[a-z0-9,]+\])?==[0-9][0-9A-Za-z.]*(;.*)?\Z", requirement.replace("; ", ";"))


def test_make_help_names_every_target_that_is_promised():
    told = subprocess.run(["make", "-s", "help"], cwd=ROOT, capture_output=True, text=True, timeout=30, check=True).stdout
    for target in ("run", "test", "lint", "types", "bench", "clean"):
        assert re.search(rf"^  make {target} +\w", told, re.MULTILINE), target


@pytest.mark.parametrize("goal", ["run", "test", "lint", "types"])
def test_make_makes_its_own_environment(goal, tmp_path):
    told = subprocess.run(
        ["make", "-n", goal, f"VENV={tmp_path / 'venv'}"], cwd=ROOT, capture_output=True, text=True, timeout=30, check=True
    )
    assert "-m venv" in told.stdout
    assert "pip install" in told.stdout


LOCKS = sorted(lock for part in ("tests", "config") for lock in (ROOT / part).rglob("package-lock.json"))


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: str(lock.parent.relative_to(ROOT)))
def test_packages_of_npm_are_pinned_by_content_and_come_from_whatever_registry_there_is(lock):  # promise 66
    packages = json.loads(lock.read_text("utf-8"))["packages"]
    wanted = json.loads(lock.with_name("package.json").read_text("utf-8"))["dependencies"]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+(-beta\.\d+)?", version) for version in wanted.values())
    assert wanted == packages[""]["dependencies"]
    for name, package in packages.items():
        assert "resolved" not in package, name
        assert name == "" or package["integrity"].startswith("sha512-"), name
