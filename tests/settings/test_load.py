"""Loading: what may stand where, in which order it wins, and that everything wrong is said at once."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.core.errors import ConfigError
from gateway.settings.load import load
from gateway.settings.values.listen_address import ListenAddress

from .conftest import APP, GOOD

LONG = "0123456789abcdef0123456789ABCDEF"


def test_a_small_file_has_all_defaults(read):
    loaded = read(GOOD)
    settings = loaded.settings
    assert loaded.warnings == ()
    assert settings.server.listen == (ListenAddress(host="127.0.0.1", port=8080),)
    assert settings.session.max_age == timedelta(hours=24)
    assert list(settings.providers[0].credentials) == ["username", "password"]
    assert settings.limits.request_body == 100 * 1024 * 1024


def test_paths_start_at_the_folder_of_the_file(read, tmp_path):
    settings = read(GOOD + '[store]\nurl = "sqlite:///users.db?timeout=3"\n').settings
    assert settings.providers[0].file == tmp_path / "users.toml"
    assert settings.session.secrets_file == tmp_path / "secret"
    assert settings.store.url == f"sqlite:///{tmp_path}/users.db?timeout=3"
    assert settings.folder == tmp_path


def test_the_default_store_lies_beside_the_file_as_well(read, tmp_path):
    assert read(GOOD).settings.store.url == f"sqlite:///{tmp_path}/gateway.db"


def test_loading_creates_nothing(read, tmp_path):
    read(GOOD)
    assert os.listdir(tmp_path) == ["gateway.toml"]


def test_without_a_file_overrides_alone_make_the_settings(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    overrides = {
        "server.listen": "127.0.0.1:0",
        "providers": [{"id": "one", "type": "users", "file": "/etc/users.toml"}],
        "upstreams": [{"name": "app", "url": "http://127.0.0.1:3000"}],
        "routes": [{"path": "/**", "access": "signed-in", "upstream": "app"}],
    }
    loaded = load(None, overrides=overrides)
    assert loaded.file is None
    assert loaded.settings.server.listen[0].port == 0
    assert loaded.settings.routes[0].upstream == "app"


def test_the_environment_wins_over_the_file_and_the_command_line_over_both(read):
    text = GOOD + '[limits]\ndrain = "1s"\nbuffer = "1KiB"\nkeep_alive = "1s"\n'
    env = {"GATEWAY_LIMITS__BUFFER": "2KiB", "GATEWAY_LIMITS__KEEP_ALIVE": "2s"}
    limits = read(text, env=env, overrides={"limits.keep_alive": "3s"}).settings.limits
    assert (limits.drain, limits.buffer, limits.keep_alive) == (timedelta(seconds=1), 2048, timedelta(seconds=3))


def test_overrides_reach_into_lists(read):
    assert read(GOOD, overrides={"upstreams.0.url": "http://127.0.0.1:9"}).settings.upstreams[0].url.port == 9


def test_problems_of_the_command_line_say_so(problems):
    assert problems(GOOD, overrides={"server.listen": "nowhere"})["server.listen"].file == "command line"


# All at once, each with its place.

BROKEN = """\
[server]
listen = "127.0.0.1:99999"
public_ulr = "http://x"

