"""`http://127.0.0.1:3000`: where an upstream listens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema

from gateway.core.host import read_host
from gateway.settings.values.text import from_text, split_url


@dataclass(frozen=True, slots=True)
class UpstreamUrl:
    """`http://host:port`, `https://host:port` or `unix:/path`: where an upstream listens."""

    text: str
    scheme: Literal["http", "https", "unix"]
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
        parts = split_url(value)
        host = read_host(parts.netloc, scheme=parts.scheme)
        if parts.scheme not in ("http", "https") or host is None:
            raise ValueError('an upstream is "http://host:port", "https://host:port" or "unix:/path"')
        if parts.path not in ("", "/") or parts.query or parts.fragment:
            raise ValueError("an upstream has no path: the path of the request is forwarded byte for byte")
        scheme: Literal["http", "https"] = "https" if parts.scheme == "https" else "http"
        port = parts.port or (443 if scheme == "https" else 80)
        return cls(f"{scheme}://{host}", scheme, host=parts.hostname or "", port=port)

    def __str__(self) -> str:
        return self.text

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return from_text(cls, cls.parse)
