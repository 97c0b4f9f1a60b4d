"""What the commands say of `[inspector]`."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import CONFIG

ON = f'{CONFIG}\n[inspector]\nenabled = true\nroles = ["admin"]\n'


@pytest.mark.parametrize(
    ("config", "path", "decision", "reason", "words"),
    [
        pytest.param(CONFIG, "/api/auth/why", "deny", "inspector-off", "enabled = true switches it on", id="why-off"),
        pytest.param(CONFIG, "/api/auth/inspector", "deny", "inspector-off", "nothing is recorded", id="inspector-off"),
        pytest.param(ON, "/api/auth/why", "allow", "own-endpoint", "each browser its own", id="why-on"),
        pytest.param(ON, "/api/auth/inspector/0123456789abcdef", "allow", "own-endpoint", "all to admin", id="one-flow"),
        pytest.param(
            f'{CONFIG}\n[inspector]\nenabled = true\nroles = ["*"]\n',
            "/api/auth/inspector/live",
            "allow",
            "own-endpoint",
            "everybody who is signed in",
            id="everybody",
        ),
        pytest.param(ON, "/api/auth/inspector/a/b", "deny", "action-unknown", "there is no such address", id="no-such-page"),
    ],
)
def test_explain_says_who_may_look(configured, run, config, path, decision, reason, words):
    (configured / "gateway.toml").write_text(config)
    told = json.loads(run("explain", path, "--json").stdout)
    assert (told["decision"], told["reason"]) == (decision, reason)
    assert words in told["steps"][-1]["why"]


@pytest.mark.parametrize(
    ("role", "warned"), [pytest.param("admin", False, id="one-that-ada-has"), pytest.param("operator", True, id="one-that-nobody-has")]
)
def test_check_warns_of_a_role_that_nobody_has(configured, run, role, warned):
    (configured / "gateway.toml").write_text(f'{CONFIG}\n[inspector]\nenabled = true\nroles = ["{role}"]\n')
    told = run("check")
    assert ("no user has this role" in told.output) is warned
    assert "records sign-ins" in told.output
    if warned:
        assert "write a role that somebody has (admin" in told.output
