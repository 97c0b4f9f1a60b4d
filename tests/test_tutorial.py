"""The tutorial is true: its files load without a problem or warning, its code is Python, and its commands print what stands there."""

from __future__ import annotations

import ast
import os
import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.cli.main import gateway
from gateway.settings.load import load

TUTORIAL = (Path(__file__).parent.parent / "docs/tutorial.md").read_text("utf-8")
PASSWORD = "correct horse battery staple"


@dataclass(frozen=True)
class Block:
    """One fenced block: what it is, the file it is for, the section of that file it replaces, if not all of it."""

    kind: str
    file: str
    section: str
    text: str


BLOCKS = [
    Block(*[*info.split(), "", ""][:3], text)
    for info, text in re.findall(r"^```([a-z]+(?: [\w./-]+)*)\n(.*?)^```$", TUTORIAL, re.MULTILINE | re.DOTALL)
]


def with_section(text: str, section: str, replacement: str) -> str:
    """A configuration in which one section, up to the next empty line, was replaced."""
    changed, count = re.subn(rf"^\[+{section}\]+\n(?:.+\n)*", lambda _: replacement, text, flags=re.MULTILINE)
    assert count == 1, section
    return changed


def configurations() -> list[str]:
    """`gateway.toml` as it is after each of the tutorial's changes."""
    made: list[str] = []
    for block in BLOCKS:
        if block.file == "gateway.toml":
            made.append(with_section(made[-1], block.section, block.text) if block.section else block.text)
    return made


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The tutorial's folder after `gateway init`, which is asked by options here."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("GATEWAY_")]:
        monkeypatch.delenv(name)
    answers = ["--upstream", "http://127.0.0.1:3000", "--public-url", "http://localhost:8080", "--user", "ada", "--password-stdin"]
    result = CliRunner().invoke(gateway, ["init", *answers], input=PASSWORD)
    assert result.exit_code == 0, result.output
    return tmp_path


def test_there_is_something_to_check():
    assert {block.kind for block in BLOCKS} == {"python", "console", "toml", "nginx"}
    assert len(configurations()) == 3


@pytest.mark.parametrize("number", range(1, len(configurations())))
def test_the_files_load_without_a_problem_or_warning(folder, number):
    (folder / "gateway.toml").write_text(configurations()[number])
    assert load(folder / "gateway.toml").warnings == ()


def test_the_first_file_gets_the_one_warning_that_the_tutorial_tells_of(folder):
    (folder / "gateway.toml").write_text(configurations()[0])
    (warning,) = load(folder / "gateway.toml").warnings
    assert f'"what": "{warning.what}",' in TUTORIAL


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.kind == "python"], ids=lambda block: block.file)
def test_the_code_is_python(block):
    ast.parse(block.text)


def transcript() -> list[tuple[str, str]]:
    """Every `gateway` command of the tutorial that ends by itself, with what it prints."""
    text = "".join(block.text for block in BLOCKS if block.kind == "console")
    found = re.findall(r"^\$ (.+)\n((?:(?!\$ ).*\n)*)", text, re.MULTILINE)
    return [(command, printed) for command, printed in found if re.match(r"gateway (?!run|init)", command) and "|" not in command]


def comparable(text: str) -> str:
    """Without what differs each time."""
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", "TIME", text)
    text = re.sub(r"^(?:Password for|Repeat).*\n", "", text, flags=re.MULTILINE)
    return re.sub(r"\S+/users\.toml", "users.toml", text)


def test_the_commands_print_what_stands_there(folder):
    """In order; where the tutorial has changed a file between two of them, so does this."""
    broken = configurations()[1].replace('"public"', '"pubic"').replace('"/**"', '"/a/../b"').replace("[headers.set]", "[headrs.set]")
    (folder / "broken.toml").write_text(broken)
    commands = transcript()
    assert len(commands) == 8
    for command, printed in commands:
        if "broken.toml" in command:
            (folder / "gateway.toml").write_text(configurations()[1])
        arguments = [part.strip('"') for part in re.findall(r'"[^"]*"|\S+', command)[1:]]
        asks = arguments[:2] == ["users", "add"]
        result = CliRunner().invoke(gateway, [*arguments, *(["--password-stdin"] if asks else [])], input=PASSWORD if asks else None)
        assert comparable(result.output) == comparable(printed), command


def test_what_init_prints_stands_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(gateway, ["init", "--user", "ada", "--password-stdin"], input=PASSWORD)
    assert result.stdout in TUTORIAL
