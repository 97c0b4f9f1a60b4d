"""The start-up self-test has teeth: each way to let a claim through that was ever seen is found, by name; and what is good passes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.core.errors import ConfigError
from gateway.core.headers import FOREIGN_IDENTITY, Stripper, fold
from gateway.core.identity_headers import PRESETS
from gateway.core.policy import Policy
from gateway.sessions.cookies import SessionCookies
from gateway.sessions.keys import KeyRing
from gateway.settings.model import Settings
from gateway.settings.policy import policy_of, stripper_of
from gateway.web.app import build_gateway
from gateway.web.self_test import FORGED, Chain, chain_of, leaks, require_no_leak

ROUTE = {"path": "/**", "access": "signed-in", "upstream": "app"}
SECRET = "0123456789abcdef" * 4
KEYS = KeyRing.of([SECRET])
OWNED = [name for preset in PRESETS.values() for name in preset]


def settings(**more) -> Settings:
    return Settings.model_validate(
        {
            "session": {"secrets": [SECRET]},
            "upstreams": [
                {"name": "app", "url": "http://127.0.0.1:9"},
                {"name": "basic", "url": "http://127.0.0.1:9", "authorization": "basic", "basic_password": "b"},
            ],
            "routes": [
                {"path": "/public/**", "access": "public", "upstream": "app"},
                {"path": "/optional/**", "access": "optional", "upstream": "app", "client_authorization": "drop"},
                {"path": "/admin/**", "access": "signed-in", "roles": ["admin"], "methods": ["POST"], "upstream": "app"},
                {"path": "/basic/**", "access": "signed-in", "upstream": "basic"},
                {"path": "/closed", "access": "deny", "upstream": "app"},
            ],
            "headers": {"presets": ["x-forwarded", "remote", "token"], "set": {"X-User-Id": "{user.id}", "X-Tenant": "{user.tenant}"}},
        }
        | more
    )


def chain(made: Settings | None = None) -> Chain:
    made = made or settings()
    policy: Policy = policy_of(made)
    cookies = SessionCookies(KEYS, secure=policy.hosts.scheme == "https", lifetime=policy.lifetime)
    return chain_of(made, policy, cookies.owns)


@pytest.mark.parametrize(
    "made",
    [
        pytest.param(settings(), id="usual"),
        pytest.param(settings(server={"public_url": "https://app.example.com"}), id="https"),
        pytest.param(settings(headers={"presets": ["x-auth-request", "authentik"]}), id="other-presets"),
        pytest.param(
            settings(headers={"presets": [], "set": {"Authorization": "{user.id}"}}, upstreams=[], routes=[ROUTE]),
            id="a-header-that-clients-send-too",
        ),
        pytest.param(settings(routes=[]), id="no-route"),
    ],
)
def test_what_is_good_passes(made):
    assert list(leaks(chain(made))) == []


def careless(name: str) -> bool:
    """Compares names as they are written."""
    return name in {owned.lower() for owned in (*OWNED, "X-User-Id", "X-Tenant")}


def folds_dashes(name: str) -> bool:
    """Knows `_` and `-` and forgets that some servers fold more."""
    return careless(name.replace("_", "-"))


WEAK = [
    pytest.param({"strips": lambda name: False}, "X-User-Id", id="nothing-is-stripped"),
    pytest.param({"strips": careless}, "X_User_Id", id="underscores-pass"),
    pytest.param({"strips": folds_dashes}, "X.User.Id", id="dots-pass"),
    pytest.param({"strips": lambda name: folds_dashes(name.replace(".", "-"))}, "XUserId", id="dashes-left-out-pass"),
    pytest.param({"strips": Stripper(["X-User-Id"]).strips}, "X-Tenant", id="one-of-the-configured-is-forgotten"),
    pytest.param({"strips": Stripper(["X-User-Id", "X-Tenant"]).strips}, "X-Token-Sub", id="presets-are-forgotten"),
    pytest.param({"owns_cookie": lambda name: False}, "authjs.session-token=a-cookie", id="our-cookies-pass"),
    pytest.param({"owns_cookie": lambda name: name == "authjs.session-token"}, "authjs.session-token.0=a-cookie", id="chunks-pass"),
]


@pytest.mark.parametrize(("weak", "seen"), WEAK)
def test_a_weaker_chain_is_refused_and_what_would_be_seen_is_named(weak, seen):
    with pytest.raises(ConfigError) as refused:
        require_no_leak(replace(chain(), **weak))
    said = str(refused.value)
    assert seen in said
    assert "upstreams.app" in said


def test_each_spelling_that_a_name_of_ours_folds_to_is_tried_by_itself():
    """A stripper that forgets one name in one spelling is found out, whichever it is."""
    good = stripper_of(settings()).strips
    for name in ("x-user-id", "x_user_id", "x.user.id", "xuserid", "x--user--id", "x-user-id_"):
        found = list(leaks(replace(chain(), strips=lambda asked, forgotten=name: asked != forgotten and good(asked))))
        assert found, name
        assert all(FORGED in leak.line or fold(leak.line.partition(":")[0]) == "xuserid" for leak in found)


def test_a_client_that_names_our_header_in_connection_takes_nothing_away():
    """CVE-2025-48865; the gateway's own words arrive once on every route where somebody is told of."""
    assert [leak.what for leak in leaks(chain())] == []


def test_a_configuration_that_says_two_things_in_one_header_is_refused():
    """The checks of the settings refuse this one as well; the self-test does not rest on them."""
    made = settings(headers={"presets": [], "set": {"Authorization": "{user.id}"}})
    assert {(leak.route.upstream, leak.what) for leak in leaks(chain(made))} == {("basic", "not what the gateway says, once")}


def test_every_kind_of_route_is_tried():
    found = list(leaks(replace(chain(), strips=lambda name: False)))
    assert {leak.route.path.text for leak in found} == {"/public/**", "/optional/**", "/admin/**", "/basic/**"}


def test_neither_a_start_nor_a_check_gets_past_it():
    """With settings that the checks have not seen."""
    from gateway.cli.check import self_test

    bad = settings(headers={"presets": [], "set": {"Authorization": "{user.id}"}})
    for run in (build_gateway, self_test):
        assert run(settings()) is not False
        with pytest.raises(ConfigError, match="the self-test's forged request"):
            run(bad)


def test_foreign_identity_is_stripped_by_default():
    assert all(stripper_of(settings()).strips(name) for name in FOREIGN_IDENTITY)
