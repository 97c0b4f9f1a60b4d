"""Promise 7: some thousand made-up inputs for every parser. `make fuzz` tries as many as there is time for."""

from __future__ import annotations

import pytest

from tests.fuzz.surfaces import SURFACES, run


@pytest.mark.parametrize("name", SURFACES)
def test_nothing_breaks_a_parsers_promise(name: str) -> None:
    assert run(name, 4000, seed=1) == 4000
