"""`[forward_auth]`: who may ask, and what routes may leave out then."""

from __future__ import annotations

GOOD = """
[[providers]]
id = "credentials"
type = "python"
authorize = "json:loads"
[[routes]]
path = "/**"
access = "signed-in"
"""
TRUSTED = '[server]\ntrusted_proxies = ["127.0.0.1"]\n'


def test_routes_need_no_upstream_where_proxies_ask(read):
    loaded = read(f'{TRUSTED}[forward_auth]\ndialects = ["nginx", "envoy"]\n{GOOD}')
    assert loaded.settings.forward_auth.dialects == ("nginx", "envoy")


def test_without_it_they_need_one(problems):
    assert set(problems(f"{TRUSTED}{GOOD}")) == {"routes[1].upstream"}
    assert set(problems(f"{TRUSTED}[forward_auth]\ndialects = []\n{GOOD}")) == {"routes[1].upstream"}


def test_nobody_could_ask_without_a_listed_proxy(problems):
    found = problems(f'[forward_auth]\ndialects = ["nginx"]\n{GOOD}')
    assert set(found) == {"forward_auth.dialects"}
    assert "trusted_proxies" in found["forward_auth.dialects"].what


def test_a_dialect_that_there_is_not_is_refused_with_those_that_there_are(problems):
    found = problems(f'{TRUSTED}[forward_auth]\ndialects = ["apache"]\n{GOOD}')
    assert "nginx" in next(iter(found.values())).cure


def test_a_dialect_stands_there_once(problems):
    found = problems(f'{TRUSTED}[forward_auth]\ndialects = ["nginx", "nginx"]\n{GOOD}')
    assert set(found) == {"forward_auth.dialects[2]"}
