"""`[headers.assertion]`: off unless it is there, and what it can't be."""

from __future__ import annotations

from datetime import timedelta

import pytest

from .conftest import GOOD


def test_nothing_is_signed_unless_the_section_is_there(read):
    assert read(GOOD).settings.headers.assertion is None


def test_the_section_alone_is_enough(read):
    assertion = read(f"{GOOD}\n[headers.assertion]\n").settings.headers.assertion
    assert (assertion.name, assertion.algorithm, assertion.lifetime) == ("X-Gateway-Assertion", "EdDSA", timedelta(seconds=60))
    assert set(assertion.claims) == {"name", "email", "roles", "groups"}
    assert assertion.keys_file.is_absolute()
    assert assertion.keys_file.name == "assertion-keys"


@pytest.mark.parametrize(
    ("lines", "key", "what"),
    [
        pytest.param('name = "Cookie"', "name", "protocol", id="cookie"),
        pytest.param('name = "Authorization"', "name", "protocol", id="authorization"),
        pytest.param('name = "X-Forwarded-User"', "name", "already", id="a-preset's"),
        pytest.param('name = "x_user"', "name", "can't be used", id="underscore"),
        pytest.param('lifetime = "61s"', "lifetime", "60 seconds", id="too-long"),
        pytest.param('lifetime = "7s"', "lifetime", "8 to", id="too-short"),
        pytest.param('algorithm = "HS256"', "algorithm", "", id="symmetric"),
        pytest.param('algorithm = "none"', "algorithm", "", id="none"),
        pytest.param('claims = { sub = "email" }', "claims.sub", "made by the gateway", id="sub"),
        pytest.param('claims = { exp = "never" }', "claims.exp", "made by the gateway", id="exp"),
        pytest.param('keys_file = "secret"', "keys_file", "session secrets", id="the-session's-secrets"),
    ],
)
def test_what_it_can_not_be(problems, lines, key, what):
    found = problems(f"{GOOD}\n[headers.assertion]\n{lines}\n")
    assert set(found) == {f"headers.assertion.{key}"}
    assert what in found[f"headers.assertion.{key}"].what


def test_the_longest_and_the_shortest_life(read):
    for life in ("8s", "60s"):
        assert read(f'{GOOD}\n[headers.assertion]\nlifetime = "{life}"\n').settings.headers.assertion.lifetime


def upstream(lines: str) -> str:
    """A good configuration whose upstream has these lines."""
    return GOOD.replace("[[upstreams]]\n", f"[[upstreams]]\n{lines}\n", 1)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        pytest.param(upstream('authorization = "bearer"'), "upstreams[1].authorization", id="nothing-to-send"),
        pytest.param(upstream('basic_password = "x"'), "upstreams[1].basic_password", id="nobody-sends-it"),
        pytest.param(upstream('authorization = "digest"'), "upstreams[1].authorization", id="another-scheme"),
        pytest.param(
            upstream('authorization = "basic"') + '\n[headers.set]\n"Authorization" = "Bearer {user.key}"\n',
            "headers.set.Authorization",
            id="two-of-them",
        ),
        pytest.param(
            upstream('authorization = "basic"\nbasic_password = "x"\nbasic_password_file = "y"'),
            "upstreams[1].basic_password_file",
            id="password-twice",
        ),
    ],
)
def test_an_authorization_that_can_not_be_sent(problems, text, key):
    assert set(problems(text)) == {key}


def test_the_password_may_lie_in_a_file(read, tmp_path):
    (tmp_path / "password").write_text("of the app\n")
    settings = read(upstream('authorization = "basic"\nbasic_password_file = "password"')).settings
    assert settings.upstreams[0].basic_password.get_secret_value() == "of the app"
    assert "of the app" not in repr(settings)


def test_all_presets_at_once(read):
    presets = ["x-forwarded", "x-auth-request", "remote", "authentik", "token"]
    loaded = read(f"{GOOD}\n[headers]\npresets = {presets}".replace("'", '"'))
    assert list(loaded.settings.headers.presets) == presets
