"""Where each key and value stands in the text of a TOML file. Used, and its parser imported, only when there is a problem to show."""

from __future__ import annotations

import tomllib
from collections import Counter
from typing import TYPE_CHECKING

from gateway.settings.finding import Path

if TYPE_CHECKING:
    from tree_sitter import Node

Place = tuple[int, int]  # line and column, both from 1


class Positions:
    """The places of all keys and values of a text that `tomllib` has accepted."""

    def __init__(self, text: str) -> None:
        import tree_sitter_toml
        from tree_sitter import Language, Parser

        self._lines = text.encode().split(b"\n")
        self._keys: dict[Path, Place] = {}
        self._values: dict[Path, Place] = {}
        self._lengths: Counter[Path] = Counter()  # of arrays of tables, as far as they were read
        for node in Parser(Language(tree_sitter_toml.language())).parse(text.encode()).root_node.named_children:
            if node.type == "pair":
                self._pair((), node)
            elif node.type in ("table", "table_array_element"):
                self._table(node)

    def find(self, path: Path, *, on_key: bool = False) -> Place:
        """The place of the value (or of its key), else of the innermost table around it, else (0, 0)."""
        found = (self._keys if on_key else self._values).get(path)
        while found is None and path:
            found = self._keys.get(path)
            path = path[:-1]
        return found or (0, 0)

    def _table(self, node: Node) -> None:
        key, *rest = (child for child in node.named_children if child.type != "comment")
        path: Path = ()
        for part in _parts(key):
            if path in self._lengths:
                path = (*path, self._lengths[path] - 1)
            path = (*path, part)
        if node.type == "table_array_element":
            self._lengths[path] += 1
            self._keys.setdefault(path, self._place(key))
            path = (*path, self._lengths[path] - 1)
        elif path in self._lengths:
            path = (*path, self._lengths[path] - 1)
        self._mark(path, key)
        for child in rest:
            self._pair(path, child)

    def _pair(self, base: Path, node: Node) -> None:
        if node.type != "pair":
            return
        key, value, *_ = (child for child in node.named_children if child.type != "comment")
        path = base
        for part in _parts(key):
            path = (*path, part)
            self._keys.setdefault(path, self._place(key))
        self._value(path, value)

    def _value(self, path: Path, node: Node) -> None:
        self._values[path] = self._place(node)
        children = [child for child in node.named_children if child.type != "comment"]
        if node.type == "inline_table":
            for child in children:
                self._pair(path, child)
        elif node.type == "array":
            for index, child in enumerate(children):
                self._keys[(*path, index)] = self._place(child)
                self._value((*path, index), child)

    def _mark(self, path: Path, node: Node) -> None:
        for end in range(1, len(path) + 1):
            self._keys.setdefault(path[:end], self._place(node))

    def _place(self, node: Node) -> Place:
        row, column = node.start_point
        return row + 1, len(self._lines[row][:column].decode("utf-8", "replace")) + 1


def _parts(key: Node) -> list[str]:
    """The parts of a bare, quoted or dotted key; TOML itself knows best how to read one."""
    text = (key.text or b"").decode()
    tree: object = tomllib.loads(f"{text} = 0")
    parts = []
    while isinstance(tree, dict):
        ((part, tree),) = tree.items()
        parts.append(part)
    return parts
