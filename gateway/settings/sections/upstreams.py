"""`[[upstreams]]`: the services behind the gateway."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr, StrictBool

from gateway.settings.section import Section
from gateway.settings.values.file_path import FilePath
from gateway.settings.values.upstream_url import UpstreamUrl


class UpstreamSettings(Section):
    """A service behind the gateway."""

    name: str = Field(description="What routes call it.", min_length=1)
    url: UpstreamUrl = Field(
        description="`http://host:port`, `https://host:port` or `unix:/path`; no path: that of the request is sent byte for byte."
    )
    audience: str | None = Field(
        default=None, min_length=1, description="Whom an assertion for it is made out to: `aud`. Default: the name."
    )
    authorization: Literal["basic", "bearer"] | None = Field(
        default=None,
        description="What it gets as `Authorization` for the signed-in, instead of the client's: `basic`, the user's id with `basic_password`; `bearer`, the "
        "signed assertion. Default: nothing.",
    )
    basic_password: SecretStr | None = Field(
        default=None, description='The password that `authorization = "basic"` sends for everybody. Default: an empty one.'
    )
    ca_file: FilePath | None = Field(
        default=None, description="Certificates (PEM) that an `https://` upstream is checked against. Default: the system's."
    )
    session_cookie: StrictBool = Field(
        default=False,
        description="Let the session cookie reach the service, so that its own `getToken()`, `getServerSession()` or `auth()` can read it. It then needs "
        "the secret (`gateway authjs env`), and whoever has that can sign in as anybody.",
    )
    case_sensitive: StrictBool = Field(
        default=False,
        description="Your word that the service tells `/Admin` from `/admin`. Without it, `gateway check` warns where that would open something.",
    )
