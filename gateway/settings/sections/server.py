"""`[server]`: where the gateway listens, and who stands in front of it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, Strict, StrictBool

from gateway.settings.section import Section
from gateway.settings.values.listen_address import ListenAddress, ListenAddresses
from gateway.settings.values.network import Network
from gateway.settings.values.origin import Origin


class ServerSettings(Section):
    """Where the gateway listens and what browsers call it."""

    listen: ListenAddresses = Field(
        default=(ListenAddress(host="127.0.0.1", port=8080),),
        description="Where to listen: `host:port` or `unix:/path`, one or a list. Port 0 takes a free one.",
    )
    public_url: Origin = Field(
        default=Origin("http://localhost:8080"),
        description="What browsers type. It decides https, the cookie names and the own origin; none of these is ever guessed from a request.",
    )
    workers: Annotated[int, Strict(), Field(ge=0, le=256)] = Field(
        default=1, description="Processes that share the address; 0: one for each core. With 1, all is done in one process."
    )
    trusted_proxies: tuple[Network, ...] = Field(
        default=(), description="Addresses or CIDR ranges of the proxies in front, whose `X-Forwarded-*` is believed. Nobody else's is."
    )
    admin_listen: ListenAddress | None = Field(
        default=None,
        description="Where `/healthz`, `/readyz` and `/metrics` are served, for example `127.0.0.1:9180`: for your own machines only, nobody has to sign in there. "
        "Default: nowhere.",
    )
    express: StrictBool = Field(
        default=True,
        description="Let plain requests pass by the express lane, which is several times faster and means the same. `false`: all travel by the general lane.",
    )
