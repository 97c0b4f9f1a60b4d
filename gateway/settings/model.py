"""The settings: every key of the configuration file, frozen, checked, with its default and its unit."""

from __future__ import annotations

import ipaddress
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from gateway.settings.values import ByteSize, Duration, ListenAddress, Origin, UpstreamUrl

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Section(BaseModel):
    """What all sections share: unknown keys are refused, nothing changes after loading."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class ServerSettings(Section):
    """`[server]`: where the gateway listens and what browsers call it."""

    listen: tuple[ListenAddress, ...] = (ListenAddress(host="127.0.0.1", port=8080),)
    public_url: Origin = Origin("http://localhost:8080")
    trusted_proxies: tuple[Network, ...] = ()


class SessionSettings(Section):
    """`[session]`: how a sign-in is kept in the browser."""

    secrets: tuple[SecretStr, ...] = ()
    secrets_file: Path | None = None
    max_age: Duration = timedelta(hours=24)
    absolute_max_age: Duration = timedelta(days=7)
    update_age: Duration = timedelta(minutes=5)


class StoreSettings(Section):
    """`[store]`: the database of users."""

    url: str = "sqlite:///gateway.db"


class FieldSettings(Section):
    """`[providers.credentials.<key>]`: one input of the sign-in form; every further key is an attribute of it."""

    model_config = ConfigDict(frozen=True, extra="allow")
    label: str | None = None
    type: str = "text"


class ProviderSettings(Section):
    """What every `[[providers]]` entry has."""

    id: str
    name: str | None = None
    credentials: dict[str, FieldSettings] = Field(default_factory=dict)


class UsersProviderSettings(ProviderSettings):
    """`type = "users"`: a TOML file of users."""

    type: Literal["users"]
    file: Path


class SqlProviderSettings(ProviderSettings):
    """`type = "sql"`: a table of users in SQLite or PostgreSQL; `url` defaults to the store's."""

    type: Literal["sql"]
    url: SecretStr | None = None


class PythonProviderSettings(ProviderSettings):
    """`type = "python"`: `authorize(credentials, request)` of your own, as `module:function`."""

    type: Literal["python"]
    authorize: str


AnyProvider = Annotated[UsersProviderSettings | SqlProviderSettings | PythonProviderSettings, Field(discriminator="type")]


class WhenSettings(Section):
    """`when = { role = "admin" }`: whom a redirect rule is for; what is given must all fit."""

    role: str | None = None
    group: str | None = None
    provider: str | None = None


class RedirectRuleSettings(Section):
    """One `[[redirects.rules]]` entry."""

    when: WhenSettings
    to: str


class RedirectSettings(Section):
    """`[redirects]`: where sign-in and sign-out end when nothing else was asked."""

    after_sign_in: str = "/"
    after_sign_out: str = "/"
    allowed_origins: tuple[Origin, ...] = ()
    rules: tuple[RedirectRuleSettings, ...] = ()


class UpstreamSettings(Section):
    """One `[[upstreams]]` entry: a service behind the gateway."""

    name: str
    url: UpstreamUrl
    ca_file: Path | None = None


class RouteSettings(Section):
    """One `[[routes]]` entry."""

    path: str
    access: Literal["public", "optional", "signed-in", "deny"]
    name: str | None = None
    host: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    upstream: str | None = None
    api: bool = False
    encoded_slash: bool = False
    max_body: ByteSize | None = None
    streaming: bool = False


class HeaderSettings(Section):
    """`[headers]`: what the upstream is told about the user."""

    presets: tuple[Literal["x-forwarded", "x-auth-request", "remote", "authentik"], ...] = ("x-forwarded",)
    set: dict[str, str] = Field(default_factory=dict)


class LimitSettings(Section):
    """`[limits]`: how much, how long, how many."""

    request_line: ByteSize = 8190
    header_field: ByteSize = 8190
    header_count: int = 100
    request_head: ByteSize = 32 * 1024
    request_head_timeout: Duration = timedelta(seconds=10)
    request_body_idle: Duration = timedelta(seconds=30)
    request_body: ByteSize = 100 * 1024 * 1024
    sign_in_body: ByteSize = 16 * 1024
    sign_in_body_timeout: Duration = timedelta(seconds=10)
    sign_in_fields: int = 32
    user_name: ByteSize = 256
    password: ByteSize = 1024
    callback_url: ByteSize = 2048
    keep_alive: Duration = timedelta(seconds=75)
    requests_per_connection: int = 10_000
    client_write_idle: Duration = timedelta(seconds=60)
    connections: int = 10_000
    connections_per_address: int = 256
    buffer: ByteSize = 256 * 1024
    upstream_connect: Duration = timedelta(seconds=5)
    upstream_response_head: Duration = timedelta(seconds=60)
    upstream_body_idle: Duration = timedelta(seconds=60)
    upstream_head: ByteSize = 64 * 1024
    upstream_header_field: ByteSize = 32 * 1024
    upstream_connections: int = 256
    upstream_idle: Duration = timedelta(seconds=10)
    upstream_wait: Duration = timedelta(seconds=1)
    websocket_idle: Duration = timedelta(seconds=300)
    failed_sign_ins_per_address: int = 10
    failed_sign_ins_window: Duration = timedelta(minutes=5)
    failed_sign_ins_per_account: int = 20
    failed_sign_ins_account_window: Duration = timedelta(minutes=15)
    hash_queue: int = 16
    hash_wait: Duration = timedelta(seconds=5)
    drain: Duration = timedelta(seconds=30)


class Settings(Section):
    """The whole configuration."""

    server: ServerSettings = ServerSettings()
    session: SessionSettings = SessionSettings()
    store: StoreSettings = StoreSettings()
    providers: tuple[AnyProvider, ...] = ()
    redirects: RedirectSettings = RedirectSettings()
    upstreams: tuple[UpstreamSettings, ...] = ()
    routes: tuple[RouteSettings, ...] = ()
    headers: HeaderSettings = HeaderSettings()
    limits: LimitSettings = LimitSettings()
