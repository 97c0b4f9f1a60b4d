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


HASH = "$2y$05$mzXrQfqPAGBxjgS1wUOxOufKY6hmQxAjAMW2ZBPH5JAfNRpJ6rzUC"
AUTHELIA = """
session: {{cookies: [{{domain: example.com, authelia_url: 'https://auth.example.com'}}]}}
access_control:
  rules:
    - {rule}
    - {{domain: ['*.example.com', 'x.lab.example.com'], policy: one_factor}}
"""
TINYAUTH = f"TINYAUTH_APPURL=https://auth.example.com\nTINYAUTH_AUTH_USERS=ada:{HASH},bob:{HASH}\n"
#: What is written, who asks for what, and what is to come of it: what kept people out there and is hard to see, or has no equal.
CLOSED = [
    ("authelia", AUTHELIA.format(rule="{domain: '{user}.example.com', policy: deny}"), "https://a.example.com/", "deny route-denied"),
    ("authelia", AUTHELIA.format(rule="{domain: '{user}.example.com', policy: one_factor}"), "https://a.example.com/", "deny route-denied"),
    ("authelia", AUTHELIA.format(rule="{domain: a.example.com, domain_regex: '^b', policy: deny}"), "https://b.example.com/", "deny host-unknown"),
    ("authelia", AUTHELIA.format(rule="{domain: '*.example.com', policy: deny}"), "https://x.lab.example.com/", "deny route-denied"),
    ("authelia", AUTHELIA.format(rule="{policy: bypass}"), "https://b.example.com/", "deny session-missing"),
    ("tinyauth", f"{TINYAUTH}TINYAUTH_APPS_WIKI_USERS_ALLOW=ada", "https://wiki.example.com/", "deny role-missing"),
    ("tinyauth", f"{TINYAUTH}--apps.my-wiki.config.domain=w.example.com\n--apps.my-wiki.users.allow=ada", "https://w.example.com/", "deny role-missing"),
    ("tinyauth", f"{TINYAUTH}--apps.my-wiki.config.domain=w.example.com\n--apps.my-wiki.users.allow=ada", "https://my-wiki.example.com/", "deny role-missing"),
    ("oauth2-proxy", 'redirect_url = "https://app.example.com/"\nallowed_roles = ["boss"]', "https://app.example.com/", "deny role-missing"),
    ("oauth2-proxy", "  args:\n  - --email-domain=*\n  - --redirect-url=https://app.example.com/\n  - --allowed-group=a", "https://app.example.com/", "deny group-missing"),
]  # fmt: skip


@pytest.mark.parametrize(("source", "text", "url", "outcome"), CLOSED)
def test_what_kept_people_out_keeps_them_out(run, folder, tmp_path, source, text, url, outcome):
    file = tmp_path / "theirs"
    file.write_text(text)
    assert run("import", source, str(file), "--out", str(tmp_path / "out")).exit_code == 0
    config = str(tmp_path / "out" / "gateway.toml")
    checked = run("check", "-c", config)
    assert checked.exit_code == 0, checked.output
    if source != "tinyauth":
        (tmp_path / "out" / "users.toml").write_text(f"[users.bob]\npassword = '{HASH}'\n")
    who = [] if outcome.endswith("session-missing") else ["--as", "bob"]
    told = json.loads(run("explain", url, "-c", config, "--json", "--header", "Accept: application/json", *who).stdout)
    assert f"{told['decision']} {told['reason']}" == outcome, told["steps"]


@pytest.mark.parametrize(
    ("source", "text", "listen"),
    [
        ("authelia", "session: {}", "0.0.0.0:9091"),
        ("authelia", "session: {}\nserver: {host: 127.0.0.1, port: 9000}", "127.0.0.1:9000"),
        ("authelia", "session: {}\nserver: {port: 9000}", "0.0.0.0:9000"),
        ("authelia", "session: {}\nserver: {address: 'tcp://127.0.0.2:9001/authelia'}", "127.0.0.2:9001"),
        ("oauth2-proxy", "reverse_proxy = true", "127.0.0.1:4180"),
        ("oauth2-proxy", "--http-address=:9 # as before\n", "0.0.0.0:9"),
        ("tinyauth", "TINYAUTH_SERVER_PORT=9 # as before", "0.0.0.0:9"),
    ],
)
def test_it_listens_where_proxies_ask_already(run, folder, tmp_path, source, text, listen):
    file = tmp_path / "theirs"
    file.write_text(text)
    assert f'listen = "{listen}"' in run("import", source, str(file)).stdout


