"""`gateway tokens`: issued once, listed without the token, revoked by id or by user; and what the command line gets wrong."""

from __future__ import annotations

import contextlib
import json
import sqlite3

import pytest

from tests.servers import valkey

OWN = '[[providers]]\nid = "own"\ntype = "python"\nauthorize = "a:b"\n'


@pytest.fixture
def issue(run):
    def issued(*arguments: str) -> dict:
        result = run("tokens", "new", "--json", *arguments)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    return issued


def test_a_token_alone_goes_to_standard_output_and_never_again(run, configured):
    result = run("tokens", "new", "--user", "ada", "--scope", "GET /api/**", "--name", "CI")
    assert result.exit_code == 0, result.output
    token = result.stdout.strip()
    assert token.startswith("gwt_")
    assert "not shown again" in result.stderr
    assert "no route takes it yet" in result.stderr
    listed = run("tokens", "list")
    assert listed.exit_code == 0
    assert all(word in listed.stdout for word in ("ada", "CI", "GET /api/**"))
    assert token not in listed.stdout


def test_that_its_user_is_disabled_is_said(run, configured):
    assert run("users", "disable", "bob").exit_code == 0
    assert "bob is disabled" in run("tokens", "new", "--user", "bob").stderr
    assert "disabled" not in run("tokens", "new", "--user", "ada").stderr


def test_tokens_are_revoked_by_id_or_all_of_a_user(run, configured, issue):
    first, second, bobs = issue("--user", "ada"), issue("--user", "ada"), issue("--user", "bob")
    assert run("tokens", "revoke", first["id"]).exit_code == 0
    result = run("tokens", "revoke", "--json", "--user", "ada")
    assert json.loads(result.stdout)["ended"] == 1
    states = {row["id"]: row["state"] for row in json.loads(run("tokens", "list", "--json").stdout)}
    assert states == {first["id"]: "revoked", second["id"]: "revoked", bobs["id"]: "good"}
    assert [row["id"] for row in json.loads(run("tokens", "list", "--user", "bob", "--json").stdout)] == [bobs["id"]]
    assert "tokens new --user eve" in run("tokens", "list", "--user", "eve").stdout


def test_that_what_is_open_stays_open_is_said_and_the_same_command_mends_it(run, configured, issue, tmp_path, monkeypatch):
    """The tokens are in one store, and who is to hang up learns it from another: 0 would say that both know."""
    made = issue("--user", "ada")
    with valkey(tmp_path) as server:
        monkeypatch.setenv("GATEWAY_STORE__SESSIONS_URL", server.url)
        server.stop()
        result = run("tokens", "revoke", made["id"])
        assert result.exit_code == 75
        assert f"revoked {made['id']} of ada" in result.stdout
        for words in ("no new request is let in", "stays open", f"store.sessions_url, {server.url}", "the same command once more"):
            assert words in result.stderr
        assert json.loads(run("tokens", "list", "--json").stdout)[0]["state"] == "revoked"
        server.start()
        again = run("tokens", "revoke", "--json", made["id"])
        assert again.exit_code == 0
        assert json.loads(again.stdout) == {"revoked": [made["id"]], "ended": 0, "missing": [], "store_not_told": None}
        assert server.entries("gateway:revocations") == 1


@pytest.mark.parametrize("arguments", [["unknown"], ["--user", "nobody"]])
def test_a_token_that_is_not_there_is_said(run, configured, arguments):
    result = run("tokens", "revoke", *arguments)
    assert result.exit_code == 1
    assert "there is no token" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--user", "nobody"], "there is no user nobody"),
        (["--user", "ada", "--role", "root"], "leave --role"),
        (["--user", "ada", "--expires", "soon"], "a duration is a number with a unit"),
        (["--user", "ada", "--expires", "0s"], "a duration is a number with a unit"),
        (["--user", "ada", "--scope", "api"], "a scope is a path"),
        (["--user", "ada", "--scope", "get /api"], "a scope is a path"),
        (["--user", "ada", "--scope", "/a**"], "--scope '/a**'"),
        ([], "--user"),
    ],
    ids=str,
)
def test_what_can_be_no_token_is_refused(run, configured, arguments, said):
    result = run("tokens", "new", *arguments)
    assert result.exit_code == 2, result.output
    assert said in result.stderr
    assert not (configured / "gateway.db").exists()


def test_whom_no_provider_can_look_up_is_who_the_command_line_says(run, configured, issue):
    (configured / "a.py").write_text("def b(credentials): return None\n")
    with (configured / "gateway.toml").open("a") as file:
        file.write(OWN)
    assert issue("--user", "deploy-bot", "--role", "bot")["user"] == "deploy-bot"


def test_where_sign_outs_are_shared_what_a_token_opened_is_over_too(run, configured, issue):
    file = configured / "gateway.toml"
    file.write_text(
        '[store]\nurl = "sqlite:///gateway.db"\n'
        + file.read_text().replace('access = "signed-in"\napi = true', 'access = "signed-in"\napi = true\naccepts = ["bearer"]')
    )
    made = issue("--user", "ada")
    assert run("tokens", "revoke", made["id"]).exit_code == 0
    with contextlib.closing(sqlite3.connect(configured / "gateway.db")) as database:
        assert database.execute("SELECT sign_in_id FROM revocations").fetchall() == [(f"token:{made['id']}",)]
    assert "by bearer" in run("check").stdout
