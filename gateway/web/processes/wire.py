"""Problems on their way between processes."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gateway.core.problem import Problem


def problems_to_json(problems: Iterable[Problem]) -> list[dict[str, Any]]:
    """For a message."""
    return [dataclasses.asdict(problem) for problem in problems]


def problems_of(message: Mapping[str, Any]) -> Sequence[Problem]:
    """The problems of a message."""
    return [Problem(**problem) for problem in message["problems"]]
