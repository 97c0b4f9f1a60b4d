"""What every command does the same way when it speaks: JSON on demand, and no control character on a terminal."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import click

_Command = TypeVar("_Command", bound=Callable[..., Any])
_HALF = re.compile("[\ud800-\udfff]")
# C0 and C1 controls, and the marks that turn the direction of a line: a value must not move the cursor or hide what it says.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def plain(text: str) -> str:
    """The text with every control character written out, so that a value can't write on the terminal."""
    return _CONTROL.sub(lambda match: f"\\u{ord(match.group()):04x}", text)


def print_json(value: object) -> None:
    """Write one JSON document to standard output."""
    click.echo(json.dumps(value, indent=2))


def print_table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write rows below their heads, each column as wide as the widest cell of it."""
    lines = [heads, *([plain(cell) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for index, cells in enumerate(lines):
        line = "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
        click.echo(click.style(line, bold=True) if index == 0 else line)


def json_option(command: _Command) -> _Command:
    """Give a command `--json` (argument `as_json`); problems with the configuration are then JSON too."""

    def remember(ctx: click.Context, _: click.Parameter, value: bool) -> bool:
        ctx.meta["gateway.json"] = value
        return value

    return click.option("--json", "as_json", is_flag=True, is_eager=True, callback=remember, help="Print JSON, for programs.")(command)


class _Text(click.ParamType[str]):
    """Text that can be kept and sent: bytes that are no UTF-8 come from the command line as halves of characters."""

    name = "text"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:  # of click
        if _HALF.search(value):
            self.fail("this is no text in UTF-8", param, ctx)
        return value


#: The type of an argument or option whose text is kept in a file or a database, or looked up there.
TEXT = _Text()
