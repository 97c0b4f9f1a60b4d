from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import pytest

from gateway import __version__
from gateway.cli.main import COMMANDS, gateway

HEAVY = ("aiohttp", "sqlalchemy", "alembic", "jinja2")


def test_help_names_every_command(run):
    result = run("--help")
    assert result.exit_code == 0
    for name, command in COMMANDS.items():
        assert f"  {name}" in result.stdout
        assert command.summary in result.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_says_about_a_command_what_the_command_says_itself(name):
    command = gateway.get_command(click.Context(gateway), name)
    assert command is not None
    assert command.get_short_help_str(200).rstrip(".") == COMMANDS[name].summary.rstrip(".")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(run, name):
    assert run(name, "--help").exit_code == 0


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["keys", "new"], *([name, "--help"] for name in COMMANDS)], ids=" ".join)
def test_light_commands_import_nothing_heavy(arguments, tmp_path):
    probe = (
        "import sys\n"
        "from gateway.cli.main import gateway\n"
        "try:\n    gateway(prog_name='gateway', args=sys.argv[1:])\n"
        "except SystemExit as end:\n    code = end.code\n"
        f"print('heavy:', sorted(set({HEAVY!r}) & set(sys.modules)), 'code:', code)"
    )
    ended = subprocess.run([sys.executable, "-c", probe, *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True)
    assert ended.stdout.splitlines()[-1] == "heavy: [] code: 0", ended.stderr


def test_python_dash_m_is_the_same_command(tmp_path):
    ended = subprocess.run([sys.executable, "-m", "gateway", "--version"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stdout.strip()) == (0, f"gateway, version {__version__}")


def test_a_mistyped_command_is_a_usage_error_that_says_what_was_meant(run):
    result = run("chekc")
    assert result.exit_code == 2
    assert "There is no command `chekc`. Did you mean `check`?" in result.stderr


def test_without_any_configuration_the_cure_is_named(run, folder):
    result = run("check")
    assert result.exit_code == 78
    assert "there is no configuration here" in result.stderr
    assert "gateway init" in result.stderr
    assert result.stderr.endswith("1 problem\n")


def test_problems_are_json_where_json_is_asked_for(run, folder):
    import json

    result = run("check", "--json")
    assert result.exit_code == 78
    told = json.loads(result.stdout)
    assert told["ok"] is False
    assert told["problems"][0]["cure"].startswith("write one with `gateway init`")


@pytest.mark.parametrize(("no_color", "coloured"), [pytest.param("", True, id="a-terminal"), pytest.param("1", False, id="NO_COLOR")])
def test_colours_are_for_those_who_want_them(run, folder, monkeypatch, no_color, coloured):
    monkeypatch.setenv("NO_COLOR", no_color)
    assert ("\x1b[" in run("check", color=True).stderr) is coloured


def test_the_configuration_can_be_named_by_the_environment(run, configured, monkeypatch):
    (configured / "gateway.toml").rename(configured / "other.toml")
    assert run("check").exit_code == 78
    monkeypatch.setenv("GATEWAY_CONFIG", "other.toml")
    assert run("check").exit_code == 0


@pytest.mark.parametrize("arguments", [["check"], ["--help"], ["--version"], ["check", "--help"]], ids=" ".join)
def test_a_full_disk_is_one_line_and_no_traceback(configured, arguments):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([sys.executable, "-m", "gateway", *arguments], cwd=configured, stdout=full, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (1, "error: No space left on device\n")


HALF = "a\udcff"  # what Python makes of the byte 0xFF on a command line


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(arguments, id=" ".join(arguments[:-1]))
        for arguments in (
            ("users", "add", "eve", "--full-name", HALF),
            ("users", "add", "eve", "--role", HALF),
            ("tokens", "new", "--user", HALF),
            ("tokens", "new", "--user", "ada", "--name", HALF),
            ("tokens", "revoke", HALF),
            ("sessions", "list", "--user", HALF),
            ("sessions", "revoke", HALF),
            ("authjs", "doctor", "authjs.session-token=a.b.c.d.e", "--secret", HALF),
        )
    ],
)
def test_bytes_that_are_no_text_are_a_usage_error(run, configured, arguments):
    result = run(*arguments)
    assert (result.exit_code, result.stderr.count("this is no text in UTF-8")) == (2, 1), result.output
