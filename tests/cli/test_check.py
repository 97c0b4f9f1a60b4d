from __future__ import annotations

import json

import pytest


def test_a_good_configuration_says_what_it_serves(run, configured):
    result = run("check")
    assert result.exit_code == 0, result.output
    for words in (
        "127.0.0.1:0",
        "http://localhost:8080",
        "users: asks for username, password",
        "signed-in, role admin → app at http://127.0.0.1:3000",
        "signed-in, group maths → app",
        "X-User-Roles",
        "gateway.toml: no problems",
    ):
        assert words in result.stdout
    routes = [line.split()[0] for line in result.stdout.splitlines() if line.startswith("  /")]
    assert routes == ["/public/**", "/admin/**", "/maths/**", "/closed/**", "/api/**", "/**"], "in the order that decides"


def test_the_same_as_json(run, configured):
    result = run("check", "--json")
    assert result.exit_code == 0
    told = json.loads(result.stdout)
    assert told["ok"] is True
    assert told["problems"] == []
    assert told["serves"]["providers"] == [
        {"id": "credentials", "type": "users", "name": "credentials", "fields": ["username", "password"]}
    ]
    assert told["serves"]["routes"][1] == {
        "name": "routes[2] /admin/**",
        "path": "/admin/**",
        "host": [],
        "methods": [],
        "access": "signed-in",
        "roles": ["admin"],
        "groups": [],
        "accepts": ["session"],
        "upstream": "app",
        "url": "http://127.0.0.1:3000",
    }
    assert told["serves"]["headers"]["set"]["X-Forwarded-User"] == "{user.id}"


def test_every_problem_is_told_with_its_place_value_and_cure(run, configured):
    text = (
        (configured / "gateway.toml").read_text().replace('access = "public"', 'access = "pubic"').replace("[headers.set]", "[headrs.set]")
    )
    (configured / "gateway.toml").write_text(text)
    result = run("check")
    assert result.exit_code == 78
    line = text[: text.index('"pubic"')].count("\n") + 1
    assert f"gateway.toml:{line}:" in result.stderr
    assert '"pubic"' in result.stderr
    assert "headrs" in result.stderr
    assert "2 problems" in result.stderr


def test_it_writes_nothing(run, configured):
    text = (configured / "gateway.toml").read_text().replace('secrets = ["a-test-secret-that-is-long-enough-for-anybody"]', "")
    (configured / "gateway.toml").write_text(text)
    before = sorted(path.name for path in configured.iterdir())
    assert run("check").exit_code == 0
    assert sorted(path.name for path in configured.iterdir()) == before


def test_what_would_stop_the_start_beside_the_file_is_told_all_at_once(run, configured):
    """The commonest mistakes are in the users file; `check` said "no problems", and the start failed."""
    (configured / "users.toml").write_text("[users.ada]\npassword = 'plain'\nroles = 5\n")
    (configured / "own_functions_of_check.py").write_text("def authorize(): ...\n")
    own = '[[providers]]\nid = "own"\ntype = "python"\nauthorize = "own_functions_of_check:authorize"\n'
    with (configured / "gateway.toml").open("a") as config:
        config.write(own + '[callbacks]\nmodule = "no_such_callbacks"\n[inspector]\nenabled = true\nroles = ["admin"]\n')
    before = sorted(configured.iterdir())
    result = run("check")
    assert result.exit_code == 78, result.output
    for words in ("users.toml:2:", "users.toml:3:", "can't be called with `credentials`", "no_such_callbacks", "4 problems"):
        assert words in result.stderr
    assert sorted(configured.iterdir()) == before, "not even bytecode is written"


def test_a_users_file_that_is_not_there_is_a_problem_with_its_cure(run, configured):
    (configured / "users.toml").unlink()
    result = run("check")
    assert result.exit_code == 78, result.output
    assert "gateway users add" in result.stderr


def test_a_database_is_not_asked(run, configured):
    with (configured / "gateway.toml").open("a") as config:
        config.write('[[providers]]\nid = "table"\ntype = "sql"\nurl = "sqlite:///nobody-made-this.db"\n')
    assert run("check").exit_code == 0
    assert not (configured / "nobody-made-this.db").exists()


def test_no_secret_is_shown(run, configured):
    shown = run("check").output + run("check", "--json").output
    assert "a-test-secret" not in shown


GOOD_SECRET = "wYx8Qm3c1Zp0a9sDfGhJkLqWeRtYuIoP"


def with_secrets_file(folder, *secrets, mode):
    text = (folder / "gateway.toml").read_text()
    (folder / "gateway.toml").write_text(
        text.replace('secrets = ["a-test-secret-that-is-long-enough-for-anybody"]', 'secrets_file = "secret"')
    )
    (folder / "secret").write_text("".join(f"{secret}\n" for secret in secrets))
    (folder / "secret").chmod(mode)


def test_a_secret_that_anybody_could_guess_is_a_problem_and_is_not_shown(run, configured):
    """Promise 43."""
    guessable = "please-change-this-secret-before-production"
    text = (configured / "gateway.toml").read_text()
    (configured / "gateway.toml").write_text(text.replace("a-test-secret-that-is-long-enough-for-anybody", guessable))
    result = run("check")
    assert result.exit_code == 78
    assert "session.secrets[1]: the secret is a placeholder" in result.stderr
    assert "gateway keys new" in result.stderr
    assert guessable not in result.output


@pytest.mark.parametrize(
    ("secrets", "mode", "words"),
    [
        pytest.param(
            ["change-me-change-me-change-me-change-me"], 0o600, "session.secrets_file[1]: the secret is a placeholder", id="guessable"
        ),
        pytest.param([GOOD_SECRET, "short"], 0o600, "session.secrets_file[2]: the secret has 5 characters and needs 32", id="short"),
        pytest.param([GOOD_SECRET], 0o622, "others may write it (mode 0622)", id="writable-by-others"),
        pytest.param([], 0o600, "there is no secret", id="empty"),
    ],
)
def test_a_file_of_secrets_that_would_not_do_is_a_problem(run, configured, secrets, mode, words):
    with_secrets_file(configured, *secrets, mode=mode)
    result = run("check")
    assert result.exit_code == 78
    assert words in result.stderr
    assert GOOD_SECRET not in result.output


def test_a_file_of_secrets_in_a_folder_that_is_not_there_is_a_problem(run, configured):
    text = (configured / "gateway.toml").read_text()
    with_file = text.replace('secrets = ["a-test-secret-that-is-long-enough-for-anybody"]', 'secrets_file = "keys/secret"')
    (configured / "gateway.toml").write_text(with_file)
    assert run("check").exit_code == 78
    (configured / "keys").mkdir()
    assert run("check").exit_code == 0, "the first start makes it"


def test_a_file_of_secrets_that_others_may_read_is_a_warning(run, configured):
    with_secrets_file(configured, GOOD_SECRET, mode=0o644)
    result = run("check")
    assert result.exit_code == 0
    assert "others may read it (mode 0644)" in result.stderr
    assert "chmod 600" in result.stderr
    assert "no problems, 1 warning" in result.stdout
    assert [problem["warning"] for problem in json.loads(run("check", "--json").stdout)["problems"]] == [True]
