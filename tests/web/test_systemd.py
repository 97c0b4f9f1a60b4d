from __future__ import annotations

import os

import pytest

from gateway.web.systemd import Activated, Notifier, activated


@pytest.mark.parametrize(
    ("environment", "watchdog_s"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "3000000"}, 3.0),
        ({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": str(os.getpid())}, 3.0),
        ({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "-1"}, None),
        ({"WATCHDOG_USEC": "³"}, None),
    ],
)
def test_the_watchdog_is_for_this_process_or_for_none(environment, watchdog_s):
    assert Notifier.taken_from(environment).watchdog_s == watchdog_s


def test_what_was_read_is_not_there_for_others():
    environment = {"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "1", "WATCHDOG_PID": "1", "HOME": "/"}
    Notifier.taken_from(environment)
    assert environment == {"HOME": "/"}


@pytest.mark.parametrize(
    "environment", [{}, {"LISTEN_FDS": "1"}, {"LISTEN_FDS": "1", "LISTEN_PID": "1"}, {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "x"}]
)
def test_sockets_of_another_process_are_left_alone(environment):
    before = dict(environment)
    assert activated(environment) == Activated()
    assert environment == before
