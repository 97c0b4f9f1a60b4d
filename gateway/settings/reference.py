"""The reference of all settings, as Markdown, made from the model. `python -m gateway.settings.reference` rewrites docs/configuration.md."""

from __future__ import annotations

import sys
import typing
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from gateway.settings.sections import (
    callbacks,
    forward_auth,
    headers,
    inspector,
    limits,
    pages,
    providers,
    redirects,
    routes,
    server,
    session,
    store,
    upstreams,
)
from gateway.settings.shape import alternatives
from gateway.settings.values.duration import spelled

START = "<!-- settings: written by python -m gateway.settings.reference -->\n"
END = "<!-- end of settings -->\n"

#: Heading, where it stands in the file, and its model, in the order of the file.
SECTIONS: tuple[tuple[str, type[BaseModel], type[BaseModel] | None], ...] = (
    ("[server]", server.ServerSettings, None),
    ("[session]", session.SessionSettings, None),
    ("[store]", store.StoreSettings, None),
    ("[[providers]]", providers.ProviderSettings, None),
    ('[[providers]] with type = "users"', providers.UsersProviderSettings, providers.ProviderSettings),
    ('[[providers]] with type = "sql"', providers.SqlProviderSettings, providers.ProviderSettings),
    ('[[providers]] with type = "python"', providers.PythonProviderSettings, providers.ProviderSettings),
    ("[providers.credentials.<key>]", providers.FieldSettings, None),
    ("[callbacks]", callbacks.CallbackSettings, None),
    ("[pages]", pages.PageSettings, None),
    ("[redirects]", redirects.RedirectSettings, None),
    ("[[redirects.rules]]", redirects.RedirectRuleSettings, None),
    ("when = { ... }", redirects.WhenSettings, None),
    ("[[upstreams]]", upstreams.UpstreamSettings, None),
    ("[[routes]]", routes.RouteSettings, None),
    ("[headers]", headers.HeaderSettings, None),
    ("[headers.assertion]", headers.AssertionSettings, None),
    ("[forward_auth]", forward_auth.ForwardAuthSettings, None),
    ("[inspector]", inspector.InspectorSettings, None),
    ("[limits]", limits.LimitSettings, None),
)
#: Settings that hold a secret and may be given by a file instead.
BY_FILE = frozenset({"StoreSettings.url", "StoreSettings.sessions_url", "SqlProviderSettings.url", "UpstreamSettings.basic_password"})
_SIZES = ((1024**3, "GiB"), (1024**2, "MiB"), (1024, "KiB"))
_NAMES = {
    "ListenAddress": "address",
    "Origin": "origin",
    "AllowedOrigin": "origin",
    "UpstreamUrl": "URL",
    "IPv4Network": "network",
    "IPv6Network": "network",
    "Path": "path",
    "SecretStr": "secret text",
    "str": "text",
    "bool": "true or false",
    "timedelta": "duration",
    "FieldSettings": "tables",
    "RedirectRuleSettings": "tables",
    "WhenSettings": "table",
    "AssertionSettings": "table",
}


def render() -> str:
    """Every section with its keys: what may stand there, the default, what it is for."""
    return "\n".join(line for section in SECTIONS for line in _section(*section))


def _section(heading: str, section: type[BaseModel], without: type[BaseModel] | None) -> Iterator[str]:
    yield f"### `{heading}`\n"
    yield f"{(section.__doc__ or '').strip()}\n"
    yield "| key | value | default | meaning |"
    yield "| --- | --- | --- | --- |"
    for key, field in section.model_fields.items():
        if without is None or key not in without.model_fields:
            also = f" Or `{key}_file`, a file that holds it." if f"{section.__name__}.{key}" in BY_FILE else ""
            yield f"| `{key}` | {_kind(field)} | {_default(field)} | {(field.description or '').replace('|', chr(92) + '|')}{also} |"
    yield ""


def _kind(field: FieldInfo) -> str:
    kinds = list(alternatives(field.annotation))
    names = []
    for kind in kinds:
        if typing.get_origin(kind) is tuple:
            names.append(f"list: {_one(typing.get_args(kind)[0])}")
        elif typing.get_origin(kind) is dict:
            names.append("table" if typing.get_args(kind)[1] is str else "tables")
        elif kind is int:
            names.append("number" if any(type(item).__name__ == "Strict" for item in field.metadata) else "size")
        else:
            names.append(_one(kind))
    return " or ".join(dict.fromkeys(names)).replace("|", "\\|")


def _one(kind: object) -> str:
    inner = list(alternatives(kind))
    if len(inner) > 1 or inner[0] is not kind:
        return " or ".join(dict.fromkeys(_one(member) for member in inner))
    if typing.get_origin(kind) is Literal:
        return ", ".join(f'`"{value}"`' if isinstance(value, str) else f"`{value}`" for value in typing.get_args(kind))
    return _NAMES[getattr(kind, "__name__", str(kind))]


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**needed**"
    default: Any = field.default
    if default is PydanticUndefined or default is None or default in ((), {}):
        return ""
    return f"`{spelt(default, size=_kind(field) == 'size')}`"


def spelt(value: object, *, size: bool = False) -> str:
    """A value as the file would write it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, timedelta):
        return f'"{spelled(value)}"'
    if isinstance(value, int):
        large = next(((unit, name) for unit, name in _SIZES if size and value >= unit and value % unit == 0), None)
        return f'"{value // large[0]}{large[1]}"' if large else str(value)
    if isinstance(value, tuple):
        return f"[{', '.join(spelt(item) for item in value)}]" if len(value) != 1 else spelt(value[0])
    return f'"{value}"'


def rewritten(page: str) -> str:
    """The page with its generated part made anew."""
    before, _, rest = page.partition(START)
    return f"{before}{START}\n{render()}\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    file = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/configuration.md")
    file.write_text(rewritten(file.read_text("utf-8")), "utf-8")
