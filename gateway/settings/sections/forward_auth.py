"""`[forward_auth]`: the proxies that ask instead of passing requests on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from gateway.settings.section import Section

#: Where the endpoints of other gateways lie, by dialect: nothing below is for an app while the dialect is spoken.
ROOMS: Mapping[str, str] = {"oauth2-proxy": "/oauth2", "authelia": "/api/authz"}


class ForwardAuthSettings(Section):
    """For a proxy that carries the traffic itself and asks the gateway about each request. [How](forward-auth.md)."""

    dialects: tuple[Literal["nginx", "caddy", "traefik", "haproxy", "envoy", "oauth2-proxy", "authelia"], ...] = Field(
        default=(),
        description="Which proxies may ask, each at `/.gateway/auth/<dialect>`, from an address in `server.trusted_proxies`. `oauth2-proxy` and `authelia`: as those "
        "gateways are asked, at `/oauth2/` and `/api/authz/` ([how](migrating.md)). Default: none.",
    )