[[providers]]
id = "ldap"
type = "ldap"
[[providers]]
id = "db"
type = "sql"
url = "mysql://gateway:hunter2@db/x"
[[upstreams]]
name = "app"
url = "http://127.0.0.1:3000/base"
[[upstreams]]
name = "other"
url = "http://127.0.0.1:3001"
[[routes]]
path = "/é/**"
access = "singed-in"
upstream = "app"
[[routes]]
path = "/x/../y"
access = "deny"
[[routes]]
path = "/z"
access = "public"
roles = ["é", "b"]
upstream = "othr"
[redirects]
after_sign_in = "//evil.example"
"""


def test_every_problem_is_reported_with_file_line_and_column(problems, tmp_path):
    found = {key: (problem.line, problem.column) for key, problem in problems(BROKEN).items()}
    assert found == {
        "server.listen": (2, 10),
        "server.public_ulr": (3, 1),
        "providers[1].type": (7, 8),
        "providers[2].url": (11, 7),
        "upstreams[1].url": (14, 7),
        "routes[1].access": (20, 10),
        "routes[2].path": (23, 8),
        "routes[3].roles": (28, 1),
        "redirects.after_sign_in": (31, 17),
    }
    assert {problem.file for problem in problems(BROKEN).values()} == {str(tmp_path / "gateway.toml")}


def test_columns_count_characters_not_bytes(problems):
    problem = problems(GOOD + '[headers]\nset = { "X-É" = "é", "X-A" = "{usr.id}" }\n')["headers.set.X-A"]
    assert (problem.column, problem.value) == (30, '"{usr.id}"')


def test_an_entry_that_was_set_aside_makes_no_false_problem_elsewhere(problems):
    # The one provider and the one upstream are wrong: nothing may be said about routes that need them.
    text = GOOD.replace('file = "users.toml"', 'flie = "users.toml"').replace("http://127.0.0.1:3000", "ftp://127.0.0.1")
    assert set(problems(text)) == {"providers[1].file", "providers[1].flie", "upstreams[1].url"}


def test_problems_come_in_the_order_of_the_file_and_warnings_last(read):
    text = GOOD + '[session]\nmax_age = "200h"\nabsolute_max_age = "100h"\n[limits]\ndrain = "0s"\n'
    with pytest.raises(ConfigError) as caught:
        read(text)
    listed = [(problem.warning, problem.line) for problem in caught.value.problems]
    assert listed == sorted(listed)
    assert [warning for warning, _ in listed] == [False, False, True]


@pytest.mark.parametrize(
    ("text", "place", "what"),
    [
        pytest.param("[server\n", (1, 8), "no TOML", id="bracket"),
        pytest.param(f"a = {'[' * 5000}{']' * 5000}", (0, 0), "nested too deeply", id="deep"),
        pytest.param("a = 1\na = 2\n", (2, 6), "no TOML", id="key-twice"),
        pytest.param("a = 1\nb =", (2, 4), "no TOML", id="at-the-end"),
    ],
)
def test_a_syntax_error_has_its_place(read, text, place, what):
    with pytest.raises(ConfigError) as caught:
        read(text)
    (problem,) = caught.value.problems
    assert what in problem.what
    assert (problem.line, problem.column) == place


def test_text_that_is_not_utf8_has_its_place(tmp_path):
    file = tmp_path / "gateway.toml"
    file.write_bytes(b'[server]\nlisten = "\xff"\n')
    with pytest.raises(ConfigError) as caught:
        load(file)
    assert (caught.value.problems[0].line, caught.value.problems[0].column) == (2, 11)


@pytest.mark.parametrize("name", ["missing.toml", "."], ids=["missing", "a-folder"])
def test_a_file_that_cannot_be_read_is_a_problem_not_a_traceback(tmp_path, name):
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / name)
    assert caught.value.problems[0].cure


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        pytest.param("[[routes]]\npath = '/x'\naccces = 'deny'\naccess = 'deny'\n", "access", id="route"),
        pytest.param("[sesion]\nmax_age = '1h'\n", "session", id="section"),
        pytest.param("[limits]\nrequest_bodies = 1\n", "request_body", id="limit"),
        pytest.param("[headers]\npreset = []\n", "presets", id="headers"),
    ],
)
def test_an_unknown_key_is_refused_with_the_likely_one(problems, line, meant):
    (problem,) = problems(GOOD.replace('[[routes]]\npath = "/**"', line + '[[routes]]\npath = "/**"')).values()
    assert problem.what == "there is no such setting"
    assert problem.cure == f"did you mean `{meant}`?"


def test_an_unknown_key_of_a_provider_names_only_keys_of_its_type(problems):
    cure = problems(GOOD.replace('file = "users.toml"', 'file = "users.toml"\nzzz = 1'))["providers[1].zzz"].cure
    assert cure == "here there are: id, name, credentials, messages, type, file"


@pytest.mark.parametrize(
    ("text", "key", "cure"),
    [
        pytest.param('[server]\nlisten = "nowhere"', "server.listen", "host:port", id="address"),
        pytest.param("[server]\nlisten = 8080", "server.listen", "between quotes", id="address-as-number"),
        pytest.param("[server]\nlisten = []", "server.listen", "at least one", id="no-address"),
        pytest.param('[server]\npublic_url = "localhost"', "server.public_url", "scheme and a host", id="origin"),
        pytest.param('[server]\npublic_url = "https://x/y"', "server.public_url", "no path", id="origin-with-path"),
        pytest.param('[server]\npublic_url = "https://[::1"', "server.public_url", "scheme and a host", id="broken-bracket"),
        pytest.param(
            '[server]\ntrusted_proxies = ["10.0.0.1/8"]', "server.trusted_proxies[1]", '"10.0.0.0/8"', id="network-with-host-bits"
        ),
        pytest.param('[server]\ntrusted_proxies = "10.0.0.0/8"', "server.trusted_proxies", "between brackets", id="no-list"),
        pytest.param('[session]\nmax_age = "1 day"', "session.max_age", '"24h"', id="duration"),
        pytest.param("[session]\nmax_age = 3600", "session.max_age", "with a unit", id="duration-without-unit"),
        pytest.param('[session]\nmax_age = "0s"', "session.max_age", "above zero", id="zero-duration"),
        pytest.param('[session]\nmax_age = "999999d"', "session.max_age", "3650d", id="endless-duration"),
        pytest.param('[limits]\nworker_timeout = "4999ms"', "limits.worker_timeout", '"5s" or more', id="short-duration"),
        pytest.param('[limits]\nbuffer = "1TB"', "limits.buffer", "64KiB", id="size"),
        pytest.param("[limits]\nbuffer = true", "limits.buffer", "64KiB", id="size-as-boolean"),
        pytest.param("[limits]\nbuffer = 0", "limits.buffer", "above zero", id="no-room"),
        pytest.param("[limits]\nconnections = 0", "limits.connections", "1 or more", id="count"),
        pytest.param('[limits]\nconnections = "9"', "limits.connections", "without quotes", id="count-as-text"),
        pytest.param('[store]\nurl = "mysql://x"', "store.url", "postgresql://", id="database"),
        pytest.param('[store]\nurl = "redis:///1"', "store.url", "rediss://", id="redis"),
        pytest.param('[headers]\npresets = ["x-forwraded"]', "headers.presets[1]", 'did you mean "x-forwarded"?', id="preset"),
        pytest.param("server = 1", "server", "table", id="section-as-number"),
    ],
)
def test_a_value_that_cannot_be_read_is_refused_with_the_form_it_should_have(problems, text, key, cure):
    found = problems(f"{text}\n{GOOD}")
    assert cure in found[key].cure
    assert set(found) == {key}


@pytest.mark.parametrize(
    ("lines", "key"),
    [
        *((f'[[providers]]\nid = "x"\ntype = "{kind}"', "providers[1].type") for kind in ("htpasswd", "ldap", "http", "oidc")),
    ],
)
def test_keys_of_later_versions_are_refused_by_name(problems, lines, key):
    (problem,) = problems(f"{lines}\n{GOOD}").values()
    assert problem.key == key
    assert problem.what.startswith("not yet")
    assert problem.cure


@pytest.mark.parametrize(
    ("lines", "kept"),
    [
        ('[session]\nstrategy = "jwt"', "memory"),
        ('[session]\nstrategy = "server"', "store"),
        ('[store]\nurl = "postgresql://db.test/x"', "store"),
        ('[store]\nsessions_url = "redis://valkey.test/1"', "store"),
        ('[store]\nsessions_url = "unix:///run/valkey.sock?db=2"\n[session]\nrevocation = "memory"', "memory"),
    ],
)
def test_where_sign_outs_are_remembered_follows_from_the_store_and_the_strategy(read, lines, kept):
    assert read(f"{lines}\n{GOOD}").settings.session.revocation == kept


@pytest.mark.parametrize(("lines", "on"), [("", True), ("[server]\nexpress = true", True), ("[server]\nexpress = false", False)])
def test_the_express_lane_is_on_unless_it_is_turned_off(read, lines, on):
    assert read(f"{lines}\n{GOOD}").settings.server.express is on


def test_the_express_lane_is_on_or_off_and_nothing_between(problems):
    assert set(problems('[server]\nexpress = "off"\n' + GOOD)) == {"server.express"}


# Secrets.


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('[session]\nsecret = "hunter2hunter2"', id="misspelt-key"),
        pytest.param('[session]\nsecrets = ["hunter2"]', id="too-short"),
        pytest.param('[session]\nsecrets = "hunter2"', id="no-list"),
        pytest.param('[store]\nurl = "mysql://u:hunter2@h/x"', id="database"),
        pytest.param('[store]\nsessions_url = "redis://u:hunter2@h/x?ssl_cert_reqs=none"', id="redis"),
        pytest.param('[[providers]]\nid = "x"\ntype = "sql"\nurl = "mysql://u:hunter2@h/x"', id="provider"),
        pytest.param('[[upstreams]]\nname = "x"\nurl = "http://u:hunter2@h"', id="upstream-with-password"),
        pytest.param('[server]\npublic_url = "http://u:hunter2@h"', id="origin-with-password"),
    ],
)
def test_no_problem_repeats_a_secret(read, text):  # promise 63
    with pytest.raises(ConfigError) as caught:
        read(f"{text}\n{GOOD}")
    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in repr(caught.value.problems)
    assert caught.value.__cause__ is None


def test_settings_print_no_secret(read):
    settings = read(f'{GOOD}[session]\nsecrets = ["{LONG}"]\n[store]\nurl = "postgresql://u:hunter2@h/x"\n').settings
    assert LONG not in repr(settings)
    assert "hunter2" not in repr(settings)
    assert settings.session.secrets_file is None


@pytest.mark.parametrize("where", ["file", "environment"])
def test_a_database_address_may_come_from_a_file(read, tmp_path, where):
    (tmp_path / "dsn").write_text("postgresql://u:p@h/x\n")
    if where == "file":
        settings = read(GOOD + '[store]\nurl_file = "dsn"\n').settings
    else:
        settings = read(GOOD, env={"GATEWAY_STORE__URL_FILE": "dsn"}).settings
    assert settings.store.url == "postgresql://u:p@h/x"


def test_so_may_the_address_of_the_store_of_sessions(read, tmp_path):
    (tmp_path / "valkey").write_text("rediss://u:hunter2@h/1\n")
    store = read(GOOD + '[store]\nsessions_url_file = "valkey"\n').settings.store
    assert (store.for_sessions, store.url) == ("rediss://u:hunter2@h/1", f"sqlite:///{tmp_path}/gateway.db")
    assert "hunter2" not in repr(store)


def test_a_provider_has_its_own_file(read, tmp_path):
    (tmp_path / "dsn").write_text("postgresql://u:p@h/x")
    text = GOOD.replace('type = "users"\nfile = "users.toml"', 'type = "sql"\nurl_file = "dsn"')
    assert read(text).settings.providers[0].url.get_secret_value() == "postgresql://u:p@h/x"


@pytest.mark.parametrize(
    ("content", "more", "why"),
    [
        pytest.param(None, "", "can't be read", id="missing"),
        pytest.param(b"", "", "empty", id="empty"),
        pytest.param(b"\xff", "", "not UTF-8", id="not-utf8"),
        pytest.param(b"x" * 70_000, "", "too large", id="too-large"),
        pytest.param(b"sqlite://", 'url = "sqlite://"', "`url`, too", id="both"),
    ],
)
def test_a_secret_file_that_cannot_be_used_is_a_problem(problems, tmp_path, content, more, why):
    if content is not None:
        (tmp_path / "dsn").write_bytes(content)
    assert why in problems(f'{GOOD}[store]\nurl_file = "dsn"\n{more}\n')["store.url_file"].what


def test_only_secrets_may_come_from_a_file(problems):
    assert "server.public_url_file" in problems('[server]\npublic_url_file = "x"\n' + GOOD)


# Every file that we ship.

CONFIG = Path(__file__).parents[2] / "config"
EXAMPLES = [*sorted((CONFIG / "examples").glob("*.toml")), *sorted((CONFIG / "examples").glob("*/gateway.toml"))]
SHIPPED = [CONFIG / "gateway.toml", *(file for file in EXAMPLES if file.name != "users.toml")]


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: str(file.relative_to(CONFIG)))
def test_shipped_files_load_without_problems_or_warnings(file):
    loaded = load(file)
    # An app that runs Auth.js itself needs the keys, and its operator is told so each time.
    expected = {"upstreams[1].session_cookie"} if file.name == "next-auth.toml" or file.parent.name == "nextjs" else set()
    assert {problem.key for problem in loaded.warnings} == expected
    assert loaded.settings.routes


def test_every_line_of_the_demo_is_commented():
    lines = (CONFIG / "gateway.toml").read_text("utf-8").splitlines()
    assert [line for line in lines if line and "#" not in line] == []


def test_text_around_a_table_header_does_not_matter(problems):
    text = f'{APP}\n[[routes]] # one\npath = "/**"\naccess = "public"\nupstream="app"\n[  limits ]\n  drain   =   "x"\n'
    problem = problems(text)["limits.drain"]
    assert problem.value == '"x"'
    assert problem.column == 15


def test_a_file_without_an_end_is_no_configuration():
    with pytest.raises(ConfigError, match="larger than"):
        load(Path("/dev/zero"))
