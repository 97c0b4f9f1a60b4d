"""Whatever stands in a configuration, the answer is settings or problems, never another exception (promise 51: no traceback)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import ConfigError
from gateway.settings.load import load
from gateway.settings.policy import policy_of, stripper_of
from gateway.settings.shape import keys_at
from gateway.settings.values.listen_address import ListenAddress
from gateway.settings.values.origin import Origin
from gateway.settings.values.upstream_url import UpstreamUrl

WORDS = st.sampled_from(
    [
        "",
        "/",
        "/**",
        "/a",
        "//x",
        "app",
        "*",
        "*.x",
        "GET",
        "public",
        "deny",
        "signed-in",
        "users",
        "sql",
        "python",
        "ldap",
        "token",
        "http://h",
        "https://[::1",
        "http://h:99999",
        "unix:/x",
        "sqlite:///x",
        "127.0.0.1:0",
        "10.0.0.0/8",
        "5m",
        "1KiB",
        "m:f",
        "{user.id}",
        "{",
    ]
)
PLAIN = st.one_of(WORDS, st.text(max_size=8), st.integers(), st.booleans(), st.floats(), st.none())
KEYS = st.one_of(
    st.sampled_from(
        sorted(
            {key for path in ((), ("server",), ("session",), ("routes", 0), ("upstreams", 0), ("providers", 0)) for key in keys_at(path)}
        )
    ),
    st.sampled_from(["when", "to", "rules", "role", "label", "type", "expose", "url_file", "assertion"]),
    st.text(max_size=4),
)
TREES = st.recursive(PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12)
TABLES = st.dictionaries(
    st.sampled_from(keys_at(())), st.one_of(TREES, st.lists(st.dictionaries(KEYS, TREES, max_size=5), max_size=3)), max_size=5
)


@given(TABLES)
def test_any_tables_give_settings_or_problems(tables):
    try:
        loaded = load(None, overrides=tables)
    except ConfigError as error:
        assert any(not problem.warning for problem in error.problems)
        assert all(problem.what for problem in error.problems)
    else:
        policy_of(loaded.settings)
        stripper_of(loaded.settings)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=60))
def test_any_text_gives_settings_or_problems(tmp_path_factory, text):
    file = tmp_path_factory.mktemp("any") / "gateway.toml"
    file.write_text(text, "utf-8", newline="")
    try:
        load(file)
    except ConfigError as error:
        assert str(error)


@given(
    st.dictionaries(
        st.text(alphabet="SERVERLISTENROUTESUPSTREAMSPROVIDERSURL_", max_size=24).map(lambda name: f"GATEWAY_{name}"),
        PLAIN.map(str),
        max_size=3,
    )
)
def test_any_environment_gives_settings_or_problems(env):
    try:
        load(None, env=env)
    except ConfigError as error:
        assert str(error)


@pytest.mark.parametrize("kind", [ListenAddress, Origin, UpstreamUrl])
@given(text=st.one_of(st.text(max_size=30), st.text(alphabet="htps:/[]@.1x#?-", max_size=20), WORDS))
def test_an_address_is_read_and_written_alike_or_refused(kind, text):
    try:
        made = kind.parse(text)
    except ValueError:
        return
    assert kind.parse(str(made)) == made