@pytest.mark.parametrize("value", [f"ada:{HASH}", f'"ada:{HASH}" # ada:pass', f"ada:{HASH} # ada:pass", f"'ada:{HASH}'"])
def test_a_remark_behind_a_value_is_none_of_it(run, folder, tmp_path, value):
    file = tmp_path / ".env"
    file.write_text(f"TINYAUTH_AUTH_USERS={value.replace('$', '$$')}\n")
    users = json.loads(run("import", "tinyauth", str(file), "--json").stdout)["files"]["users.toml"]
    assert HASH in users
    assert "disabled" not in users


def test_of_several_lives_of_sessions_the_shortest_is_taken(run, folder, tmp_path):
    file = tmp_path / "configuration.yml"
    file.write_text(
        "session: {expiration: 2h, cookies: [{domain: a.example, expiration: 10 minutes, inactivity: 2m}, {domain: b.example}]}"
    )
    written = run("import", "authelia", str(file)).stdout
    assert 'max_age = "2m"\nabsolute_max_age = "10m"' in written


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("tinyauth", f"{TINYAUTH}TINYAUTH_AUTH_SESSIONEXPIRY={'9' * 5000}"),
        ("tinyauth", f"{TINYAUTH}TINYAUTH_APPS_WIKI_CONFIG_DOMAIN=http://wiki.example.com/"),
        ("authelia", f"regulation: {{find_time: {'9' * 40}y}}\nsession: {{expiration: {'9' * 400}h}}"),
        ("oauth2-proxy", 'upstreams = ["http://127.0.0.1:3000/a b/", "http://127.0.0.1:3001/*/x/", "http://127.0.0.1:3002/"]'),
        ("oauth2-proxy", 'upstreams = ["http://127.0.0.1:3002/"]\ncookie_domains = ["bad host"]\nwhitelist_domains = ["a b.c"]'),
    ],
)  # fmt: skip
def test_a_value_that_no_route_or_limit_can_hold_is_left_out(run, folder, tmp_path, source, text):
    file = tmp_path / "theirs"
    file.write_text(text)
    result = run("import", source, str(file), "--out", str(tmp_path / "out"))
    assert result.exit_code == 0, result.output
    checked = run("check", "-c", str(tmp_path / "out" / "gateway.toml"))
    assert "error" not in checked.output, checked.output


def test_a_folder_that_can_not_be_written_to_is_said(run, folder, tmp_path):
    (tmp_path / "file").write_text("")
    result = run("import", "tinyauth", str(SAMPLES / "tinyauth.env"), "--out", str(tmp_path / "file" / "below"))
    assert (result.exit_code, "can't be written to" in result.stderr) == (1, True), result.output


def test_a_file_without_an_end_is_larger_than_any_configuration(run, folder):
    result = run("import", "tinyauth", "/dev/zero")
    assert (result.exit_code, "larger than any" in result.stderr) == (2, True)


def test_a_mistake_among_the_users_is_said_of_their_file(run, folder, tmp_path):
    (tmp_path / "people.yml").write_text("users: [1,2")
    result = run("import", "authelia", str(SAMPLES / "configuration.yml"), "--users", str(tmp_path / "people.yml"))
    assert (result.exit_code, "people.yml: it is no YAML" in result.stderr) == (2, True), result.output


def test_an_empty_file_is_no_configuration(run, folder, tmp_path):
    file = tmp_path / "empty.cfg"
    file.write_text("# nothing\n")
    for source in ("oauth2-proxy", "authelia", "tinyauth"):
        result = run("import", source, str(file))
        assert (result.exit_code, result.stdout) == (2, ""), source
        assert source.partition("-")[0] in result.stderr.lower()


@pytest.mark.parametrize(
    ("user", "may"),
    [
        ({"email": "a@example.com"}, True),
        ({"email": "A@EXAMPLE.COM"}, True),
        ({"email": "a@evil.com"}, False),
        ({"email": "a@sub.example.com"}, False),
        ({"email": "a@deep.sub.example.org"}, True),
        ({"email": "a@example.org"}, False),
        ({"email": "example.com"}, False),
        ({"id": "ada", "email": "a@evil.com"}, False),
        ({"id": "ada", "email": None}, True),  # of the htpasswd file, whose users were never asked for an address
        ({"id": "eve", "email": ""}, False),
    ],
)
def test_who_may_sign_in_by_address_is_decided_as_before(run, folder, tmp_path, user, may):
    config, _ = imported(run, tmp_path, "oauth2-proxy", "oauth2-proxy.cfg")
    scope: dict = {}
    exec((config.parent / "imported.py").read_text(), scope)
    assert scope["sign_in"](user=user) is may


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
    "text",
    ["\x00", "[[[", "a: [b", "- 1", "", "&a [*a]", "a: &x [1]\nb: [*x, *x]\n", "{" * 5000, "key = ", "\udcff", "a=" + "[" * 5000],
    ids=range(11),
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
