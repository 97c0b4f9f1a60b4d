"""Writing a configuration and reading it back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from gateway.core.errors import ConfigError
from gateway.core.problem import Problem
from gateway.settings.load import Loaded, load

APP = """
[[providers]]
id = "credentials"
type = "users"
file = "users.toml"
[[upstreams]]
name = "app"
url = "http://127.0.0.1:3000"
"""
GOOD = f"""{APP}
[[routes]]
path = "/**"
access = "signed-in"
upstream = "app"
"""


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Loaded]:
    """Write the text to `gateway.toml` and load it."""

    def reader(text: str, *, env: Mapping[str, str] | None = None, overrides: Mapping[str, object] | None = None) -> Loaded:
        file = tmp_path / "gateway.toml"
        file.write_text(text, "utf-8")
        return load(file, env=env or {}, overrides=overrides or {})

    return reader


@pytest.fixture
def problems(read: Callable[..., Loaded]) -> Callable[..., dict[str, Problem]]:
    """Load a text that can't be used, and give its problems by key."""

    def reader(text: str, **more: Mapping[str, str]) -> dict[str, Problem]:
        with pytest.raises(ConfigError) as caught:
            read(text, **more)
        return {problem.key: problem for problem in caught.value.problems if not problem.warning}

    return reader
