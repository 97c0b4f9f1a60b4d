"""Where an upstream listens. It comes from the configuration only: no byte of a request chooses host, port or scheme (promise 28)."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

_DEFAULT_PORT = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamAddress:
    """One upstream.

    Attributes:
        name: Its name in the configuration; errors and logs use it.
        host, port: For `http` and `https`; an IPv6 address comes without brackets.
        path: The socket's path, for `unix`.
        ca_file: The only certificate authorities believed, for `https`; None means those of the system.
    """

    name: str
    scheme: Literal["http", "https", "unix"] = "http"
    host: str = ""
    port: int = 0
    path: str = ""
    ca_file: Path | None = None

    @property
    def authority(self) -> str:
        """Host and port as in a URL, without the scheme's own port; `localhost` for a socket."""
        if self.scheme == "unix":
            return "localhost"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORT[self.scheme] else f"{host}:{self.port}"

    def tls(self) -> ssl.SSLContext | None:
        """What an `https` upstream must prove: a chain to a believed authority, and its host name. None for the other schemes.

        Raises:
            OSError: `ca_file` can't be read or holds no certificate (`ssl.SSLError` is one).
        """
        if self.scheme != "https":
            return None
        context = ssl.create_default_context(cafile=None if self.ca_file is None else str(self.ca_file))
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        return context
