import json
import stat

import pytest

from gateway.sessions.keys import KeyRing, problems_of
from tests.sessions.vectors import SECRET


def test_a_fresh_secret_is_printed_alone(run):
    result = run("keys", "new")
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == 1
    assert problems_of([result.stdout.strip()]) == ()
    assert result.stdout != run("keys", "new").stdout


def test_the_same_as_json(run):
    result = run("keys", "new", "--json")
    assert problems_of([json.loads(result.stdout)["secret"]]) == ()


def test_a_file_is_made_and_the_secret_not_shown(run, folder):
    result = run("keys", "new", "--file", "keys")
    assert result.exit_code == 0
    [secret] = KeyRing.load(folder / "keys").secrets
    assert secret not in result.output
    assert stat.S_IMODE((folder / "keys").stat().st_mode) == 0o600


@pytest.mark.parametrize("command", ["new", "rotate"])
def test_a_secret_goes_on_top_of_the_file(run, folder, command):
    file = folder / "keys"
    file.write_text(f"{SECRET}\n")
    file.chmod(0o600)
    result = run("keys", command, "--file", "keys", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {"file": "keys", "secrets": 2, "dropped": 0}
    assert KeyRing.load(file).secrets[1:] == (SECRET,)


def test_five_secrets_are_kept(run, folder):
    for _ in range(5):
        assert run("keys", "new", "--file", "keys").exit_code == 0
    result = run("keys", "rotate", "--file", "keys")
    assert result.exit_code == 0
    assert "1 of the oldest went" in result.stdout
    assert "within seconds" in result.stdout
    assert len(KeyRing.load(folder / "keys").secrets) == 5


def test_rotating_finds_the_file_in_the_configuration(run, configured):
    config = configured / "gateway.toml"
    config.write_text(config.read_text().replace('secrets = ["a-test-secret-that-is-long-enough-for-anybody"]', 'secrets_file = "keys"'))
    KeyRing.load_or_make(configured / "keys")
    result = run("keys", "rotate")
    assert result.exit_code == 0
    assert len(KeyRing.load(configured / "keys").secrets) == 2


def test_secrets_in_the_configuration_are_not_rotated_behind_its_back(run, configured):
    result = run("keys", "rotate")
    assert result.exit_code == 2
    assert "gateway keys new" in result.output


def test_rotating_a_file_that_is_not_there_is_refused(run, folder):
    result = run("keys", "rotate", "--file", "keys")
    assert result.exit_code == 78
    assert not (folder / "keys").exists()


@pytest.mark.parametrize("flags", [[], ["--assertion"]], ids=["sessions", "assertion"])
def test_a_secret_is_staged_and_then_promoted(run, folder, configured, flags):
    """So that each replica can read what another one writes, before any of them writes it."""
    with (configured / "gateway.toml").open("a") as config:
        config.write('\n[headers.assertion]\nkeys_file = "keys"\n')
    file = folder / "keys"
    file.write_text(f"{SECRET}\n")
    file.chmod(0o600)
    which = flags or ["--file", "keys"]
    result = run("keys", "rotate", "--stage", *which)
    assert result.exit_code == 0, result.output
    assert f"gateway keys rotate {' '.join([*flags, '--promote'])}" in result.stdout
    first, staged = KeyRing.load(file).secrets
    assert first == SECRET
    result = run("keys", "rotate", "--promote", *which)
    assert (result.exit_code, KeyRing.load(file).secrets) == (0, (staged, SECRET))
    assert "second secret is on top now, 2 in all" in result.stdout


def test_without_a_second_secret_there_is_none_to_promote(run, folder):
    assert run("keys", "new", "--file", "keys").exit_code == 0
    before = (folder / "keys").read_text()
    result = run("keys", "rotate", "--file", "keys", "--promote")
    assert (result.exit_code, (folder / "keys").read_text()) == (78, before)
    assert "gateway keys rotate --stage" in result.stderr


@pytest.mark.parametrize("command", ["new", "rotate"])
def test_a_file_of_something_else_stays_as_it_is(run, folder, command):
    file = folder / "users.toml"
    file.write_text("# Users who may sign in: gateway users changes them.\n[users.ada]\npassword = 'x'\n" * 9)
    before = file.read_text()
    result = run("keys", command, "--file", "users.toml")
    assert (result.exit_code, file.read_text()) == (78, before)
    assert "session.secrets_file[2]" in result.stderr


@pytest.mark.parametrize("held", ["garbage\n", "garbage\n" * 9])
def test_check_and_rotate_say_what_is_wrong_with_the_keys_of_the_assertion(run, configured, held):
    with (configured / "gateway.toml").open("a") as config:
        config.write('\n[headers.assertion]\nkeys_file = "signing"\n')
    assert run("check").exit_code == 0, "the first start makes it"
    (configured / "signing").write_text(held)
    (configured / "signing").chmod(0o600)
    for arguments in (["check"], ["keys", "rotate", "--assertion"]):
        result = run(*arguments)
        assert (result.exit_code, "headers.assertion.keys_file" in result.stderr) == (78, True), result.output
    assert (configured / "signing").read_text() == held
    (configured / "signing").write_text(f"{SECRET}\n")
    (configured / "signing").chmod(0o644)
    assert "can sign for anybody" in run("check").stderr


def test_the_keys_of_the_assertion_are_rotated_apart(run, folder, configured):
    with (configured / "gateway.toml").open("a") as config:
        config.write('\n[headers.assertion]\nkeys_file = "signing"\n')
    (folder / "signing").write_text(f"{SECRET}\n")
    (folder / "signing").chmod(0o600)
    result = run("keys", "rotate", "--assertion")
    assert result.exit_code == 0, result.output
    assert "publishes all of them" in result.output
    assert KeyRing.load(folder / "signing").secrets[1:] == (SECRET,)


@pytest.mark.usefixtures("configured")
def test_where_nothing_is_signed_there_is_nothing_to_rotate(run):
    result = run("keys", "rotate", "--assertion")
    assert result.exit_code == 2
    assert "[headers.assertion]" in result.output
