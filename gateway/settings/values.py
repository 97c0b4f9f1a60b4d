"""The value types of the configuration: durations, sizes, addresses, origins. Each says what it wants to see."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BeforeValidator, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from gateway.core.host import read_host

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_BYTES = {"": 1, "B": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}


def _duration(value: object) -> object:
    if isinstance(value, timedelta):
        return value
    match = re.fullmatch(r"(\d{1,9})(ms|s|m|h|d)", value) if isinstance(value, str) else None
    if match is None:
        raise ValueError('a duration is a number with a unit: "500ms", "30s", "5m", "24h" or "7d"')
    return timedelta(milliseconds=int(match[1])) if match[2] == "ms" else timedelta(seconds=int(match[1]) * _SECONDS[match[2]])


def _byte_size(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise ValueError('a size is a number of bytes, or text such as "64KiB", "100MiB"')
    match = re.fullmatch(r"(\d{1,15}) ?(B|KiB|MiB|GiB)?", str(value))
    if match is None:
        raise ValueError('a size is a number of bytes, or text such as "64KiB", "100MiB"')
    return int(match[1]) * _BYTES[match[2] or ""]


Duration = Annotated[timedelta, BeforeValidator(_duration)]
ByteSize = Annotated[int, BeforeValidator(_byte_size)]


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """`host:port` or `unix:/path`; `port` 0 asks the system for a free one."""

    host: str = ""
    port: int = 0
    path: str = ""

    @classmethod
    def parse(cls, value: str) -> ListenAddress:
        """Read an address.

        Raises:
            ValueError: It is neither form.
        """
        if value.startswith("unix:"):
            if not value.startswith("unix:/"):
                raise ValueError('a socket is written with its whole path: "unix:/run/gateway.sock"')
            return cls(path=value.removeprefix("unix:"))
        host, colon, port = value.rpartition(":")
        if not colon or not port.isascii() or not port.isdigit() or int(port) > 65535 or not host:
            raise ValueError('an address is "host:port" or "unix:/path", for example "127.0.0.1:8080"')
        return cls(host=host.removeprefix("[").removesuffix("]"), port=int(port))

    def __str__(self) -> str:
        if self.path:
            return f"unix:{self.path}"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return _from_text(cls, cls.parse)


@dataclass(frozen=True, slots=True)
class Origin:
    """`https://host` or `http://host:port`: an origin as browsers know it (RFC 6454), in its canonical spelling."""

    text: str

    @classmethod
    def parse(cls, value: str) -> Origin:
        """Read an origin; a single slash at the end is tolerated.

        Raises:
            ValueError: There is a path, a user, no host, or another scheme.
        """
        parts = urlsplit(value)
        host = read_host(parts.netloc, scheme=parts.scheme)
        if parts.scheme not in ("http", "https") or host is None:
            raise ValueError('an origin is a scheme and a host, for example "https://app.example.com"')
        if parts.path not in ("", "/") or parts.query or parts.fragment:
            raise ValueError("an origin has no path, query or fragment")
        return cls(f"{parts.scheme}://{host}")

    @property
    def scheme(self) -> str:
        """`http` or `https`."""
        return self.text.partition("://")[0]

    @property
    def host(self) -> str:
        """The host, with its port where that is not the scheme's own."""
        return self.text.partition("://")[2]

    def __str__(self) -> str:
        return self.text

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return _from_text(cls, cls.parse)


@dataclass(frozen=True, slots=True)
class UpstreamUrl:
    """`http://host:port`, `https://host:port` or `unix:/path`: where an upstream listens."""

    text: str
    scheme: str
    host: str = ""
    port: int = 0
    path: str = ""

    @classmethod
    def parse(cls, value: str) -> UpstreamUrl:
        """Read an upstream's address.

        Raises:
            ValueError: It is none of the three forms, or it has a path (the request's own path is forwarded unchanged).
        """
        if value.startswith("unix:"):
            if not value.startswith("unix:/"):
                raise ValueError('a socket is written with its whole path: "unix:/run/app.sock"')
            return cls(value, "unix", path=value.removeprefix("unix:"))
        parts = urlsplit(value)
        host = read_host(parts.netloc, scheme=parts.scheme)
        if parts.scheme not in ("http", "https") or host is None:
            raise ValueError('an upstream is "http://host:port", "https://host:port" or "unix:/path"')
        if parts.path not in ("", "/") or parts.query or parts.fragment:
            raise ValueError("an upstream has no path: the path of the request is forwarded byte for byte")
        port = parts.port or (443 if parts.scheme == "https" else 80)
        return cls(f"{parts.scheme}://{host}", parts.scheme, host=parts.hostname or "", port=port)

    def __str__(self) -> str:
        return self.text

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return _from_text(cls, cls.parse)


def _from_text(kind: type, parse: Any) -> CoreSchema:
    return core_schema.union_schema(
        [
            core_schema.is_instance_schema(kind),
            core_schema.no_info_after_validator_function(parse, core_schema.str_schema()),
        ],
        mode="left_to_right",
    )
