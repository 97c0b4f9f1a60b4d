"""What can be measured: each mode gives its tables. The order is that of a whole run."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tests.bench.modes.options import Options
from tests.bench.modes.side_by_side import fixed, rotating
from tests.bench.place import Place
from tests.bench.report import Table

Mode = Callable[[Place, Options], Sequence[Table]]

MODES: dict[str, Mode] = {
    "rotating": rotating,
    "fixed": fixed,
}

__all__ = ["MODES", "Mode", "Options"]
