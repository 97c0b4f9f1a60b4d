"""The arrows between the rooms: core ← callbacks, store, settings, proxy ← providers, sessions ← web ← cli; and a core without I/O, clock or dice."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "gateway"
MODULES = sorted(PACKAGE.rglob("*.py"))

MAY_IMPORT = {
    "core": {"core"},
    "settings": {"core", "settings"},
    "callbacks": {"core", "callbacks"},
    "store": {"core", "store"},
    "providers": {"core", "callbacks", "store", "providers", "settings"},  # `build` makes providers of the settings
    "sessions": {"core", "store", "sessions"},
    "tokens": {"core", "store", "tokens"},
    "proxy": {"core", "proxy"},
    "assertion": {"core", "sessions", "assertion"},
    "web": {"core", "settings", "callbacks", "store", "providers", "sessions", "proxy", "assertion", "tokens", "web"},
    "upstream": {"core", "upstream"},  # it runs inside of other people's apps
    "demo": {"core", "settings", "demo"},
    "cli": {"core", "settings", "callbacks", "store", "providers", "sessions", "proxy", "web", "demo", "assertion", "tokens", "cli"},
}

# What pure code needs. A name that is not here has I/O, a clock, dice or state behind it, or needs a reason to be added.
PURE = {
    *(
        "__future__",
        "base64",
        "collections",
        "dataclasses",
        "datetime",
        "enum",
        "functools",
        "heapq",
        "html",
        "ipaddress",
        "itertools",
        "math",
    ),
    *("operator", "re", "string", "types", "typing", "unicodedata", "urllib"),
}
CLOCKS = {"now", "utcnow", "today"}


def imports(module: Path) -> Iterator[str]:
    """The full names of what a module imports, wherever in the file it does so."""
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room_of(module: Path) -> str:
    return module.relative_to(PACKAGE).parts[0].removesuffix(".py")


def in_rooms(*rooms: str) -> list[object]:
    return [pytest.param(module, id=str(module.relative_to(PACKAGE))) for module in MODULES if room_of(module) in rooms]


def test_every_folder_is_a_known_room():
    rooms = {room_of(module) for module in MODULES if len(module.relative_to(PACKAGE).parts) > 1}
    assert rooms <= MAY_IMPORT.keys()


@pytest.mark.parametrize("module", in_rooms(*MAY_IMPORT))
def test_a_room_imports_only_what_its_arrows_allow(module):
    allowed = MAY_IMPORT[room_of(module)]
    ours = {name.split(".")[1] for name in imports(module) if name.startswith("gateway.")}
    assert ours - {"__version__"} <= allowed


@pytest.mark.parametrize("module", in_rooms("core"))
def test_the_core_imports_nothing_that_is_not_pure(module):
    foreign = {name for name in imports(module) if not name.startswith("gateway.") and name.split(".")[0] not in PURE}
    assert not foreign
    assert not {name for name in imports(module) if name.startswith("urllib") and not name.startswith("urllib.parse")}


@pytest.mark.parametrize("module", in_rooms("core"))
def test_the_core_asks_no_clock_and_opens_nothing(module):
    tree = ast.parse(module.read_text("utf-8"))
    called = {node.func.attr for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)}
    plain = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert not called & CLOCKS
    assert not plain & {"open", "print", "input", "exec", "eval", "__import__"}


@pytest.mark.parametrize("module", in_rooms("core", "settings"))
def test_the_web_framework_stays_out_of_core_and_settings(module):
    assert not {name for name in imports(module) if name.split(".")[0].startswith("aiohttp")}


def test_nothing_waits_by_wait_for():
    """Up to Python 3.11 it loses a cancellation that meets the end of what it waits for; `asyncio.timeout` does not."""
    assert [module for module in MODULES if "asyncio.wait_for(" in module.read_text("utf-8")] == []
