"""`gateway import`: what comes out can be served, nothing is more open than before, and whatever has no equal is said with its line and its cure."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from gateway.cli.imports.patterns import pattern_of, wider
from gateway.cli.imports.values import duration_of

SAMPLES = Path(__file__).with_name("imports")
ALL = [
    ("oauth2-proxy", "oauth2-proxy.cfg"),
    ("oauth2-proxy", "oauth2-proxy.flags"),
    ("oauth2-proxy", "oauth2-proxy.env"),
    ("authelia", "configuration.yml"),
    ("tinyauth", "tinyauth.env"),
]
SECRETS = ("do-not-print-me", "JBSWY3DPEHPK3PXP")


def imported(run, tmp_path: Path, source: str, name: str) -> tuple[Path, list[dict]]:
    result = run("import", source, str(SAMPLES / name), "--out", str(tmp_path / "out"), "--json")
    assert result.exit_code == 0, result.output
    return tmp_path / "out" / "gateway.toml", json.loads(result.stdout)["remarks"]


@pytest.mark.parametrize(("source", "name"), ALL)
def test_what_comes_out_passes_the_check_and_names_no_secret(run, folder, tmp_path, source, name):
    config, remarks = imported(run, tmp_path, source, name)
    checked = run("check", "-c", str(config))
    assert checked.exit_code == 0, checked.output
    assert remarks
    assert all(remark["what"] and remark["cure"] for remark in remarks)
    written = "".join(file.read_text() for file in config.parent.iterdir()) + json.dumps(remarks)
    assert not [secret for secret in SECRETS if secret in written]
    assert config.with_name("users.toml").stat().st_mode & 0o077 == 0
    lines = (SAMPLES / name).read_text().splitlines()
    for remark in remarks:
        key = remark["setting"].rpartition(".")[2].partition("[")[0].removesuffix("s").lower().replace("_", "")
        if remark["line"] and not remark["setting"].startswith(("users.", "access_control")):
            assert key in lines[remark["line"] - 1].lower().replace("_", "").replace("-", ""), remark


#: Sample, address, who (with groups and roles, where no provider of the outcome can know them), and what is to come of it.
OUTCOMES = [
    ("oauth2-proxy.cfg", "https://app.example.com/x", "ada", "allow session-accepted"),
    ("oauth2-proxy.cfg", "https://app.example.com/docs/x", "ada", "allow session-accepted"),
    ("oauth2-proxy.cfg", "https://app.example.com/x", None, "deny session-missing"),
    ("oauth2-proxy.cfg", "https://app.example.com/health", None, "allow route-public"),
    ("oauth2-proxy.cfg", "https://app.example.com/public/a", None, "allow route-public"),
    ("oauth2-proxy.cfg", "https://app.example.com/static/a", None, "allow route-public"),
    ("oauth2-proxy.cfg", "https://app.example.com/statically", None, "allow route-public"),
    ("oauth2-proxy.cfg", "https://app.example.com/st", None, "deny session-missing"),
    ("oauth2-proxy.cfg", "https://app.example.com/v1/x", None, "deny session-missing"),
    ("oauth2-proxy.cfg", "https://evil.example.com/x", "ada", "deny host-unknown"),
    ("oauth2-proxy.flags", "https://deep.example.com/health", None, "allow route-public"),
    ("oauth2-proxy.flags", "https://deep.example.com/x", None, "deny session-missing"),
    ("oauth2-proxy.env", "https://auth.example.com/x", None, "deny session-missing"),
    ("configuration.yml", "https://public.example.com/any", None, "allow route-public"),
    ("configuration.yml", "https://app.example.com/api/health", None, "allow route-public"),
    ("configuration.yml", "https://app.example.com/v1/open", None, "deny session-missing"),
    ("configuration.yml", "https://app.example.com/admin/x", "ada", "allow session-accepted"),
    ("configuration.yml", "https://app.example.com/admin/x", "bob", "deny group-missing"),
    ("configuration.yml", "https://app.example.com/bank/x", "ada", "deny route-denied"),
    ("configuration.yml", "https://app.example.com/inside/x", "ada", "deny route-denied"),
    ("configuration.yml", "https://app.example.com/edit/7/x", "ada", "deny route-denied"),
    ("configuration.yml", "https://app.example.com/x", "bob", "allow session-accepted"),
    ("configuration.yml", "https://one.apps.example.com/x", "bob", "allow session-accepted"),
    ("configuration.yml", "https://wiki.example.com/x", "ada", "allow session-accepted"),
    ("configuration.yml", "https://wiki.example.com/x", "bob", "allow session-accepted"),
    ("configuration.yml", "https://wiki.example.com/x", "cleo", "deny role-missing"),
    ("configuration.yml", "https://secure.example.com/x", "ada", "deny route-denied"),
    ("configuration.yml", "https://unknown.example.com/x", "ada", "deny host-unknown"),
    ("tinyauth.env", "https://app.example.com/x", "ada", "allow session-accepted"),
    ("tinyauth.env", "https://wiki.example.com/x", "ada", "allow session-accepted"),
    ("tinyauth.env", "https://wiki.example.com/x", "bob", "deny role-missing"),
    ("tinyauth.env", "https://lab.example.com/x", "ada", "deny route-denied"),
    ("tinyauth.env", "https://app.example.org/x", "ada", "deny host-unknown"),
]


@pytest.mark.parametrize(("name", "url", "who", "outcome"), OUTCOMES)
def test_nobody_gets_further_than_before(run, folder, tmp_path, name, url, who, outcome):
    source = next(source for source, sample in ALL if sample == name)
    config, _ = imported(run, tmp_path, source, name)
    told = json.loads(
        run("explain", url, "-c", str(config), "--json", "--header", "Accept: application/json", *(["--as", who] if who else [])).stdout
    )
    assert f"{told['decision']} {told['reason']}" == outcome, told["steps"]


def test_users_are_taken_over_and_who_had_a_second_factor_waits(run, folder, tmp_path):
    for source, name, expected in [
        ("authelia", "configuration.yml", {"ada": False, "bob": True, "cleo": True}),
        ("tinyauth", "tinyauth.env", {"ada": False, "bob": True}),
        ("oauth2-proxy", "oauth2-proxy.cfg", {"ada": False, "bob": True}),
    ]:
        config, remarks = imported(run, tmp_path / name, source, name)
        listed = json.loads(run("users", "list", "-c", str(config), "--json").stdout)
        assert {user["username"]: user["disabled"] for user in listed} == expected
        assert any(remark["closes"] and "bob" in remark["cure"] for remark in remarks)


def test_who_may_sign_in_by_address_is_decided_as_before(run, folder, tmp_path, monkeypatch):
    config, _ = imported(run, tmp_path, "oauth2-proxy", "oauth2-proxy.cfg")
    scope: dict = {}
    exec((config.parent / "imported.py").read_text(), scope)
    told = {
        email: scope["sign_in"](user={"email": email})
        for email in ("a@example.com", "A@EXAMPLE.COM", "a@evil.com", "example.com", "", None)
    }
    assert told == {"a@example.com": True, "A@EXAMPLE.COM": True, "a@evil.com": False, "example.com": True, "": False, None: False} | {
        "example.com": told["example.com"]
    }


def test_to_standard_output_goes_the_configuration_alone(run, folder):
    result = run("import", "tinyauth", str(SAMPLES / "tinyauth.env"))
    assert result.exit_code == 0
    assert result.stdout.startswith("# Made of tinyauth.env")
    assert "[[routes]]" in result.stdout
    assert f"{SAMPLES / 'tinyauth.env'}:" in result.stderr
    assert "--out DIR writes all of it" in result.stderr


def test_nothing_is_overwritten(run, folder, tmp_path):
    imported(run, tmp_path, "tinyauth", "tinyauth.env")
    again = run("import", "tinyauth", str(SAMPLES / "tinyauth.env"), "--out", str(tmp_path / "out"))
    assert again.exit_code == 1
    assert "stays as it is" in again.stderr


@pytest.mark.parametrize("source", ["oauth2-proxy", "authelia", "tinyauth"])
@pytest.mark.parametrize(
    "text", ["\x00", "[[[", "a: [b", "- 1", "", "&a [*a]", "a: &x [1]\nb: [*x, *x]\n", "{" * 5000, "key = ", "\udcff"], ids=range(10)
)
def test_a_file_that_is_none_is_a_clear_error_or_a_closed_outcome(run, folder, tmp_path, source, text):
    file = tmp_path / "file"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    result = run("import", source, str(file), "--out", str(tmp_path / "out"))
    assert result.exit_code in (0, 2), result.output
    assert "Traceback" not in result.output
    if result.exit_code == 0:
        assert 'access = "public"' not in (tmp_path / "out" / "gateway.toml").read_text()


def test_authelias_users_may_lie_elsewhere(run, folder, tmp_path):
    shutil.copy(SAMPLES / "configuration.yml", tmp_path)
    alone = json.loads(run("import", "authelia", str(tmp_path / "configuration.yml"), "--json").stdout)
    assert any("--users" in remark["cure"] for remark in alone["remarks"])
    named = json.loads(
        run("import", "authelia", str(tmp_path / "configuration.yml"), "--users", str(SAMPLES / "users_database.yml"), "--json").stdout
    )
    assert "[users.ada]" in named["files"]["users.toml"]


@pytest.mark.parametrize(
    ("regex", "same", "closes"),
    [
        ("^/health$", "/health", "/health"),
        ("^/a/.*", "/a/**", "/a/**"),
        ("^/a([/?].*)?$", "/a/**", "/a/**"),
        ("^/a/b\\.txt$", "/a/b.txt", "/a/b.txt"),
        ("^/api.*", "/api*/**", "/api*/**"),
        ("^/api(/.*)?", "/api*/**", "/api*/**"),
        ("^/api(/.*)?$", "/api/**", "/api/**"),
        ("^/a/api", "/a/api*/**", "/a/api*/**"),
        ("^/a/v[12]/x$", None, "/a/**"),
        ("^/ab?$", None, "/**"),
        ("^/a|^/b", None, "/**"),
        ("/health$", None, "/**"),
        ("^/a/\\.\\./b$", None, "/**"),
        ("^/a\\*b$", None, "/**"),
        ("^/.*$", "/**", "/**"),
        (".*", "/**", "/**"),
    ],
)
def test_an_expression_becomes_a_pattern_only_where_both_mean_the_same(regex, same, closes):
    """What opens a door is never wider than it was, and what closes one never narrower."""
    assert (pattern_of(regex), wider(regex)) == (same, closes)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("168h0m0s", 604800),
        ("1M", 2592000),
        ("5 minutes", 300),
        ("3600", 3600),
        ("2 months", 5184000),
        ("0", None),
        ("soon", None),
        ("", None),
    ],
)
def test_durations_are_read_as_they_are_written_there(text, seconds):
    span = duration_of(text)
    assert (None if span is None else span.total_seconds()) == seconds
