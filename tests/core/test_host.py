"""Promises 4, 28 and 29: one well-formed host, compared exactly."""

from __future__ import annotations

import pytest

from gateway.core.host import HostPattern, Hosts, read_host


@pytest.mark.parametrize(
    ("value", "host"),
    [
        ("App.Example.com", "app.example.com"),
        ("app.example.com.", "app.example.com"),
        ("app.example.com:443", "app.example.com"),
        ("app.example.com:80", "app.example.com:80"),
        ("app.example.com:08443", "app.example.com:8443"),
        ("[::1]:8080", "[::1]:8080"),
        ("10.0.0.1", "10.0.0.1"),
        ("a_b.example", "a_b.example"),
    ],
)
def test_a_host_is_made_comparable(value: str, host: str) -> None:
    assert read_host(value, scheme="https") == host


@pytest.mark.parametrize(
    "value", ["", "a/b", "a@b", "a, b", "a b", "a:b", "a:0", "a:65536", "a:1:2", "-a", "[::1", "é.example", "a:", "a\n"]
)
def test_what_is_not_one_host_is_refused(value: str) -> None:
    assert read_host(value, scheme="https") is None


@pytest.mark.parametrize(
    ("host", "matches"), [("x.example.com", True), ("example.com", False), ("a.b.example.com", False), (".example.com", False)]
)
def test_a_wildcard_is_one_label(host: str, matches: bool) -> None:
    assert HostPattern("*.example.com").matches(host) is matches


def test_an_origin_is_built_from_a_known_host() -> None:
    hosts = Hosts("https", (HostPattern("app.example.com"),))
    assert hosts.covers("app.example.com")
    assert not hosts.covers("evil.example")
    assert hosts.origin("app.example.com") == "https://app.example.com"
