"""What a reload says that it changed: keys, and never a value."""

from __future__ import annotations

import pytest

from gateway.settings.difference import changed_keys
from gateway.settings.model import Settings

ROUTE = {"path": "/x", "access": "deny"}


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param({}, {}, [], id="nothing"),
        pytest.param({}, {"limits": {"drain": "7s", "connections": 7}}, ["limits.connections", "limits.drain"], id="keys-of-a-section"),
        pytest.param({"routes": [ROUTE]}, {"routes": [ROUTE, ROUTE]}, ["routes"], id="a-list-as-a-whole"),
        pytest.param({"session": {"secrets": ["a" * 40]}}, {"session": {"secrets": ["b" * 40]}}, ["session.secrets"], id="a-secret"),
        pytest.param({"folder": "/a"}, {"folder": "/b"}, [], id="where-the-file-lies-is-no-key"),
    ],
)
def test_changed_keys(before, after, expected):
    assert sorted(changed_keys(Settings.model_validate(before), Settings.model_validate(after))) == expected
