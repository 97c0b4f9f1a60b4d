"""`https://app.example.com`: an origin, and a pattern for some."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema

from gateway.core.host import read_host
from gateway.settings.values.text import from_text, split_url


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
        parts = split_url(value)
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
        return from_text(cls, cls.parse)


@dataclass(frozen=True, slots=True)
class AllowedOrigin:
    """An origin, or a pattern for some: `https://*.example.com` (one label), `http://localhost:*` (any port); both at once as well."""

    text: str

    @classmethod
    def parse(cls, value: str) -> AllowedOrigin:
        """Read an origin or a pattern.

        Raises:
            ValueError: It is neither, or a pattern that would let in whoever can register a name.
        """
        scheme, mark, rest = value.partition("://")
        wildcard, port = rest.startswith("*."), rest.removesuffix("/").endswith(":*")
        plain = rest.removesuffix("/").removesuffix(":*") if port else rest
        if "*" in plain.removeprefix("*."):
            raise ValueError('* stands for one whole label in front, or for the port: "https://*.example.com", "http://localhost:*"')
        origin = Origin.parse(f"{scheme}{mark}{plain.removeprefix('*.')}")
        host = origin.host
        if port and (host.rpartition(":")[2].isdigit() and not host.endswith("]")):
            raise ValueError("there is a port, and * for any port: write one of the two")
        if wildcard and (host.startswith("[") or host.rpartition(":")[0].replace(".", "").isdigit() or host.replace(".", "").isdigit()):
            raise ValueError("an address has no subdomains")
        if wildcard and "." not in host.partition(":")[0] and host.partition(":")[0] != "localhost":
            raise ValueError(
                f"this would be everybody's who has a name below .{host.partition(':')[0]}: write at least two labels behind the *"
            )
        return cls(f"{origin.scheme}://{'*.' if wildcard else ''}{host}{':*' if port else ''}")

    @property
    def scheme(self) -> str:
        """`http` or `https`."""
        return self.text.partition("://")[0]

    def __str__(self) -> str:
        return self.text

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return from_text(cls, cls.parse)
