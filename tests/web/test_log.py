"""Promise 64: one line per event, whatever stands in it."""

from __future__ import annotations

import logging

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.web.log import event

LOG = logging.getLogger("tests.event")


def test_an_event_is_a_name_and_pairs(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger=LOG.name):
        event(LOG, "denied", status=403, route="a b", user=None, path="/x")
    assert caplog.messages == ['denied status=403 route="a b" path=/x']


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text())
def test_no_value_starts_another_line(caplog: pytest.LogCaptureFixture, text: str) -> None:
    caplog.clear()
    with caplog.at_level(logging.INFO, logger=LOG.name):
        event(LOG, "denied", path=text)
    (line,) = caplog.messages
    assert line.isascii()
    assert line.isprintable()
    assert len(line) < 8192


def test_a_silenced_event_costs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger=LOG.name):
        event(LOG, "denied", path="/")
    assert not caplog.messages
