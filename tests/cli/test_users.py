from __future__ import annotations

import contextlib
import json
import sqlite3
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli.main import gateway

CONFIG = """
[server]
public_url = "http://localhost:8080"
[[upstreams]]
name = "app"
url = "http://127.0.0.1:3000"
[[routes]]
path = "/**"
access = "signed-in"
upstream = "app"
"""
FILE_PROVIDER = '[[providers]]\nid = "people"\ntype = "users"\nfile = "users.toml"\n'
SQL_PROVIDER = '[[providers]]\nid = "table"\ntype = "sql"\nurl = "sqlite:///users.db"\n'


@pytest.fixture(params=["users-file", "sql", "file-option"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> list[str]:
    """The options that name a place for users, of each kind."""
    if request.param == "file-option":
        return ["--file", str(tmp_path / "users.toml")]
    (tmp_path / "users.toml").write_text("# mine\n")
    config = tmp_path / "gateway.toml"
    config.write_text(CONFIG + (FILE_PROVIDER if request.param == "users-file" else SQL_PROVIDER))
    return ["-c", str(config)]


def run(*arguments: str, stdin: str | bytes = "") -> Result:
    return CliRunner().invoke(gateway, ["users", *arguments], input=stdin)


def listed(where: list[str]) -> list[dict[str, object]]:
    result = run("list", "--json", *where)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_a_user_is_added_with_all_that_was_said(where: list[str]):
    said = ["--full-name", "Ada Lovelace", "--email", "ada@example.com", "--role", "admin", "--role", "staff", "--group", "maths"]
    result = run("add", "ada", *said, "--password-stdin", *where, stdin="correct horse\n")
    assert result.exit_code == 0, result.output
    assert "added ada to" in result.stdout
    assert "horse" not in result.output
    [ada] = listed(where)
    assert ada["username"] == ada["id"] == "ada"
    assert (ada["name"], ada["email"], ada["roles"], ada["groups"]) == ("Ada Lovelace", "ada@example.com", ["admin", "staff"], ["maths"])
    assert ada["disabled"] is False
    assert "password" not in ada


def test_a_password_can_be_made_and_is_printed_once(where: list[str]):
    result = run("add", "ada", "--generate", *where)
    assert result.exit_code == 0, result.output
    assert len(result.stdout.partition("password: ")[2].strip()) == 20
    other = run("passwd", "ada", "--generate", *where)
    assert other.exit_code == 0, other.output
    assert other.stdout.partition("password: ")[2] != result.stdout.partition("password: ")[2]


def test_a_user_is_disabled_enabled_and_removed(where: list[str]):
    assert run("add", "ada", "--generate", *where).exit_code == 0
    assert run("disable", "ada", *where).exit_code == 0
    assert listed(where)[0]["disabled"] is True
    assert "disabled" in run("list", *where).stdout
    assert run("enable", "ada", *where).exit_code == 0
    assert listed(where)[0]["disabled"] is False
    assert run("remove", "ada", "--yes", *where).exit_code == 0
    assert listed(where) == []
    assert "nobody yet" in run("list", *where).stdout


@pytest.mark.parametrize("command", [["passwd", "--generate"], ["disable"], ["enable"], ["remove", "--yes"]], ids=lambda parts: parts[0])
def test_an_unknown_user_is_a_no(where: list[str], command: list[str]):
    run("add", "ada", "--generate", *where)
    result = run(*command, "bob", *where)
    assert result.exit_code == 1, result.output
    assert "there is no user 'bob'" in result.stderr


def test_a_name_is_given_once(where: list[str]):
    run("add", "ada", "--generate", *where)
    result = run("add", "ada", "--generate", *where)
    assert result.exit_code == 1, result.output
    assert "there is a user 'ada' already" in result.stderr


def test_an_id_is_given_once_and_the_file_or_table_stays_as_it_was(where: list[str]):
    """A file in which two users had one id would be refused as a whole: nobody new could sign in, and the next start would fail."""
    run("add", "ada", "--generate", *where)
    for name, options in (("eve", ["--id", "ada"]), ("eve", ["--id", "7"]), ("7", [])):
        result = run("add", name, "--generate", *options, *where)
        taken = (name, options) != ("eve", ["--id", "7"])
        assert result.exit_code == taken, result.output
        assert ("another user has the id" in result.stderr) is taken
    assert [user["username"] for user in listed(where)] == ["ada", "eve"]


def test_removing_asks_first(where: list[str]):
    run("add", "ada", "--generate", *where)
    assert run("remove", "ada", *where, stdin="n\n").exit_code == 1
    assert len(listed(where)) == 1


def test_the_comments_of_a_users_file_stay_and_a_new_one_is_private(tmp_path: Path):
    file = tmp_path / "users.toml"
    assert run("add", "ada", "--generate", "--file", str(file)).exit_code == 0
    assert file.stat().st_mode & 0o777 == 0o600
    file.write_text("# mine\n" + file.read_text())
    assert run("disable", "ada", "--file", str(file)).exit_code == 0
    assert file.read_text().startswith("# mine\n")
    assert tomllib.loads(file.read_text())["users"]["ada"]["disabled"] is True


@pytest.mark.parametrize(
    ("providers", "arguments", "message"),
    [
        pytest.param(FILE_PROVIDER + SQL_PROVIDER, [], "which provider?", id="two-and-none-named"),
        pytest.param(FILE_PROVIDER, ["--provider", "other"], "these do: people", id="unknown-provider"),
        pytest.param(FILE_PROVIDER, ["--provider", "people", "--file", "x.toml"], "either", id="file-and-provider"),
        pytest.param(
            '[[providers]]\nid = "own"\ntype = "python"\nauthorize = "a:b"\n', [], "no provider that keeps users", id="none-keeps-users"
        ),
    ],
)
def test_an_unclear_place_is_a_wrong_command_line(tmp_path: Path, providers: str, arguments: list[str], message: str):
    config = tmp_path / "gateway.toml"
    config.write_text(CONFIG + providers)
    result = run("list", "-c", str(config), *arguments)
    assert result.exit_code == 2, result.output
    assert message in result.stderr


def test_what_another_program_wrote_into_the_table_is_listed_as_it_is(tmp_path: Path):
    config = tmp_path / "gateway.toml"
    config.write_text(CONFIG + SQL_PROVIDER)
    run("add", "ada", "--generate", "-c", str(config))
    with contextlib.closing(sqlite3.connect(tmp_path / "users.db")) as database, database:
        database.execute("""UPDATE users SET roles = '"admin"', "groups" = '7'""")
    shown = run("list", "-c", str(config))
    assert shown.exit_code == 0, shown.output
    assert shown.stdout.splitlines()[1].split() == ["ada", "admin", "7"]


def test_the_provider_can_be_named(tmp_path: Path):
    config = tmp_path / "gateway.toml"
    config.write_text(CONFIG + FILE_PROVIDER + SQL_PROVIDER)
    assert run("add", "ada", "--generate", "-c", str(config), "--provider", "table").exit_code == 0
    assert [user["username"] for user in listed(["-c", str(config), "--provider", "table"])] == ["ada"]
    assert listed(["-c", str(config), "--provider", "people"]) == []


@pytest.mark.parametrize(
    ("arguments", "stdin"),
    [
        pytest.param(["add", ""], "", id="empty-name"),
        pytest.param(["add", "a\nb"], "", id="control-character"),
        pytest.param(["add", "x" * 257], "", id="too-long"),
        pytest.param(["add", "ada", "--password-stdin"], "\n", id="empty-password"),
        pytest.param(["add", "ada", "--password-stdin"], "x" * 1025 + "\n", id="password-too-long"),
        pytest.param(["add", "ada", "--password-stdin"], b"\xff\xfe\n", id="password-no-utf-8"),
        pytest.param(["add", "ada", "--password-stdin", "--generate"], "x\n", id="two-passwords"),
    ],
)
def test_what_can_be_no_user_is_refused(tmp_path: Path, arguments: list[str], stdin: str | bytes):
    result = run(*arguments, "--file", str(tmp_path / "users.toml"), stdin=stdin)
    assert result.exit_code == 2, result.output
    assert not (tmp_path / "users.toml").exists()


def test_a_broken_users_file_is_a_problem_of_the_configuration_and_can_be_mended(tmp_path: Path):
    file = tmp_path / "users.toml"
    file.write_text('[users.ada]\npassword = "plain"\n')
    result = run("list", "--file", str(file))
    assert result.exit_code == 78, result.output
    assert f"{file}:2:12" in result.stderr
    assert "plain" not in result.stderr
    mended = run("passwd", "ada", "--generate", "--file", str(file))
    assert mended.exit_code == 0, mended.output
    assert run("list", "--file", str(file)).exit_code == 0


@pytest.mark.parametrize("command", [["passwd", "--generate"], ["disable"], ["enable"], ["remove", "--yes"]], ids=lambda parts: parts[0])
@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"users = 5\n", id="users-is-a-number"),
        pytest.param(b"[[users]]\nname = 'ada'\n", id="users-is-a-list"),
        pytest.param(b"[users]\nada = 5\n", id="the-user-is-a-number"),
        pytest.param(b"[users.ada\n", id="no-toml"),
        pytest.param(b"\xff\n", id="no-utf-8"),
    ],
)
def test_a_users_file_that_is_none_is_left_alone_and_named(tmp_path: Path, command: list[str], content: bytes):
    file = tmp_path / "users.toml"
    file.write_bytes(content)
    result = run(*command, "ada", "--file", str(file))
    assert result.exit_code == 1, result.output
    assert f"error: {file} can't be changed: " in result.stderr
    assert "codec" not in result.stderr
    assert file.read_bytes() == content


