"""From settings to rules: what `load` accepted is what `decide` reads."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.core.identity_headers import PRESETS
from gateway.core.routes import Access
from gateway.settings.policy import policy_of, redirect_rules_of, stripper_of

from .conftest import GOOD

TEXT = """
[server]
public_url = "https://App.Example.com:443"
[session]
max_age = "2h"
absolute_max_age = "3h"
update_age = "1m"
[redirects]
allowed_origins = ["https://docs.example.com"]
[[redirects.rules]]
when = { role = "admin", provider = "credentials" }
to = "/admin"
[headers]
presets = ["remote"]
[headers.set]
"X-User-Department" = "{user.department}"
[[routes]]
path = "/uploads/**"
access = "signed-in"
name = "uploads"
host = ["Files.Example.com", "*.example.net"]
methods = ["PUT", "POST"]
roles = ["editor"]
groups = "staff"
upstream = "app"
api = true
encoded_slash = true
max_body = 0
streaming = true
"""


@pytest.fixture
def settings(read):
    return read(TEXT + GOOD).settings


def test_a_route_carries_everything_it_says(settings):
    route = policy_of(settings).routes.ordered[0]
    assert (route.name, route.access, route.upstream) == ("uploads", Access.SIGNED_IN, "app")
    assert route.methods == {"PUT", "POST"}
    assert (route.roles, route.groups) == ({"editor"}, {"staff"})
    assert (route.api, route.encoded_slash, route.max_body, route.streaming) == (True, True, 0, True)
    assert route.covers_host("files.example.com")
    assert route.covers_host("x.example.net")
    assert not route.covers_host("app.example.com")


def test_a_route_without_a_name_is_called_by_place_and_path(settings):
    route = policy_of(settings).routes.ordered[1]
    assert route.name == "routes[2] /**"
    assert route.max_body == settings.limits.request_body


@pytest.mark.parametrize(
    ("host", "known"),
    [
        ("app.example.com", True),
        ("files.example.com", True),
        ("a.example.net", True),
        ("a.b.example.net", False),
        ("example.net", False),
        ("app.example.com:8443", False),
        ("evil.example", False),
    ],
)
def test_the_gateway_answers_for_its_own_host_and_those_of_routes(settings, host, known):  # promise 29
    assert policy_of(settings).hosts.covers(host) is known


def test_lifetimes_and_origins_come_along(settings):
    policy = policy_of(settings)
    assert policy.lifetime.sliding == timedelta(hours=2)
    assert policy.lifetime.absolute == timedelta(hours=3)
    assert policy.lifetime.renewal == timedelta(minutes=1)
    assert list(policy.allowed_origins) == ["https://docs.example.com"]
    assert policy.hosts.origin("app.example.com") == "https://app.example.com"


def test_redirect_rules_come_along(settings):
    (rule,) = redirect_rules_of(settings)
    assert (rule.to, rule.role, rule.group, rule.provider) == ("/admin", "admin", None, "credentials")


def test_identity_headers_are_presets_and_one_s_own(settings):
    assert list(policy_of(settings).identity.names) == [*PRESETS["remote"], "X-User-Department"]


@pytest.mark.parametrize("name", ["X-User-Department", "x_user.department", *(name for preset in PRESETS.values() for name in preset)])
def test_no_client_may_send_an_identity_header_of_any_preset(settings, name):  # promises 16 and 17
    assert stripper_of(settings).strips(name)


def test_other_headers_pass(settings):
    assert not stripper_of(settings).strips("Accept-Language")
