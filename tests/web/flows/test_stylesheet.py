"""The colours of the inspector keep their contrast in light and dark (WCAG 2.2: 1.4.3 for text, 1.4.11 for lines)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import gateway.web
from tests.web.auth.test_stylesheet import DARK as PAGES_DARK
from tests.web.auth.test_stylesheet import LIGHT as PAGES_LIGHT
from tests.web.auth.test_stylesheet import contrast

CSS = (Path(gateway.web.__file__).parent / "static" / "flows.css").read_text("utf-8")
BLOCKS = [dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", block)) for block in re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)]
LIGHT, DARK = PAGES_LIGHT | BLOCKS[0], PAGES_DARK | BLOCKS[1]


@pytest.mark.parametrize("colours", [pytest.param(LIGHT, id="light"), pytest.param(DARK, id="dark")])
@pytest.mark.parametrize(
    ("front", "ground", "least"),
    [
        *((front, ground, 4.5) for front in ("text", "soft") for ground in ("card", "head", "good-ground", "bad-ground")),
        ("good", "good-ground", 4.5),
        ("bad", "card", 4.5),
        ("jar", "card", 4.5),
        ("jar", "field", 4.5),
        ("on-badge", "badge", 4.5),
        ("on-badge", "good", 4.5),
        ("on-badge", "bad", 4.5),
        ("main", "card", 4.5),
        *((line, "card", 3.0) for line in ("line", "good", "bad", "lane", "jar")),
        ("lane", "head", 3.0),
    ],
)
def test_colours_keep_their_contrast(colours, front, ground, least):
    assert contrast(colours[front], colours[ground]) >= least


def test_every_colour_has_a_dark_one():
    assert set(BLOCKS[0]) == set(BLOCKS[1])


@pytest.mark.parametrize("what", ["prefers-reduced-motion: reduce", "forced-colors: active"])
def test_preferences_are_heard(what):
    assert what in CSS


def test_nothing_is_loaded():
    """Promise 49."""
    assert not {"url(", "@import", "</"} & set(re.findall(r"url\(|@import|</", CSS))
