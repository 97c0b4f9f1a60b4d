"""`gateway try-login`: the providers are really asked, and what they say is told to the operator."""

from __future__ import annotations

import json

import pytest

from tests.gateway_process import PASSWORDS, USERS

RULES = '\n[[redirects.rules]]\nwhen = { role = "admin" }\nto = "/admin"\n'


@pytest.fixture
def site(configured):
    (configured / "users.toml").write_text(
        USERS
        + '\n[users.eve]\npassword = "$argon2id$v=19$m=8,t=1,p=1$c2l4dGVlbi1iLWFkYXNhbA$4WJhMOwTBL51Z9QKmASHWWRj0JEIkCqPtdN3tNwAs7Q"\ndisabled = true\n'
    )
    (configured / "gateway.toml").write_text((configured / "gateway.toml").read_text() + RULES)
    return configured


@pytest.fixture
def tried(run, site):
    def ask(user, password, *arguments):
        result = run("try-login", user, "--password-stdin", "--json", *arguments, stdin=f"{password}\n")
        told = json.loads(result.stdout)
        assert result.exit_code == (0 if told["outcome"] == "accepted" else 1)
        assert password not in result.output
        return told

    return ask


def test_who_may_sign_in_and_what_comes_of_it(tried):
    told = tried("ada", PASSWORDS["ada"])
    assert (told["outcome"], told["reason"], told["provider"]) == ("accepted", "signed-in", "credentials")
    assert told["user"] == {
        "id": "ada",
        "name": "Ada Lovelace",
        "email": "ada@example.com",
        "roles": ["admin"],
        "groups": ["staff", "maths"],
    }
    assert told["claims"] == ["department"]
    assert told["headers_set"]["X-User-Roles"] == "admin"
    assert told["cookies"] == 1
    assert 300 < told["cookie_bytes"] < 4096
    assert (told["sign_in"]["ends_at"], told["sign_in"]["won"]) == ("/admin", "redirects.rules[1]")
    assert told["milliseconds"] > 0


def test_a_rule_about_the_first_sign_in_is_told_of_and_nothing_is_written(tried, site):
    first = '\n[[redirects.rules]]\nwhen = { first_sign_in = true }\nto = "/welcome"\n'
    (site / "gateway.toml").write_text((site / "gateway.toml").read_text() + first)
    for _ in range(2):
        assert tried("bob", PASSWORDS["bob"])["sign_in"]["ends_at"] == "/welcome"
    assert list(site.glob("*.db")) == []


@pytest.mark.parametrize(
    ("user", "password"),
    [
        pytest.param("ada", "typed-nonsense-4242", id="password"),
        pytest.param("nobody", "typed-nonsense-4242", id="unknown"),
        pytest.param("eve", PASSWORDS["ada"], id="disabled"),
    ],
)
def test_who_may_not_and_why(tried, user, password):
    told = tried(user, password)
    assert (told["outcome"], told["reason"], told["user"], told["headers_set"]) == ("rejected", "credentials-wrong", None, {})
    assert told["why"]


PYTHON = """
from gateway.providers.base import SignInRefused
def authorize(credentials):
    if credentials["tenant"] == "broken":
        raise RuntimeError("no")
    if credentials["tenant"] == "late":
        raise SignInRefused("late")
    if credentials["tenant"] == "large":
        return {"id": "x", "notes": "x" * 40_000}
    return {"id": credentials["mail"], "roles": [credentials["tenant"]], "address": {"a": 1}}
"""
FIELDS = """
type = "python"
authorize = "try_login_provider:authorize"
[providers.credentials.mail]
[providers.credentials.tenant]
[providers.credentials.pin]
type = "password"
"""


@pytest.fixture
def function(site):
    (site / "try_login_provider.py").write_text(PYTHON)
    text = (site / "gateway.toml").read_text()
    (site / "gateway.toml").write_text(text.replace('type = "users"\nfile = "users.toml"\n', FIELDS))
    return site


@pytest.mark.parametrize(
    ("tenant", "outcome", "reason", "code"),
    [
        pytest.param("blue", "accepted", "signed-in", None, id="accepted"),
        pytest.param("late", "rejected", "credentials-wrong", "late", id="rejected-with-a-code"),
        pytest.param("broken", "unavailable", "provider-unavailable", None, id="a-function-that-raises"),
        pytest.param("large", "refused", "session-too-large", None, id="more-than-cookies-hold"),
    ],
)
def test_a_function_of_your_own_with_fields_of_its_own(tried, function, tenant, outcome, reason, code):
    told = tried("ada@example.com", "typed-nonsense-4242", "--field", f"tenant={tenant}")
    assert (told["outcome"], told["reason"], told["code"]) == (outcome, reason, code)
    if outcome == "accepted":
        assert told["user"]["id"] == "ada@example.com"
        assert told["user"]["roles"] == ["blue"]


def test_a_header_that_can_not_be_made_is_said(tried, function):
    text = (function / "gateway.toml").read_text()
    (function / "gateway.toml").write_text(text.replace("[headers.set]", '[headers.set]\n"X-Address" = "{user.address}"'))
    told = tried("ada", "typed-nonsense-4242", "--field", "tenant=blue")
    assert (told["outcome"], told["reason"]) == ("refused", "identity-unencodable")


def test_people_read_it(run, site):
    result = run("try-login", "ada", "--password-stdin", stdin=f"{PASSWORDS['ada']}\n")
    assert result.exit_code == 0
    for words in (
        "ACCEPTED  signed-in, after ",
        "user: ada (roles: admin; groups: staff, maths)",
        "tells upstreams X-User-Roles: admin",
        "ends at /admin",
    ):
        assert words in result.stdout
    assert PASSWORDS["ada"] not in result.output
    assert run("try-login", "ada", "--password-stdin", stdin="wrong\n").exit_code == 1


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["ada"], id="nobody-to-ask"),
        pytest.param(["ada", "--password-stdin", "--provider", "nope"], id="no-such-provider"),
        pytest.param(["ada", "--password-stdin", "--field", "x"], id="no-pair"),
        pytest.param(["ada", "--password-stdin", "--field", "x=y"], id="no-such-field"),
    ],
)
def test_what_describes_no_sign_in_is_a_usage_error(run, site, arguments):
    assert run("try-login", *arguments, stdin="x\n").exit_code == 2


def test_no_secret_is_made_to_try_it(tried, site):
    text = (site / "gateway.toml").read_text().replace('secrets = ["a-test-secret-that-is-long-enough-for-anybody"]', "")
    (site / "gateway.toml").write_text(text)
    assert tried("ada", PASSWORDS["ada"])["outcome"] == "accepted"
    assert not (site / "secret").exists()
