"""The colours of the pages keep their contrast in light and dark (WCAG 2.2: 1.4.3 for text, 1.4.11 for edges and focus)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import gateway.web

CSS = (Path(gateway.web.__file__).parent / "static" / "pages.css").read_text("utf-8")
BLOCKS = re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)
LIGHT = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", BLOCKS[0]))
DARK = LIGHT | dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", BLOCKS[1]))


def luminance(colour: str) -> float:
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colours", [pytest.param(LIGHT, id="light"), pytest.param(DARK, id="dark")])
@pytest.mark.parametrize(
    ("front", "ground", "least"),
    [
        ("text", "card", 4.5),
        ("text", "field", 4.5),
        ("text", "other-hover", 4.5),
        ("soft", "card", 4.5),
        ("soft", "ground", 4.5),
        ("soft", "field", 4.5),  # placeholders
        ("on-main", "main", 4.5),
        ("on-main", "main-hover", 4.5),
        ("bad", "bad-ground", 4.5),
        ("field-edge", "card", 3.0),
        ("field-edge", "field", 3.0),
        ("bad", "field", 3.0),
        ("main", "card", 3.0),  # focus rings
    ],
)
def test_colours_keep_their_contrast(colours, front, ground, least):
    assert contrast(colours[front], colours[ground]) >= least


def test_every_colour_has_a_dark_one():
    assert set(LIGHT) == set(dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", BLOCKS[1])))


@pytest.mark.parametrize(
    "what", ["prefers-color-scheme: dark", "prefers-reduced-motion: reduce", "forced-colors: active", ":focus-visible"]
)
def test_preferences_are_heard(what):
    assert what in CSS


def test_nothing_is_loaded():
    """Promise 49: no third-party resource, nor any other."""
    assert "url(" not in CSS
    assert "@import" not in CSS
    assert "</" not in CSS
