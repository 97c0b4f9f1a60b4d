"""What requests are compared with: patterns of hosts and of paths."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

from gateway.core.host import HostPattern, read_host
from gateway.core.path_pattern import PathPattern
from gateway.settings.values.one_or_list import listed


def host_pattern(text: str, *, scheme: str) -> HostPattern:
    """`app.example.com` or `*.example.com`, in the spelling that asked hosts are compared in.

    Raises:
        ValueError: It is neither.
    """
    wildcard = "*." if text.startswith("*.") else ""
    host = read_host(text.removeprefix("*."), scheme=scheme)
    if host is None or (wildcard and host.startswith("[")):
        raise ValueError(
            'a host is a name, with a port where it is not the usual one: "app.example.com", "*.example.com", "localhost:8080"'
        )
    return HostPattern(wildcard + host)


def _host(value: str) -> str:
    host_pattern(value, scheme="https")
    return value


def _path(value: str) -> str:
    PathPattern.parse(value)
    return value


#: One host, or a list: `app.example.com`, `*.example.com`.
HostTexts = Annotated[tuple[Annotated[str, AfterValidator(_host)], ...], BeforeValidator(listed)]
#: A pattern as `core/path_pattern.py` reads it.
PathText = Annotated[str, AfterValidator(_path)]
