"""How problems with a configuration are shown: each on its own lines with its cure, then how many there are."""

from __future__ import annotations

from collections.abc import Sequence

import click

from gateway.cli.output import plain, print_json
from gateway.core.problem import Problem


def problem_as_json(problem: Problem) -> dict[str, object]:
    """One problem, for `--json`."""
    return {
        "key": problem.key,
        "what": problem.what,
        "cure": problem.cure,
        "value": problem.value,
        "file": problem.file or None,
        "line": problem.line or None,
        "column": problem.column or None,
        "warning": problem.warning,
    }


def show_problem(problem: Problem) -> None:
    """Write one problem to standard error: the place, what is wrong, and the cure on a line of its own."""
    kind, colour = ("warning", "yellow") if problem.warning else ("error", "red")
    place = f"{problem.file}:{problem.line}:{problem.column}" if problem.line else problem.file
    value = f" (is {problem.value})" if problem.value is not None else ""
    start = f"{click.style(plain(place), bold=True)}: " if place else ""
    key = f"{problem.key}: " if problem.key else ""
    click.echo(f"{start}{click.style(f'{kind}:', fg=colour, bold=True)} {plain(key + problem.what + value)}", err=True)
    if problem.cure:
        click.echo(f"    {plain(problem.cure)}", err=True)


def show_problems(problems: Sequence[Problem], *, as_json: bool = False) -> None:
    """Write all problems and a closing count; with `as_json` one document on standard output instead."""
    if as_json:
        print_json({"ok": False, "problems": [problem_as_json(problem) for problem in problems]})
        return
    for problem in problems:
        show_problem(problem)
    warnings = sum(problem.warning for problem in problems)
    also = f" and {count(warnings, 'warning')}" if warnings else ""
    click.echo(click.style(f"\n{count(len(problems) - warnings, 'problem')}{also}", bold=True), err=True)


def count(number: int, noun: str) -> str:
    """`1 problem`, `2 problems`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
