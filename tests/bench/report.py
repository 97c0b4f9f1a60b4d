"""Tables: what a mode found, as Markdown and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Cell = str | int | float


@dataclass(frozen=True, slots=True)
class Table:
    """What a mode found.

    Attributes:
        name: The mode.
        title: Its heading.
        columns: The first one is text, the others are figures.
        notes: What one should know to read it, a sentence each.
        raw: Everything behind the figures, for `--json`.
    """

    name: str
    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    notes: Sequence[str] = ()
    raw: Mapping[str, object] = field(default_factory=dict)

    def markdown(self) -> str:
        """The table, its heading and its notes."""
        lines = [f"### {self.title}", "", "| " + " | ".join(self.columns) + " |", "| --- |" + " ---: |" * (len(self.columns) - 1)]
        lines += ["| " + " | ".join(shown(cell) for cell in row) + " |" for row in self.rows]
        if self.notes:
            lines += ["", *self.notes]
        return "\n".join(lines) + "\n"


def shown(cell: Cell) -> str:
    """A figure with three digits that mean something; larger whole ones with spaces between the thousands."""
    if isinstance(cell, str):
        return cell
    if abs(cell) >= 100 or isinstance(cell, int):
        return f"{cell:,.0f}".replace(",", " ")
    return f"{cell:.1f}" if abs(cell) >= 10 else f"{cell:.2f}"
