"""Reasons are an interface: each is given somewhere, and each has an entry in docs/reasons.md (`tests/test_docs.py`)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway.core.reason import Reason

PACKAGE = Path(__file__).parents[2] / "gateway"
#: Where words and lists are made of reasons, none is given.
TALK = {PACKAGE / "core/reason.py", PACKAGE / "web/reason_text.py", PACKAGE / "settings/redirect_checks.py"}
#: Ids are never taken back and never used anew: this one was of an earlier way to stop.
RETIRED = {Reason.SHUTTING_DOWN}
SOURCE = "\n".join(module.read_text("utf-8") for module in PACKAGE.rglob("*.py") if module not in TALK)


@pytest.mark.parametrize("reason", list(Reason), ids=str)
def test_every_reason_is_given_somewhere(reason: Reason) -> None:
    given = re.search(rf'Reason\.{reason.name}\b|"{reason.value}"', SOURCE) is not None
    assert given is (reason not in RETIRED)


def test_a_reason_is_a_word_that_fits_everywhere() -> None:
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", reason.value) for reason in Reason)
    assert all(reason.value == reason.name.lower().replace("_", "-") for reason in Reason)
    assert len({reason.value for reason in Reason}) == len(Reason)
