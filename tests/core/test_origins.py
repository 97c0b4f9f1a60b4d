"""Which other origins are trusted: exactly, by one label in front, by any port; a look-alike never is (promises 30 and 35)."""

from __future__ import annotations

import pytest

from gateway.core.origins import Origins

ORIGINS = Origins(
    (
        "https://front.example.com:8443",
        "https://*.preview.example.com",
        "http://localhost:*",
        "https://*.dev.example.com:*",
        "http://[::1]:*",
    )
)


@pytest.mark.parametrize(
    "origin",
    [
        "https://front.example.com:8443",
        "https://a.preview.example.com",
        "https://a-b.preview.example.com",
        "http://localhost",
        "http://localhost:3000",
        "https://a.dev.example.com",
        "https://a.dev.example.com:9000",
        "http://[::1]",
        "http://[::1]:5173",
    ],
)
def test_what_is_meant(origin: str) -> None:
    assert origin in ORIGINS


@pytest.mark.parametrize(
    "origin",
    [
        pytest.param("https://front.example.com", id="another-port"),
        pytest.param("http://front.example.com:8443", id="another-scheme"),
        pytest.param("https://preview.example.com", id="no-label"),
        pytest.param("https://.preview.example.com", id="empty-label"),
        pytest.param("https://a.b.preview.example.com", id="two-labels"),
        pytest.param("https://a.preview.example.com:8443", id="a-port-that-is-not-named"),
        pytest.param("https://a.preview.example.com.evil.example", id="look-alike-behind"),
        pytest.param("https://evilpreview.example.com", id="look-alike-before"),
        pytest.param("https://evil.example/.preview.example.com", id="a-path"),
        pytest.param("https://evil.example#.preview.example.com", id="a-fragment"),
        pytest.param("https://a@b.preview.example.com", id="a-user"),
        pytest.param("https://A.preview.example.com", id="capitals"),
        pytest.param("https://a.preview.example.com.", id="a-final-dot"),
        pytest.param("https://*.preview.example.com", id="the-pattern-itself"),
        pytest.param("http://localhost:", id="an-empty-port"),
        pytest.param("http://localhost:80", id="a-port-that-browsers-leave-out"),
        pytest.param("http://localhost:99999", id="no-port"),
        pytest.param("http://localhost:1@evil.example", id="a-user-that-looks-like-a-port"),
        pytest.param("http://localhost.evil.example:3000", id="look-alike-with-port"),
        pytest.param("https://localhost:3000", id="any-port-of-another-scheme"),
        pytest.param("null", id="null"),
        pytest.param("", id="empty"),
        pytest.param("https://", id="no-host"),
        pytest.param(None, id="nothing"),
    ],
)
def test_what_is_not(origin: object) -> None:
    assert origin not in ORIGINS


def test_they_are_listed_as_they_are_written() -> None:
    twice = Origins(("https://a.example", "https://*.b.example", "https://a.example"))
    assert list(twice) == ["https://a.example", "https://*.b.example"]
    assert len(twice) == 2
    assert twice == Origins(("https://a.example", "https://*.b.example"))
    assert hash(twice) == hash(Origins(("https://a.example", "https://*.b.example")))
    assert twice != {"https://a.example"}
