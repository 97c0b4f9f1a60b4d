"""TOML of tables: our configuration and a users file, as a person would write them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence

from gateway.cli.imports.found import Found, Remark

_BARE = re.compile(r"[A-Za-z0-9_-]+\Z")
#: The order in which sections stand in the file.
_ORDER = ("server", "session", "store", "callbacks", "redirects", "forward_auth", "headers", "headers.set", "headers.assertion", "limits")


def configuration(found: Found, *, source: str) -> str:
    """Our file, with the remarks at its top."""
    lines = [
        f"# Made of {source} by `gateway import`. Read the remarks, then: gateway check -c gateway.toml",
        *map(_comment, found.remarks),
    ]
    for section in (*_ORDER, *(name for name in found.tables if name not in _ORDER)):
        if section in found.tables:
            lines += ["", f"[{section}]", *_pairs(found.tables[section])]
    lines += ["", "[[providers]]", *_pairs({"id": "credentials", "type": "users", "file": "users.toml"})]
    for kind, entries in (("upstreams", found.upstreams), ("routes", found.routes)):
        for entry in entries:
            lines += ["", f"[[{kind}]]", *_pairs(entry)]
    return "\n".join(lines) + "\n"


def users_file(users: Mapping[str, Mapping[str, object]]) -> str:
    """A users file."""
    lines = ["# Users who may sign in, as they were there; `gateway users` changes them."]
    for name, attributes in users.items():
        lines += ["", f"[users.{_key(name)}]", *_pairs(attributes)]
    return "\n".join(lines) + "\n"


def _comment(remark: Remark) -> str:
    return _one_line(f"# line {remark.line}, {remark.name}: {remark.what}; {remark.cure}")


def _one_line(text: str) -> str:
    return re.sub(r"[\x00-\x08\x0a-\x1f\x7f]", " ", text)


def _pairs(table: Mapping[str, object]) -> Iterator[str]:
    for key, value in table.items():
        yield f"{_key(key)} = {_value(value)}"


def _key(name: str) -> str:
    return name if _BARE.match(name) else _value(name)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, Sequence):
        return f"[{', '.join(map(_value, value))}]"
    return str(value)
