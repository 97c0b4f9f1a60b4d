"""`127.0.0.1:8080`: where to listen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, GetCoreSchemaHandler
from pydantic_core import CoreSchema

from gateway.settings.values.one_or_list import listed
from gateway.settings.values.text import from_text


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
        return from_text(cls, cls.parse)


def _some(value: tuple[ListenAddress, ...]) -> tuple[ListenAddress, ...]:
    if not value:
        raise ValueError("name at least one address")
    return value


#: One address to listen on, or a list.
ListenAddresses = Annotated[tuple[ListenAddress, ...], BeforeValidator(listed), AfterValidator(_some)]
