"""The text of a users file, changed in one place at a time: comments, order and spelling of everything else stay as they are.

Every change is proved before it is handed back: the new text, read by `tomllib`, must be the old content with exactly that change.
"""

from __future__ import annotations

import copy
import functools
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+\Z")
_TABLE = "users"


class CannotEdit(ValueError):
    """The text is written in a way that this can't change safely; the message names what to do by hand."""


class _Value(NamedTuple):
    path: tuple[str, ...]
    node: Node


def place_of(text: str, path: tuple[str, ...]) -> tuple[int, int]:
    """Line and column, counted from 1, of a value, or of the table it belongs to; (0, 0) if there is neither."""
    source = text.encode()
    found: Node | None = None
    depth = 0
    for value in _values(source):
        shared = len(value.path)
        if shared > depth and path[:shared] == value.path:
            found, depth = value.node, shared
    if found is None:
        return 0, 0
    line_start = source.rfind(b"\n", 0, found.start_byte) + 1
    return source.count(b"\n", 0, found.start_byte) + 1, len(source[line_start : found.start_byte].decode(errors="replace")) + 1


def with_value(text: str, user: str, key: str, value: str | bool) -> str:
    """Set one attribute of a user.

    Raises:
        CannotEdit: The place could not be found, or the change would touch more than it should.
        KeyError: There is no such user.
    """
    wanted = tomllib.loads(text)
    wanted[_TABLE][user][key] = value
    source = text.encode()
    literal = _literal(value).encode()
    paths = {entry.path: entry.node for entry in _values(source)}
    node = paths.get((_TABLE, user, key))
    if node is not None:
        changed = source[: node.start_byte] + literal + source[node.end_byte :]
    else:
        table = paths.get((_TABLE, user))
        if table is None or table.type != "table":
            raise CannotEdit(f"write `{_key(key)} = {_literal(value) if isinstance(value, bool) else '...'}` for {user!r} by hand")
        end = source.find(b"\n", table.named_children[0].end_byte)
        end = len(source) if end < 0 else end
        changed = source[:end] + b"\n" + _key(key).encode() + b" = " + literal + source[end:]
    return _proved(changed, wanted)


def with_user(text: str, user: str, attributes: Mapping[str, object]) -> str:
    """Add a user at the end.

    Raises:
        CannotEdit: The file's way of writing has no room for a further `[users.<name>]` table.
        KeyError: The user is there already.
    """
    wanted = tomllib.loads(text)
    users = wanted.setdefault(_TABLE, {})
    if user in users:
        raise KeyError(user)
    users[user] = dict(attributes)
    lines = [f"[{_TABLE}.{_key(user)}]", *(f"{_key(key)} = {_literal(value)}" for key, value in attributes.items())]
    before = text if not text or text.endswith("\n") else text + "\n"
    return _proved((before + ("\n" if before else "") + "\n".join(lines) + "\n").encode(), wanted)


def without_user(text: str, user: str) -> str:
    """Remove a user, with the tables below it and the comment right above it.

    Raises:
        CannotEdit: The user is not written as a `[users.<name>]` table.
        KeyError: There is no such user.
    """
    wanted = tomllib.loads(text)
    del wanted[_TABLE][user]
    if not wanted[_TABLE]:
        del wanted[_TABLE]
    lines = text.encode().splitlines(keepends=True)
    gone: set[int] = set()
    for entry in _values(text.encode()):
        if entry.node.type == "table" and entry.path[:2] == (_TABLE, user):
            first = entry.node.start_point[0]
            last = [child for child in entry.node.named_children if child.type != "comment"][-1].end_point[0]
            while first > 0 and lines[first - 1].lstrip().startswith(b"#"):
                first -= 1
            if last + 1 < len(lines) and not lines[last + 1].strip():
                last += 1
            gone.update(range(first, last + 1))
    return _proved(b"".join(line for number, line in enumerate(lines) if number not in gone), wanted)


def _proved(changed: bytes, wanted: dict[str, Any]) -> str:
    try:
        text = changed.decode()
        got = tomllib.loads(text)
    except ValueError as error:
        raise CannotEdit("the file is written in a way that only a person can change") from error
    if _settled(got) != _settled(wanted):
        raise CannotEdit("the file is written in a way that only a person can change")
    return text


def _settled(content: dict[str, Any]) -> dict[str, Any]:
    """The content with an empty `[users]` left out: it says the same as none."""
    settled = copy.copy(content)
    if settled.get(_TABLE) == {}:
        del settled[_TABLE]
    return settled


def _values(source: bytes) -> Iterator[_Value]:
    """Every table and every value of the file with its whole path, as far as arrays of tables don't come between."""
    for child in _parser().parse(source).root_node.named_children:
        if child.type == "table":
            path = _path(child.named_children[0])
            yield _Value(path, child)
            for pair in child.named_children[1:]:
                yield from _pairs(pair, path)
        else:
            yield from _pairs(child, ())


def _pairs(pair: Node, above: tuple[str, ...]) -> Iterator[_Value]:
    if pair.type != "pair":
        return
    key, value = pair.named_children[0], pair.named_children[1]
    path = above + _path(key)
    yield _Value(path, value)
    if value.type == "inline_table":
        for inner in value.named_children:
            yield from _pairs(inner, path)


def _path(key: Node) -> tuple[str, ...]:
    if key.type == "dotted_key":
        return tuple(part for child in key.named_children for part in _path(child))
    text = (key.text or b"").decode()
    if key.type == "quoted_key":
        return (next(iter(tomllib.loads(f"{text} = 0"))),)
    return (text,)


def _key(key: str) -> str:
    return key if _BARE_KEY.match(key) else _literal(key)


def _literal(value: object) -> str:
    """A value as TOML: JSON's way of writing is TOML's too, but for DEL, which TOML wants escaped, and for null, which it lacks."""
    if not isinstance(value, (str, bool, int, float, list, tuple)):
        raise CannotEdit(f"a value of type {type(value).__name__} has to be written by hand")
    return json.dumps(value, ensure_ascii=False, allow_nan=False).replace("\x7f", "\\u007F")


@functools.cache
def _parser() -> Parser:
    import tree_sitter
    import tree_sitter_toml

    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_toml.language()))