def test_a_byte_order_mark_of_another_editor_is_passed_over(tmp_path: Path):
    """As in gateway.toml; it was "Invalid statement (at line 1, column 1)", where nothing is to be seen."""
    file = tmp_path / "users.toml"
    run("add", "ada", "--generate", "--file", str(file))
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    for command in (["disable", "ada"], ["add", "bob", "--generate"], ["list"]):
        assert run(*command, "--file", str(file)).exit_code == 0


def test_links_in_a_circle_are_named(tmp_path: Path):
    (tmp_path / "a.toml").symlink_to(tmp_path / "b.toml")
    (tmp_path / "b.toml").symlink_to(tmp_path / "a.toml")
    for command in (["list"], ["disable", "ada"], ["passwd", "ada", "--generate"], ["add", "ada", "--generate"]):
        result = run(*command, "--file", str(tmp_path / "a.toml"))
        assert result.exit_code in (1, 78), result.output
        assert f"{tmp_path}/a.toml" in result.stderr


def test_help_and_a_users_file_need_no_heavy_module(tmp_path: Path):
    code = f"""
import sys
from click.testing import CliRunner
from gateway.cli.main import gateway
for arguments in (["users", "--help"], ["users", "add", "--help"], ["users", "list", "--file", {str(tmp_path / "none.toml")!r}]):
    assert CliRunner().invoke(gateway, arguments).exit_code == 0, arguments
print(sorted({{"aiohttp", "sqlalchemy", "alembic", "jinja2", "passlib.context"}} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
