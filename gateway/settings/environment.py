"""The environment on top of the file: `GATEWAY_SERVER__LISTEN`, `GATEWAY_UPSTREAMS__APP__URL`, lists by JSON or comma.

Entries of lists of tables are named, not counted: the upstream `app`, the provider with the id `credentials`.
"""

from __future__ import annotations

import difflib
import itertools
import json
import re
from collections.abc import Iterator, Mapping

from gateway.settings.finding import Finding, Path, Tree
from gateway.settings.shape import keys_at, kinds_at, takes, takes_list, takes_table

PREFIX = "GATEWAY_"
#: Variables that commands read themselves.
OTHERS = frozenset({"GATEWAY_CONFIG"})
# Kubernetes sets these in every container for a service whose name starts with "gateway" (its documentation on service
# environment variables): a container must not fail to start for a neighbour's name.
_KUBERNETES = re.compile(r"GATEWAY(_[A-Z0-9_]+)?_(SERVICE_(HOST|PORT)(_[A-Z0-9_]+)?|PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)\Z")
_KUBERNETES_PORT = re.compile(r"(tcp|udp|sctp)://")
_NAMED = {"upstreams": "name", "providers": "id"}


def overlay(tree: Tree, environment: Mapping[str, str], sources: dict[Path, str]) -> Iterator[Finding]:
    """Write the variables into the tree, and note in `sources` what came from which."""
    for name in sorted(environment):
        text = environment[name]
        if not name.startswith(PREFIX) or name in OTHERS or _is_kubernetes(name, text):
            continue
        path = _path_of(name, tree)
        if path is None:
            sources[(name,)] = "environment"
            yield _unknown(name)
            continue
        kinds = kinds_at(path)
        sources[path] = name
        try:
            value = _value(text, kinds)
        except ValueError:
            yield Finding(
                path=path, what=f"{name} is no JSON", cure="write a list or a table as JSON, or a plain list with commas", on_key=True
            )
            continue
        set_at(tree, path, value)
        _displace_twin(tree, path, sources)


def _displace_twin(tree: Tree, path: Path, sources: Mapping[Path, str]) -> None:
    """What the file says under the other of the two names (`url`, `url_file`) gives way; of two variables, neither does."""
    *above, last = path
    twin = str(last).removesuffix("_file") if str(last).endswith("_file") else f"{last}_file"
    inner: object = tree
    for part in above:
        inner = inner[part]  # type: ignore[index]  # `set_at` has just been there
    if isinstance(inner, dict) and (*above, twin) not in sources:
        inner.pop(twin, None)


def set_at(tree: Tree, path: Path, value: object) -> None:
    """Write a value into the tree, making the tables on the way where there are none."""
    inner: object = tree
    for part, following in itertools.pairwise(path):
        if isinstance(inner, dict):
            if not isinstance(inner.get(part), (dict, list)):
                inner[part] = [] if isinstance(following, int) else {}
            inner = inner[part]
        elif isinstance(inner, list) and isinstance(part, int):
            inner = inner[part]
    last = path[-1]
    if isinstance(inner, list) and isinstance(last, int):
        inner[last] = value
        return
    assert isinstance(inner, dict)
    inner[last] = value


def _path_of(name: str, tree: Tree) -> Path | None:
    """The path that a variable sets, if there is one."""
    parts = name.removeprefix(PREFIX).split("__")
    path: Path = ()
    for number, part in enumerate(parts):
        by = _NAMED.get(str(path[0])) if number == 1 else None
        if by is not None:
            index = _entry(tree.get(str(path[0])), by, part)
            if index is None:
                return None
            path = (*path, index)
        else:
            path = (*path, part.lower())
    return path if kinds_at(path) or kinds_at(_without_file(path)) else None


def _without_file(path: Path) -> Path:
    last = path[-1]
    return (*path[:-1], last.removesuffix("_file")) if isinstance(last, str) and last.endswith("_file") and last != "_file" else path


def _entry(entries: object, by: str, wanted: str) -> int | None:
    if isinstance(entries, list):
        for index, entry in enumerate(entries):
            if isinstance(entry, dict) and isinstance(entry.get(by), str) and _spelt(entry[by]) == wanted:
                return index
    return None


def _spelt(name: str) -> str:
    return re.sub(r"[^A-Z0-9]", "_", name.upper())


def _value(text: str, kinds: list[object]) -> object:
    if takes_table(kinds) or (takes_list(kinds) and text.lstrip().startswith("[")):
        return json.loads(text)
    if takes_list(kinds):
        return [item.strip() for item in text.split(",") if item.strip()]
    if takes(kinds, bool) and text.lower() in ("true", "false"):
        return text.lower() == "true"
    if takes(kinds, int) and re.fullmatch(r"-?[0-9]{1,18}", text):
        return int(text)
    return text


def _is_kubernetes(name: str, text: str) -> bool:
    return bool(_KUBERNETES.match(name) or (name.endswith("_PORT") and "__" not in name and _KUBERNETES_PORT.match(text)))


def _unknown(name: str) -> Finding:
    known = [
        f"{PREFIX}{section}__{key}".upper() if key else f"{PREFIX}{section}".upper()
        for section in keys_at(())
        for key in ("", *keys_at((section,)))
    ]
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.75)
    meant = f"did you mean {near[0]}? " if near else ""
    cure = (
        "a variable is GATEWAY_<SECTION>__<KEY>, with two underscores, or GATEWAY_UPSTREAMS__<NAME>__<KEY> for an entry that the file names"
    )
    return Finding(path=(name,), what="this variable sets nothing that there is", cure=meant + cure, on_key=True)
