"""The environment: every setting by name, entries of lists by theirs, and nothing that begins with GATEWAY_ is ignored."""

from __future__ import annotations

import ipaddress
from datetime import timedelta

import pytest

from gateway.settings.shape import keys_at

from .conftest import GOOD


def test_a_text_a_duration_a_number_and_a_boolean(read):
    env = {
        "GATEWAY_SERVER__PUBLIC_URL": "https://app.example.com",
        "GATEWAY_SESSION__MAX_AGE": "1h",
        "GATEWAY_LIMITS__CONNECTIONS": "7000",
        "GATEWAY_UPSTREAMS__APP__CASE_SENSITIVE": "True",
        "PATH": "/bin",
    }
    settings = read(GOOD, env=env).settings
    assert settings.server.public_url.text == "https://app.example.com"
    assert settings.session.max_age == timedelta(hours=1)
    assert settings.limits.connections == 7000
    assert settings.upstreams[0].case_sensitive is True


@pytest.mark.parametrize(
    "text", ["10.0.0.0/8,fd00::/8", "10.0.0.0/8, fd00::/8", '["10.0.0.0/8", "fd00::/8"]'], ids=["commas", "spaces", "json"]
)
def test_a_list_by_commas_or_json(read, text):
    settings = read(GOOD, env={"GATEWAY_SERVER__TRUSTED_PROXIES": text}).settings
    assert settings.server.trusted_proxies == (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("fd00::/8"))


def test_a_table_by_json(read):
    settings = read(GOOD, env={"GATEWAY_HEADERS__SET": '{"X-User-Id": "{user.id}"}'}).settings
    assert settings.headers.set == {"X-User-Id": "{user.id}"}


def test_a_list_of_tables_by_json(read):
    routes = '[{"path": "/only/**", "access": "public", "upstream": "app"}]'
    assert [route.path for route in read(GOOD, env={"GATEWAY_ROUTES": routes}).settings.routes] == ["/only/**"]


def test_an_entry_is_named_in_capitals_with_underscores(read):
    text = GOOD.replace('id = "credentials"', 'id = "staff-accounts"')
    settings = read(text, env={"GATEWAY_PROVIDERS__STAFF_ACCOUNTS__FILE": "/etc/people.toml"}).settings
    assert str(settings.providers[0].file) == "/etc/people.toml"


def test_a_variable_wins_over_the_file_under_either_of_two_names(read, problems, tmp_path):
    """`gateway init` writes `secrets_file`; whoever set GATEWAY_SESSION__SECRETS beside it could not start."""
    secret, other = "s" * 20 + "0123456789abcdef", tmp_path / "database-url"
    other.write_text("sqlite:///other.db\n")
    text = GOOD + '[session]\nsecrets_file = "secret"\n[store]\nurl = "sqlite:///own.db"\n'
    settings = read(text, env={"GATEWAY_SESSION__SECRETS": secret, "GATEWAY_STORE__URL_FILE": str(other)}).settings
    assert [given.get_secret_value() for given in settings.session.secrets] == [secret]
    assert settings.session.secrets_file is None
    assert settings.store.url.endswith("other.db")
    swapped = GOOD + f'[session]\nsecrets = ["{secret}"]\n[store]\nurl_file = "nobody-made-this"\n'
    settings = read(swapped, env={"GATEWAY_SESSION__SECRETS_FILE": "secret", "GATEWAY_STORE__URL": "sqlite:///x.db"}).settings
    assert (settings.session.secrets, settings.session.secrets_file.name) == ((), "secret")
    assert settings.store.url.endswith("x.db")
    found = problems(GOOD, env={"GATEWAY_SESSION__SECRETS": secret, "GATEWAY_SESSION__SECRETS_FILE": "secret"})
    assert "there is `secrets`, too" in found["session.secrets_file"].what, "of two variables, neither wins"


