"""What the configuration may hold at a path, read from the model: for the environment, for "did you mean", for the reference."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from gateway.settings.finding import Path
from gateway.settings.model import Settings

#: Fields of the model that are no keys of the file.
NO_KEYS = frozenset({"folder"})


def alternatives(kind: object) -> Iterator[object]:
    """The types that a value may have, without `None` and annotations."""
    origin = get_origin(kind)
    if origin is Annotated:
        yield from alternatives(get_args(kind)[0])
    elif origin in (Union, types.UnionType):
        for member in get_args(kind):
            yield from alternatives(member)
    elif kind is not type(None):
        yield kind


def kinds_at(path: Path) -> list[object]:
    """The types that may stand at the path; empty if there is no such key."""
    kinds: list[object] = [Settings]
    for part in path:
        kinds = [kind for above in kinds for inner in _inside(above, part) for kind in alternatives(inner)]
    return kinds


def keys_at(path: Path, tag: object = None) -> list[str]:
    """The keys that a table at the path may have; `tag` is its `type`, which leaves only the keys of that kind."""
    models = [kind for kind in kinds_at(path) if isinstance(kind, type) and issubclass(kind, BaseModel)]
    tagged = [model for model in models if "type" in model.model_fields and tag in get_args(model.model_fields["type"].annotation)]
    return list(dict.fromkeys(key for model in tagged or models for key in model.model_fields if key not in NO_KEYS))


def takes_list(kinds: list[object]) -> bool:
    """True if a list belongs there."""
    return any(get_origin(kind) is tuple for kind in kinds)


def takes_table(kinds: list[object]) -> bool:
    """True if only a table belongs there."""
    return any(get_origin(kind) is dict or (isinstance(kind, type) and issubclass(kind, BaseModel)) for kind in kinds)


def takes(kinds: list[object], wanted: type) -> bool:
    """True if a plain value of that type belongs there."""
    return wanted in kinds or any(get_origin(kind) is Literal and type(get_args(kind)[0]) is wanted for kind in kinds)


def _inside(kind: object, part: str | int) -> Iterator[object]:
    origin = get_origin(kind)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        if part in kind.model_fields and part not in NO_KEYS:
            yield kind.model_fields[str(part)].annotation
        elif kind.model_config.get("extra") == "allow" and isinstance(part, str):
            yield str
    elif origin is tuple and isinstance(part, int):
        yield get_args(kind)[0]
    elif origin in (dict, Mapping) and isinstance(part, str):
        yield get_args(kind)[1]
