"""The value types of the configuration: durations, sizes, addresses, origins. Each says what it wants to see."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, GetCoreSchemaHandler, PlainValidator, ValidationInfo
from pydantic_core import CoreSchema, core_schema

from gateway.core.host import HostPattern, read_host
from gateway.core.path_pattern import PathPattern

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_BYTES = {"": 1, "B": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}


_LONGEST = timedelta(days=3650)
_LARGEST = 2**53 - 1

DURATION_FORM = 'a duration is a number with a unit: "500ms", "30s", "5m", "24h" or "7d"'
SIZE_FORM = 'a size is a number of bytes, or text such as "64KiB", "100MiB"'


def _duration(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    match = re.fullmatch(r"([0-9]{1,9})(ms|s|m|h|d)", value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(DURATION_FORM)
    made = timedelta(milliseconds=int(match[1])) if match[2] == "ms" else timedelta(seconds=int(match[1]) * _SECONDS[match[2]])
    if made > _LONGEST:  # far below where adding it to a date would overflow
        raise ValueError("ten years (3650d) is the longest duration")
    return made


def _positive(value: timedelta) -> timedelta:
    if value <= timedelta(0):
        raise ValueError("it would end before it began: write a duration above zero")
    return value


def _byte_size(value: object) -> int:
    match = re.fullmatch(r"([0-9]{1,15}) ?(B|KiB|MiB|GiB)?", str(value)) if type(value) in (int, str) else None
    if match is None:
        raise ValueError(SIZE_FORM)
    made = int(match[1]) * _BYTES[match[2] or ""]
    if made > _LARGEST:
        raise ValueError("that is more bytes than there are")
    return made


def _some_bytes(value: int) -> int:
    if value < 1:
        raise ValueError("nothing would ever fit: write a size above zero")
    return value


def _network(value: object) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    if isinstance(value, (ipaddress.IPv4Network, ipaddress.IPv6Network)):
        return value
    form = 'a network is an address or a CIDR range: "10.0.0.5", "10.0.0.0/8", "fd00::/8"'
    if not isinstance(value, str):
        raise ValueError(form)
    try:
        return ipaddress.ip_network(value)
    except ValueError:
        try:  # the address has bits outside its range: say what was probably meant, and leave it to the operator
            meant = ipaddress.ip_network(value, strict=False)
        except ValueError:
            raise ValueError(form) from None
        raise ValueError(f'the range is written by its first address: "{meant}"') from None


def _listed(value: object) -> object:
    return value if isinstance(value, (list, tuple)) else (value,)


def _some(value: tuple[ListenAddress, ...]) -> tuple[ListenAddress, ...]:
    if not value:
        raise ValueError("name at least one address")
    return value


def _beside_the_file(value: Path, info: ValidationInfo) -> Path:
    folder = (info.context or {}).get("folder")
    return value if folder is None else Path(folder, value)


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


def _header_name(value: str) -> str:
    if not re.fullmatch(r"[0-9A-Za-z][0-9A-Za-z-]*", value):
        raise ValueError('a header name is letters, digits and "-", for example "X-Gateway-Assertion"')
    return value


def _method(value: str) -> str:
    if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", value):
        raise ValueError('a method is one word, such as "GET" or "POST"')
    if value != value.upper():
        raise ValueError(f'methods compare exactly, and this one would never match: write "{value.upper()}"')
    if value in ("CONNECT", "TRACE"):
        raise ValueError(f"{value} is refused before the rules are read (RFC 9110 9.3.6, 9.3.8), so no route can be for it")
    return value


#: `"30s"`, read into a `timedelta`; at most ten years.
Duration = Annotated[timedelta, PlainValidator(_duration)]
#: A `Duration` above zero.
Span = Annotated[timedelta, PlainValidator(_duration), AfterValidator(_positive)]
#: `"64KiB"` or a plain number, read into a number of bytes.
ByteSize = Annotated[int, PlainValidator(_byte_size)]
#: A `ByteSize` above zero.
Room = Annotated[int, PlainValidator(_byte_size), AfterValidator(_some_bytes)]
#: An address or a CIDR range.
Network = Annotated[ipaddress.IPv4Network | ipaddress.IPv6Network, PlainValidator(_network)]
#: One text, or a list of texts.
Texts = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], BeforeValidator(_listed)]
#: One host, or a list: `app.example.com`, `*.example.com`.
HostTexts = Annotated[tuple[Annotated[str, AfterValidator(_host)], ...], BeforeValidator(_listed)]
#: One method, or a list, in capitals.
Methods = Annotated[tuple[Annotated[str, AfterValidator(_method)], ...], BeforeValidator(_listed)]
#: A pattern as `core/path_pattern.py` reads it.
PathText = Annotated[str, AfterValidator(_path)]
#: A field name (RFC 9110 5.6.2).
HeaderName = Annotated[str, AfterValidator(_header_name)]
#: A path; a relative one starts at the folder of the configuration file.
FilePath = Annotated[Path, AfterValidator(_beside_the_file)]


def _split(value: str) -> SplitResult:
    try:
        return urlsplit(value)
    except ValueError:  # brackets without a partner, an impossible IPv6 address
        return SplitResult("", "", "", "", "")


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
        parts = _split(value)
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
        return _from_text(cls, cls.parse)


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
        parts = _split(value)
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
        return _from_text(cls, cls.parse)


def _from_text(kind: type, parse: Callable[[str], object]) -> CoreSchema:
    def read(value: object) -> object:
        if isinstance(value, kind):
            return value
        if not isinstance(value, str):
            raise ValueError("it is written as text, between quotes")
        return parse(value)

    return core_schema.no_info_plain_validator_function(read)


#: One address to listen on, or a list.
ListenAddresses = Annotated[tuple[ListenAddress, ...], BeforeValidator(_listed), AfterValidator(_some)]
