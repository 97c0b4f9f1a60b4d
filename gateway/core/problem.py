"""One thing that is wrong with a configuration, said so that a person can mend it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Where it is, what stands there, what is wrong with it, and what to write instead.

    Attributes:
        key: The dotted path of the setting, for example `routes[2].path`.
        what: What is wrong, in one sentence without a full stop.
        cure: What to do about it, in one sentence without a full stop.
        value: What stands there, as written; `None` where nothing does, `"(hidden)"` for secrets.
        file, line, column: Where it stands, counted from 1; 0 where unknown (the environment, a command line).
        warning: True if the gateway would start all the same.
    """

    key: str
    what: str
    cure: str = ""
    value: str | None = None
    file: str = ""
    line: int = 0
    column: int = 0
    warning: bool = False

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}: " if self.line else (f"{self.file}: " if self.file else "")
        value = f" (is {self.value})" if self.value is not None else ""
        cure = f"\n    {self.cure}" if self.cure else ""
        return f"{place}{self.key}: {self.what}{value}{cure}"
