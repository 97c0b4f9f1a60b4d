"""Writes what was measured into docs/benchmarks.md, between its two markers, and the picture beside it.

A table is replaced by the newer one of its mode and the others stay, so that a part can be measured again alone; each says when and where.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from tests.bench.chart import Bar, svg
from tests.bench.report import Table

DOCS = Path(__file__).parents[2] / "docs"
PAGE, CHART = DOCS / "benchmarks.md", DOCS / "benchmarks.svg"
BEGIN, END = "<!-- tables: written by make bench BENCH_ARGS=--docs -->", "<!-- end of tables -->"
_PART = re.compile(r"<!-- ([a-z-]+) -->\n(.*?)(?=<!-- [a-z-]+ -->\n|\Z)", re.DOTALL)
#: Short names, so that they fit beside a bar.
SHORT = {
    "gateway": "this gateway (checks a session)", "general": "this gateway, express = false", "nginx": "nginx (checks nothing)",
    "nginx-auth": "nginx + auth_request", "caddy": "Caddy (checks nothing)", "caddy-auth": "Caddy + forward_auth",
    "naive": "naive aiohttp proxy", "authjs": "Auth.js on Node", "apache": "Apache form login",
}  # fmt: skip


def rewritten(page: str, tables: Sequence[Table], where: str, order: Sequence[str]) -> str:
    """The page with these tables in their places.

    Args:
        where: When and on what they were measured.
        order: The modes as the page shows them.

    Raises:
        ValueError: The page has no markers.
    """
    head, begin, rest = page.partition(BEGIN)
    old, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{PAGE.name} has no line {BEGIN!r} followed by {END!r}")
    parts = {match[1]: match[2].strip() for match in _PART.finditer(old)}
    for table in tables:
        parts[table.name] = f"{table.markdown().strip()}\n\n*{where}*"
    text = "\n\n".join(f"<!-- {name} -->\n{parts[name]}" for name in order if name in parts)
    return f"{head}{BEGIN}\n\n{text}\n\n{END}{tail}"


def chart(table: Table) -> str:
    """The picture of the rotating requests: the best round of each target."""
    samples = table.raw["samples"]
    assert isinstance(samples, dict)
    bars = [
        Bar(SHORT[name], 1e6 / min(sample["cpu_us"] for sample in rounds), name in ("gateway", "general"))
        for name, rounds in samples.items()
    ]
    bars.sort(key=lambda bar: -bar.value)
    return svg("Requests that one core serves in a second", "Rotating requests, best round of each; more is better.", bars)


def write(tables: Sequence[Table], where: str, order: Sequence[str]) -> None:
    """Write both files."""
    PAGE.write_text(rewritten(PAGE.read_text("utf-8"), tables, where, order), "utf-8")
    for table in tables:
        if table.name == "rotating":
            CHART.write_text(chart(table), "utf-8")
