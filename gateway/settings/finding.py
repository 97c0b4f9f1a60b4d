"""What is wrong at one place of the configuration, before it is known where in the file that place is."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

Path = tuple[str | int, ...]
Tree = dict[str, object]

_HIDDEN = "(hidden)"
_USER_INFO = re.compile(r"//[^/@\s]*@")
_LONGEST = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A `Problem` without its place.

    Attributes:
        path: Keys and list positions (from 0) from the top of the configuration.
        on_key: The key itself is wrong, not what it is set to: the value is not repeated, for a misspelt `secret` is one too.
    """

    path: Path
    what: str
    cure: str = ""
    on_key: bool = False
    warning: bool = False


def key_of(path: Path) -> str:
    """The path as a person counts: `routes[2].path` is in the second route."""
    text = ""
    for part in path:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".")


def value_at(tree: object, path: Path) -> object:
    """What stands at the path; None if nothing does."""
    for part in path:
        if isinstance(tree, Mapping) or (isinstance(tree, (list, tuple)) and isinstance(part, int) and part < len(tree)):
            tree = tree.get(part) if isinstance(tree, Mapping) else tree[int(part)]
        else:
            return None
    return tree


def shown(path: Path, value: object) -> str | None:
    """The value as a problem may repeat it: shortened, secrets hidden, tables left out."""
    if (
        value is None
        or isinstance(value, Mapping)
        or (isinstance(value, (list, tuple)) and any(isinstance(item, Mapping) for item in value))
    ):
        return None
    if holds_secret(path):
        return _HIDDEN
    text = _USER_INFO.sub(f"//{_HIDDEN}@", json.dumps(value, ensure_ascii=False, default=str))
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


def holds_secret(path: Path) -> bool:
    """True where the value is a secret, or an address that may hold a password."""
    return (
        path[:2] in (("session", "secrets"), ("store", "url"), ("store", "sessions_url"))
        or (path[:1] == ("providers",) and path[-1] in ("url", "password", "secret"))
        or path[-1:] == ("secret",)
    )
