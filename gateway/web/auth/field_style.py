"""The `style` of a sign-in field, as a rule of the page's one style sheet.

A style attribute would need an inline exception in the Content-Security-Policy, so the text goes into the `<style>` element that
carries the nonce. There it could end the rule, or the element: so only declarations of a plain form are let through, each on its
own. The operator writes them, but a configuration may be put together from other people's data.
"""

from __future__ import annotations

import re

_PROPERTY = re.compile(r"-{0,2}[A-Za-z][A-Za-z0-9-]*\Z")
# Numbers, words, colours, commas, slashes, plain strings. Not here: < > { } @ \ ; : & and line breaks.
_VALUE = re.compile(r"""(?:[A-Za-z0-9 #%.,()+*/!_-]|"[A-Za-z0-9 .,_-]*"|'[A-Za-z0-9 .,_-]*')+\Z""")
_FUNCTION = re.compile(r"((?:[A-Za-z][A-Za-z-]*)?)\s*\(")
#: Functions that compute; none of them loads anything.
_FUNCTIONS = frozenset(
    {"", "rgb", "rgba", "hsl", "hsla", "hwb", "lab", "lch", "oklab", "oklch", "color", "color-mix", "light-dark", "calc", "min", "max"}
    | {"clamp", "var", "linear-gradient", "radial-gradient", "conic-gradient", "cubic-bezier", "steps", "translate", "scale", "rotate"}
)


def read_style(style: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Split a style into the declarations that are let through and those that are not."""
    kept: list[str] = []
    dropped: list[str] = []
    for written in style.split(";"):
        text = written.strip()
        if text:
            name, colon, value = (part.strip() for part in text.partition(":"))
            plain = colon and _PROPERTY.match(name) and _is_plain(value)
            (kept if plain else dropped).append(f"{name}: {value}" if plain else text)
    return tuple(kept), tuple(dropped)


def rule_for(element_id: str, style: str) -> str:
    """The rule for one input; empty if no declaration is left."""
    kept, _ = read_style(style)
    return f"#{_identifier(element_id)} {{ {'; '.join(kept)} }}\n" if kept else ""


def _is_plain(value: str) -> bool:
    if not _VALUE.match(value) or "/*" in value or "*/" in value or not _is_balanced(value):
        return False
    return all(name.lower() in _FUNCTIONS for name in _FUNCTION.findall(value))


def _is_balanced(value: str) -> bool:
    """True if every parenthesis closes: an open one would take in the end of the rule, and what comes after."""
    depth = 0
    for char in value:
        depth += (char == "(") - (char == ")")
        if depth < 0:
            return False
    return depth == 0


def _identifier(text: str) -> str:
    """Escape an id for a selector (CSS Syntax 3, "consume an escaped code point"): everything but letters, digits, `-` and `_`."""
    return "".join(char if char.isascii() and (char.isalnum() or char in "-_") else f"\\{ord(char):x} " for char in text)