@pytest.mark.parametrize(
    ("name", "cure"),
    [
        pytest.param("GATEWAY_SERVER_LISTEN", "GATEWAY_SERVER__LISTEN", id="one-underscore"),
        pytest.param("GATEWAY_SERVER__LISTN", "GATEWAY_SERVER__LISTEN", id="misspelt-key"),
        pytest.param("GATEWAY_SESION__SECRETS", "GATEWAY_SESSION__SECRETS", id="misspelt-section"),
        pytest.param("GATEWAY_UPSTREAMS__OTHER__URL", "GATEWAY_UPSTREAMS__<NAME>__<KEY>", id="unknown-upstream"),
        pytest.param("GATEWAY_UPSTREAMS__APP__URI", "GATEWAY_UPSTREAMS__<NAME>__<KEY>", id="unknown-key-of-upstream"),
        pytest.param("GATEWAY_FOLDER", "GATEWAY_<SECTION>__<KEY>", id="no-key-of-the-file"),
        pytest.param("GATEWAY_", "GATEWAY_<SECTION>__<KEY>", id="empty"),
        pytest.param("GATEWAY_SERVER__LISTEN__", "GATEWAY_<SECTION>__<KEY>", id="too-long"),
    ],
)
def test_a_variable_that_sets_nothing_is_refused(problems, name, cure):
    found = problems(GOOD, env={name: "hunter2"})
    assert set(found) == {name}
    assert cure in found[name].cure
    assert found[name].file == "environment"
    assert found[name].value is None


def test_a_bad_value_names_the_variable_it_came_from(problems):
    problem = problems(GOOD, env={"GATEWAY_SESSION__MAX_AGE": "soon"})["session.max_age"]
    assert (problem.file, problem.line, problem.value) == ("GATEWAY_SESSION__MAX_AGE", 0, '"soon"')


def test_a_bad_secret_is_not_repeated(problems):
    problem = problems(GOOD, env={"GATEWAY_SESSION__SECRETS": "hunter2"})["session.secrets[1]"]
    assert problem.value == "(hidden)"
    assert problem.file == "GATEWAY_SESSION__SECRETS"


def test_an_empty_secret_is_not_the_same_as_none(problems):
    # `GATEWAY_SESSION__SECRETS=${SECRET}` with SECRET unset must not quietly make a secret that no other replica has.
    assert set(problems(GOOD, env={"GATEWAY_SESSION__SECRETS": ""})) == {"session.secrets"}


def test_broken_json_is_a_problem(problems):
    assert set(problems(GOOD, env={"GATEWAY_HEADERS__SET": "{"})) == {"headers.set"}


def test_keys_of_later_versions_are_refused_here_as_well(problems):
    assert problems(GOOD, env={"GATEWAY_PROVIDERS": '[{"id": "x", "type": "ldap"}]'})["providers[1].type"].what.startswith("not yet")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GATEWAY_CONFIG", "gateway.toml"),
        ("GATEWAY_SERVICE_HOST", "10.0.0.1"),
        ("GATEWAY_SERVICE_PORT_HTTP", "80"),
        ("GATEWAY_PORT", "tcp://10.0.0.1:80"),
        ("GATEWAY_PORT_80_TCP_ADDR", "10.0.0.1"),
        ("GATEWAY_API_SERVICE_HOST", "10.0.0.1"),
        ("GATEWAY_API_PORT", "tcp://10.0.0.1:80"),
    ],
)
def test_what_commands_read_and_what_kubernetes_sets_is_passed_over(read, name, value):
    read(GOOD, env={name: value})


@pytest.mark.parametrize(
    "key",
    [
        f"{section}__{key}"
        for section in ("server", "session", "store", "redirects", "limits")
        for key in keys_at((section,))
        if key != "secrets_file"
    ],
)
def test_every_plain_setting_has_a_variable(problems, key):
    name = f"GATEWAY_{key.upper()}"
    found = problems(GOOD, env={name: "[1"})
    assert all(problem.file == name for problem in found.values())
    assert found.keys() <= {key.replace("__", ".")} | {f"{key.replace('__', '.')}[1]"}


def test_the_express_lane_can_be_turned_off_here(read):
    assert read(GOOD, env={"GATEWAY_SERVER__EXPRESS": "false"}).settings.server.express is False
