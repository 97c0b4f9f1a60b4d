from __future__ import annotations

import pytest

from gateway.settings.model import Settings
from gateway.settings.sections.upstreams import UpstreamSettings
from gateway.web.processes.descriptors import connections_that_fit


@pytest.mark.parametrize(
    ("descriptors", "upstreams", "fit"),
    [
        pytest.param(100_000, 1, 10_000, id="enough"),
        pytest.param(1024, 1, 1024 - 64 - 256, id="all-upstream-connections-and-a-reserve-fit-too"),
        pytest.param(1024, 9, (1024 - 64) // 2, id="no-client-needs-two-upstream-connections"),
        pytest.param(64, 1, 16, id="hardly-any"),
    ],
)
def test_connections_fit_into_the_descriptors(descriptors, upstreams, fit):
    made = [UpstreamSettings.model_validate({"name": str(number), "url": f"http://127.0.0.1:{number + 1}"}) for number in range(upstreams)]
    assert connections_that_fit(Settings(upstreams=tuple(made)), descriptors) == fit
