"""`[inspector]`: off by default, and what is doubtful about it is said."""

from __future__ import annotations

import pytest

from tests.settings.test_load import GOOD


@pytest.mark.parametrize(
    ("lines", "keys", "cure"),
    [
        pytest.param('roles = ["admin"]', {"inspector.roles"}, "enabled = true", id="roles-of-what-is-off"),
        pytest.param('enabled = true\nroles = ["admin", "admin"]', {"inspector.roles[2]"}, "remove one", id="twice"),
        pytest.param('enabled = true\nroles = ["adm*"]', {"inspector.roles[1]"}, "as it stands with the users", id="a-pattern"),
        pytest.param('enabled = true\nroles = [""]', {"inspector.roles[1]"}, "", id="empty"),
        pytest.param('enabled = true\nroles = ["a,b"]', {"inspector.roles[1]"}, "as it stands with the users", id="two-in-one"),
        pytest.param('enabled = true\nroles = ["admin", "*"]', {"inspector.roles"}, 'or "*"', id="everybody-and-more"),
        pytest.param('enabled = true\nroles = ["admin"]\nbytes = "15KiB"', {"inspector.bytes"}, "16KiB or more", id="too-small-for-one"),
        pytest.param('enabled = true\nroles = ["admin"]\nflows = 0', {"inspector.flows"}, "", id="none"),
        pytest.param('enabled = "yes"', {"inspector.enabled"}, "", id="no-word"),
        pytest.param('enabled = true\nrole = "admin"', {"inspector.role"}, "roles", id="misspelt"),
    ],
)
def test_what_is_wrong_is_said_with_its_cure(problems, lines, keys, cure):
    found = problems(f"[inspector]\n{lines}\n{GOOD}")
    assert {key for key, problem in found.items() if not problem.warning} == keys
    assert any(cure in problem.cure for problem in found.values())


def test_it_is_off_unless_somebody_switches_it_on(read):
    assert read(GOOD).settings.inspector.enabled is False
    assert read(f'[inspector]\nenabled = true\nroles = ["admin"]\n{GOOD}').settings.inspector.roles == ("admin",)


@pytest.mark.parametrize(
    ("roles", "words"),
    [pytest.param('["*"]', "everybody who can sign in", id="everybody"), pytest.param("[]", "no role may look", id="nobody")],
)
def test_what_is_doubtful_is_a_warning(read, roles, words):
    loaded = read(f"[inspector]\nenabled = true\nroles = {roles}\n{GOOD}")
    assert [warning for warning in loaded.warnings if words in warning.what]
