"""What pydantic says, said for a person: what is wrong, and what to write instead."""

from __future__ import annotations

import difflib
import re
from typing import Any, get_args

from pydantic_core import ErrorDetails

from gateway.settings.finding import Finding, Path, Tree, value_at
from gateway.settings.sections.providers import AnyProvider
from gateway.settings.shape import keys_at

_TAGS = frozenset(get_args(kind.model_fields["type"].annotation)[0] for kind in get_args(get_args(AnyProvider)[0]))

_PLAIN = {
    "string_type": ("it is no text", 'write it between quotes: "..."'),
    "bool_type": ("it is neither true nor false", "write true or false, without quotes"),
    "int_type": ("it is no whole number", "write a whole number, without quotes"),
    "int_parsing": ("it is no whole number", "write a whole number, without quotes"),
    "int_from_float": ("it is no whole number", "write a whole number, without quotes"),
    "tuple_type": ("it is no list", 'write it between brackets: ["a", "b"]'),
    "dict_type": ("it is no table", "write it as a table of its own, or between braces: { key = ... }"),
    "model_type": ("it is no table", "write it as a table of its own, or between braces: { key = ... }"),
    "model_attributes_type": ("it is no table", "write it as a table of its own, or between braces: { key = ... }"),
    "path_type": ("it is no path", 'write it between quotes: "users.toml"'),
    "string_too_short": ("it is empty", "write something, or leave the line out"),
    "too_short": ("it is empty", "write something, or leave the line out"),
}


def finding_of(error: ErrorDetails, tree: Tree) -> Finding:
    """One error of pydantic's, as a finding."""
    path = path_of(error["loc"])
    if path and isinstance(path[-1], int) and not isinstance(value_at(tree, path[:-1]), (list, tuple)):
        path = path[:-1]  # one text where a list may stand
    kind = error["type"]
    context: dict[str, Any] = error.get("ctx", {})
    if kind == "missing":
        return Finding(path=path, what="it is missing", cure=f"write {_last(path)} = ...", on_key=True)
    if kind == "extra_forbidden":
        return _unknown_key(path, tree)
    if kind == "literal_error":
        return _unknown_value(path, error["input"], re.findall(r"'([^']*)'", context["expected"]) or [str(context["expected"])])
    if kind == "union_tag_not_found":
        return Finding(path=path, what="its type is missing", cure=f'write type = "...", one of {_list(sorted(_TAGS))}', on_key=True)
    if kind == "union_tag_invalid":
        return _unknown_value((*path, "type"), context["tag"], sorted(_TAGS))
    if kind == "value_error":
        return Finding(path=path, what="it can't be used", cure=str(context["error"]))
    if kind == "greater_than_equal":
        return Finding(path=path, what="it is too small", cure=f"write {context['ge']} or more")
    if kind == "string_pattern_mismatch":
        return Finding(
            path=path, what="it holds characters that have no place there", cure="write lower-case letters, digits, - and _ only"
        )
    what, cure = _PLAIN.get(kind, (error["msg"][:1].lower() + error["msg"][1:], ""))
    return Finding(path=path, what=what, cure=cure)


def path_of(loc: tuple[int | str, ...]) -> Path:
    """The place in the file: without the names of types that pydantic puts in between."""
    if loc[:1] == ("providers",) and len(loc) > 2 and loc[2] in _TAGS:
        loc = (*loc[:2], *loc[3:])
    if loc[:1] == ("providers",) and loc[2:3] == ("credentials",):
        loc = loc[:5]  # an attribute of an input; behind it stands the type that was tried
    return loc[:-1] if loc[-1:] == ("[key]",) else loc


def _unknown_key(path: Path, tree: Tree) -> Finding:
    above = path[:-1]
    known = keys_at(above, tag=value_at(tree, (*above, "type")))
    near = difflib.get_close_matches(str(path[-1]), known, n=1)
    cure = f"did you mean `{near[0]}`?" if near else f"here there are: {', '.join(known)}"
    return Finding(path=path, what="there is no such setting", cure=cure, on_key=True)


def _unknown_value(path: Path, value: object, known: list[str]) -> Finding:
    near = difflib.get_close_matches(str(value), known, n=1)
    meant = f'did you mean "{near[0]}"? ' if near else ""
    return Finding(path=path, what="there is no such value", cure=f"{meant}there is {_list(known)}")


def _list(known: list[str]) -> str:
    return ", ".join(f'"{item}"' for item in known)


def _last(path: Path) -> str:
    return next((part for part in reversed(path) if isinstance(part, str)), "")
