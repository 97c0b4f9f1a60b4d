from __future__ import annotations

import os
import stat
import subprocess
import sys
import tomllib

import pytest

PASSWORD = "correct horse battery staple\n"


def test_what_it_writes_is_a_good_configuration(run, folder):
    result = run("init", "--upstream", "http://127.0.0.1:5000", "--user", "ada", "--password-stdin", stdin=PASSWORD)
    assert result.exit_code == 0, result.output
    assert "gateway run" in result.stdout, "the next step is named"
    checked = run("check")
    assert checked.exit_code == 0, checked.output
    assert "app at http://127.0.0.1:5000" in checked.stdout
    assert run("explain", "/", "--as", "ada").exit_code == 0


def test_the_users_are_for_their_owners_eyes_only_and_hold_no_password(run, folder):
    run("init", "--user", "ada", "--password-stdin", stdin=PASSWORD)
    assert stat.S_IMODE((folder / "users.toml").stat().st_mode) == 0o600
    assert "horse" not in (folder / "users.toml").read_text()
    assert tomllib.loads((folder / "users.toml").read_text())["users"]["ada"]["password"].startswith("$argon2id$")


@pytest.mark.parametrize("name", ['quo"te', "back\\slash", "d.o.t", "ünï", "a b", "]"])
def test_any_printable_name_survives(run, folder, name):
    assert run("init", "--user", name, "--password-stdin", stdin=PASSWORD).exit_code == 0
    assert run("explain", "/", "--as", name).exit_code == 0


@pytest.mark.parametrize("file", ["gateway.toml", "users.toml"])
def test_nothing_is_ever_overwritten(run, folder, file):
    (folder / file).write_text("mine")
    result = run("init", "--user", "ada", "--password-stdin", stdin=PASSWORD)
    assert result.exit_code == 1
    assert f"{file} exists already" in result.stderr
    assert [path.name for path in folder.iterdir()] == [file]
    assert (folder / file).read_text() == "mine"


def test_a_dangling_link_counts_as_a_file(run, folder):
    (folder / "users.toml").symlink_to(folder / "elsewhere")
    assert run("init", "--user", "ada", "--password-stdin", stdin=PASSWORD).exit_code == 1
    assert not (folder / "elsewhere").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["--upstream", "ftp://x"], id="upstream"),
        pytest.param(["--public-url", "app.example.com"], id="public-url"),
        pytest.param(["--user", ""], id="no-name"),
        pytest.param(["--user", "a\nb"], id="a-name-of-two-lines"),
    ],
)
def test_a_bad_answer_is_a_usage_error_and_writes_nothing(run, folder, arguments):
    assert run("init", "--user", "ada", *arguments, "--password-stdin", stdin=PASSWORD).exit_code == 2
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("password", ["", "\n", "x" * 1025], ids=["nothing", "empty-line", "too-long"])
def test_a_password_that_nobody_could_sign_in_with_is_refused(run, folder, password):
    assert run("init", "--user", "ada", "--password-stdin", stdin=password).exit_code == 2
    assert list(folder.iterdir()) == []


def test_with_nobody_at_the_terminal_the_way_out_is_named(run, folder):
    result = run("init", "--user", "ada", stdin="")
    assert result.exit_code == 2
    assert "--password-stdin" in result.stderr


def test_behind_an_https_address_the_proxy_in_front_is_believed(run, folder):
    run("init", "--public-url", "https://app.example.com", "--user", "ada", "--password-stdin", stdin=PASSWORD)
    server = tomllib.loads((folder / "gateway.toml").read_text())["server"]
    assert server == {"listen": "127.0.0.1:8080", "public_url": "https://app.example.com", "trusted_proxies": ["127.0.0.1"]}


def test_on_this_machine_the_port_of_the_public_url_is_listened_on(run, folder):
    run("init", "--public-url", "http://localhost:9090", "--user", "ada", "--password-stdin", stdin=PASSWORD)
    assert tomllib.loads((folder / "gateway.toml").read_text())["server"]["listen"] == "127.0.0.1:9090"


def test_on_a_terminal_a_bad_answer_is_asked_for_again(folder):
    ours, theirs = os.openpty()
    answers = ["nonsense", "http://127.0.0.1:5000", "localhost:8080", "http://localhost:8080", "n" * 300, "ada", "correct horse"]
    os.write(ours, "".join(f"{answer}\n" for answer in answers).encode())
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "init", "--password-stdin"], stdin=theirs, capture_output=True, text=True, cwd=folder, timeout=60
    )
    os.close(ours)
    os.close(theirs)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("Error: ") == 3
    assert 'url = "http://127.0.0.1:5000"' in (folder / "gateway.toml").read_text()
    assert list(tomllib.loads((folder / "users.toml").read_text())["users"]) == ["ada"]
