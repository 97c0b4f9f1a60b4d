"""One picture of the rotating requests: a bar for each target, by requests that one core serves in a second. SVG by hand, light and dark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, ROW, TOP, LEFT, RIGHT = 860, 38, 74, 300, 120
_STYLE = """
  text { font: 14px system-ui, sans-serif; fill: #1f2328; }
  .title { font-size: 17px; font-weight: 600; }
  .note, .axis { font-size: 12px; fill: #59636e; }
  .bar { fill: #8c959f; }
  .ours { fill: #0969da; }
  .strong { font-weight: 600; }
  .grid { stroke: #d1d9e0; }
  .paper { fill: #ffffff; }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc; }
    .note, .axis { fill: #9198a1; }
    .bar { fill: #656c76; }
    .ours { fill: #4493f8; }
    .grid { stroke: #3d444d; }
    .paper { fill: #0d1117; }
  }
"""


@dataclass(frozen=True, slots=True)
class Bar:
    """One target."""

    words: str
    value: float
    ours: bool = False


def svg(title: str, note: str, bars: Sequence[Bar]) -> str:
    """The picture; the longest bar fills the width.

    Args:
        note: A line below the title: the unit, and what was measured.
    """
    most = max(bar.value for bar in bars)
    height = TOP + ROW * len(bars) + 16
    said = "; ".join(f"{bar.words}: {bar.value:,.0f}" for bar in bars)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-labelledby="title desc">',
        f'<title id="title">{escape(title)}</title>',
        f'<desc id="desc">{escape(f"{note} {said}.")}</desc>',
        f"<style>{_STYLE}</style>",
        f'<rect class="paper" width="{WIDTH}" height="{height}"/>',
        f'<text class="title" x="20" y="32">{escape(title)}</text>',
        f'<text class="note" x="20" y="54">{escape(note)}</text>',
    ]
    for number, bar in enumerate(bars):
        lines += _row(bar, TOP + ROW * number, bar.value / most * (WIDTH - LEFT - RIGHT))
    return "\n".join([*lines, f'<line class="grid" x1="{LEFT}" y1="{TOP - 4}" x2="{LEFT}" y2="{height - 12}"/>', "</svg>", ""])


def _row(bar: Bar, y: int, length: float) -> list[str]:
    strong = " strong" if bar.ours else ""
    middle = y + ROW / 2 + 4
    return [
        f'<text class="name{strong}" x="{LEFT - 12}" y="{middle:.0f}" text-anchor="end">{escape(bar.words)}</text>',
        f'<rect class="{"ours" if bar.ours else "bar"}" x="{LEFT}" y="{y + 6}" width="{max(1.0, length):.1f}" height="{ROW - 12}" rx="3"/>',
        f'<text class="value{strong}" x="{LEFT + length + 8:.1f}" y="{middle:.0f}">{bar.value:,.0f}</text>',
    ]
