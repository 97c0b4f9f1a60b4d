"""The table of decisions, asked of `gateway explain --json`: it says what the engine decides and what the running gateway does."""

from __future__ import annotations

import json

import pytest

from tests.decisions import FOLDER, Case, cases, now

#: A command line has no clock to set, and an address is what a browser makes a request target of.
CASES = [case for case in cases() if not case.exactly and not case.raw and case.method != "CONNECT"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_explain_says_what_the_table_says(run, folder, case: Case) -> None:
    lines = [argument for line in case.lines(now()) for argument in ("--header", line)]
    result = run("explain", "--json", "-c", str(FOLDER / "gateway.toml"), "--method", case.method, *lines, case.target)
    told = json.loads(result.stdout)
    assert (told["decision"], told["reason"], told["status"]) == (case.decision, case.reason, case.status), told["steps"]
    assert (told["location"], told["route"]) == (case.location, case.route)
    assert told["headers_set"].get("X-User-Id", "") == (case.told or "")
    assert told["steps"]
    assert result.exit_code == (0 if case.decision == "allow" else 1)
