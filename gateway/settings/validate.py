"""From tables to settings. What can't be used is reported and set aside, so that the rest can be judged in the same run."""

from __future__ import annotations

import copy
import pathlib
from dataclasses import dataclass

from pydantic import ValidationError

from gateway.settings.finding import Finding, Path, Tree, value_at
from gateway.settings.model import Settings
from gateway.settings.words import finding_of, path_of

_LISTS: tuple[Path, ...] = (("providers",), ("upstreams",), ("routes",), ("redirects", "rules"))


@dataclass(frozen=True)
class Validated:
    """What came of it.

    Attributes:
        settings: The settings without what could not be used; None if nothing was left to judge.
        numbers: For each list of tables, the original positions of the entries that are left.
        lengths: How many entries each list had.
        findings: What could not be used.
    """

    settings: Settings | None
    numbers: dict[Path, list[int]]
    lengths: dict[Path, int]
    findings: tuple[Finding, ...]

    def complete(self, *path: str) -> bool:
        """True if no entry of that list was set aside."""
        return len(self.numbers[path]) == self.lengths[path]

    def original(self, path: Path) -> Path:
        """Where in the file a place in `settings` is."""
        for head, numbers in self.numbers.items():
            position = path[len(head)] if path[: len(head)] == head and len(path) > len(head) else None
            if isinstance(position, int) and position < len(numbers):
                return (*head, numbers[position], *path[len(head) + 1 :])
        return path


def validate(tree: Tree, folder: pathlib.Path) -> Validated:
    """Make settings of the tree. Entries that are None were reported before."""
    tree = copy.deepcopy(tree)
    lengths = {path: len(entries) if isinstance(entries := value_at(tree, path), list) else 0 for path in _LISTS}
    gone: dict[Path, set[int]] = {path: set() for path in _LISTS}
    findings: dict[tuple[Path, str], Finding] = {}
    settings: Settings | None = None
    for _ in range(4):  # each round removes every error it finds; what a removal uncovers is found by the next
        numbers = {path: _close_gaps(tree, path, gone[path], lengths[path]) for path in _LISTS}
        made = Validated(None, numbers, lengths, ())
        try:
            settings = Settings.model_validate(tree | {"folder": folder}, context={"folder": folder})
            break
        except ValidationError as error:
            for detail in error.errors(include_url=False):
                finding = finding_of(detail, tree)
                path = made.original(finding.path)
                findings.setdefault((path, finding.what), Finding(path=path, what=finding.what, cure=finding.cure, on_key=finding.on_key))
            for detail in error.errors(include_url=False, include_input=False, include_context=False):
                _set_aside(tree, path_of(detail["loc"]), detail["type"])
    return Validated(settings, numbers, lengths, tuple(findings.values()))


def _set_aside(tree: Tree, path: Path, kind: str) -> None:
    """Remove what was wrong: the entry of a list, or the key of a section."""
    for head in _LISTS:
        if path[: len(head)] == head and len(path) > len(head) and isinstance(path[len(head)], int):
            entries = value_at(tree, head)
            position = path[len(head)]
            if isinstance(entries, list) and isinstance(position, int):
                if kind == "extra_forbidden" and isinstance(inner := value_at(tree, path[:-1]), dict):
                    inner.pop(path[-1], None)  # the entry is good without it, and others may need it
                else:
                    entries[position] = None
            return
    table: object = value_at(tree, path[:1]) if len(path) > 1 else tree
    if isinstance(table, dict):
        table.pop(path[1] if len(path) > 1 else path[0], None)
    else:
        tree.pop(str(path[0]), None)


def _close_gaps(tree: Tree, path: Path, gone: set[int], length: int) -> list[int]:
    """Drop the entries that are None; give the original positions of those that are left."""
    entries = value_at(tree, path)
    left = [number for number in range(length) if number not in gone]
    if not isinstance(entries, list):
        return left if length == 0 else []
    gone |= {number for number, entry in zip(left, entries, strict=True) if entry is None}
    entries[:] = [entry for entry in entries if entry is not None]
    return [number for number in left if number not in gone]
