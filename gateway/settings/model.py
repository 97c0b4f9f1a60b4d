"""The settings: every key of the configuration file, frozen, checked, with its default and its unit.

The descriptions are the reference: `docs/configuration.md` is made from them.
"""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, SecretStr, Strict, StrictBool, field_validator

from gateway.settings.database import SecretDatabaseUrl, StoreUrl
from gateway.settings.limits import LimitSettings as LimitSettings
from gateway.settings.section import Section
from gateway.settings.values import (
    AllowedOrigin,
    ByteSize,
    Duration,
    FilePath,
    HeaderName,
    HostTexts,
    ListenAddress,
    ListenAddresses,
    Methods,
    Network,
    Origin,
    PathText,
    Span,
    Texts,
    UpstreamUrl,
)


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


class SessionSettings(Section):
    """How a sign-in is kept in the browser."""

    secrets: tuple[SecretStr, ...] = Field(
        default=(),
        description="The secrets that cookies are encrypted with, newest first: the first encrypts, all decrypt. At least 32 characters each.",
    )
    secrets_file: FilePath | None = Field(
        default=None,
        description="A file with one secret a line, newest first, instead of `secrets`. If neither is given: `secret` beside the configuration file, "
        "made at the first start, readable by its owner only.",
    )
    format: Literal["authjs-v5", "authjs-v4"] = Field(
        default="authjs-v5",
        description="Whose cookies, cipher and answers: those of Auth.js v5 (`next-auth` 5), or of v4 (`next-auth` 4). Clients and apps have to be of the same.",
    )
    strategy: Literal["jwt", "server"] = Field(
        default="jwt",
        description="Where a session lives. `jwt`: all of it in the cookie, encrypted. `server`: in the store, and the cookie holds an id that means nothing to anybody else; an app's own "
        "`getToken()` can't read such a cookie.",
    )
    max_age: Span = Field(
        default=timedelta(hours=24), description="How long a session lasts without a request; each renewal starts it anew."
    )
    absolute_max_age: Span = Field(default=timedelta(days=7), description="How long a session lasts at most, counted from the sign-in.")
    update_age: Duration = Field(
        default=timedelta(minutes=5),
        description="How old a token must be before a request renews it, and the `jwt` callback is asked again.",
    )
    revocation: Literal["memory", "store"] = Field(
        default="memory",
        description="Where sign-outs are remembered, so that no copy of a token outlives them. `memory`: by this gateway, all its workers included, until it ends. `store`: in the "
        "database of `store.url` or `store.sessions_url`, for all replicas and beyond restarts. Default: `store` if one of these is written or `strategy` is `server`, else `memory`.",
    )
    expose: dict[str, str] = Field(
        default_factory=dict,
        description='What clients see of the token beside name, email and image: key of `user` → claim, for example `id = "sub"`, `roles = "roles"`.',
    )


class StoreSettings(Section):
    """The database: of users, for providers of `type = "sql"` that name no other, and of sessions and sign-outs."""

    url: StoreUrl = Field(
        default="sqlite:///gateway.db",
        repr=False,  # it may hold a password
        description="`sqlite:///file` (a relative file lies beside the configuration file), `postgresql://user:password@host/name`, or, for sessions and sign-outs "
        "alone, Redis or Valkey: `redis://user:password@host:6379/0`, `rediss://...` (TLS; `?ssl_ca_certs=FILE` for a CA of your own) or `unix:///run/valkey.sock?db=0`.",
    )
    sessions_url: StoreUrl | None = Field(
        default=None,
        repr=False,
        description="Where sessions and sign-outs are kept, if that is not `url`: Redis or Valkey beside a database of users, for example.",
    )

    @property
    def is_database(self) -> bool:
        """True if `url` names one that has tables."""
        return self.url.startswith(("sqlite:", "postgres"))

    @property
    def for_sessions(self) -> str:
        """Where sessions and sign-outs are kept."""
        return self.sessions_url or self.url

    @property
    def sessions_key(self) -> str:
        """The key that says so."""
        return "store.url" if self.sessions_url is None else "store.sessions_url"


_NOT_A_TEXT_INPUT = frozenset({"button", "file", "image", "reset", "submit"})


class FieldSettings(Section):
    """One input of the sign-in form. Every further key becomes an attribute of the `<input>`: `placeholder`, `style`, `autocomplete`, ..."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, str | StrictBool | int] = Field(init=False)

    label: str | None = Field(default=None, description="What stands beside the input. Default: the key.")
    type: str = Field(default="text", description="The `type` of the input.")

    @field_validator("type")
    @classmethod
    def _takes_text(cls, value: str) -> str:
        if value in _NOT_A_TEXT_INPUT or not re.fullmatch("[a-z-]+", value):
            raise ValueError('an input that takes text has a type such as "text", "password", "email", "tel" or "number"')
        return value


def _user_name_and_password() -> dict[str, FieldSettings]:
    return {
        "username": FieldSettings.model_validate({"label": "Username", "autocomplete": "username", "required": True}),
        "password": FieldSettings.model_validate(
            {"label": "Password", "type": "password", "autocomplete": "current-password", "required": True}
        ),
    }


class ProviderSettings(Section):
    """What every provider has."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9_-]+$")] = Field(
        description="Its name: lower-case letters, digits, `-` and `_`. Addresses and redirect rules use it, so keep it once it is in use."
    )
    name: str | None = Field(default=None, description='What the button says after "Sign in with". Default: the id.')
    credentials: dict[str, FieldSettings] = Field(
        default_factory=_user_name_and_password,
        description="The inputs of its form, in order, each a table. Default: `username` and `password`.",
    )
    messages: dict[str, str] = Field(
        default_factory=dict,
        description="What the page says for a public code of `Rejected(code=...)`: code → sentence. Others get the sentence of a wrong password.",
    )


class UsersProviderSettings(ProviderSettings):
    """A TOML file of users."""

    type: Literal["users"] = Field(description="Users from a file.")
    file: FilePath = Field(description="The file: one table `[users.<name>]` a user. `gateway users add` writes it.")


class SqlProviderSettings(ProviderSettings):
    """A table of users in SQLite or PostgreSQL."""

    type: Literal["sql"] = Field(description="Users from a database.")
    url: SecretDatabaseUrl | None = Field(default=None, description="The database, as in `store.url`. Default: the store's.")


class PythonProviderSettings(ProviderSettings):
    """A function of your own."""

    type: Literal["python"] = Field(description="Users from a Python function.")
    authorize: str = Field(
        description="`module:function`. The folder of the configuration file is on the import path. The function gets the posted fields and the "
        "request, and returns a user or None; it may be async."
    )

    @field_validator("authorize")
    @classmethod
    def _dotted(cls, value: str) -> str:
        if not re.fullmatch(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*", value):
            raise ValueError('a function is written "module:function", for example "my_auth:authorize"')
        return value


AnyProvider = Annotated[UsersProviderSettings | SqlProviderSettings | PythonProviderSettings, Field(discriminator="type")]


class CallbackSettings(Section):
    """Python of your own that decides who may sign in, where to go, and what is in a session."""

    module: str | None = Field(
        default=None,
        description="A module that defines `sign_in`, `redirect`, `jwt`, `session`, `on_sign_in`, `on_sign_out` or `on_session`. The folder of the "
        "configuration file is on the import path.",
    )
    time_limit: Span = Field(default=timedelta(seconds=5), description="How long each call may take. Over it: the answer is no.")

    @field_validator("module")
    @classmethod
    def _dotted(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[^\W\d]\w*(\.[^\W\d]\w*)*", value):
            raise ValueError('a module is written as in an import, for example "my_callbacks"')
        return value


class PageSettings(Section):
    """Pages of your own, served by an app, in the place of the gateway's: paths, or URLs on an allowed origin."""

    sign_in: str | None = Field(
        default=None, description="Instead of the sign-in page. It gets `callbackUrl`, and `error` and `code` after a failure."
    )
    sign_out: str | None = Field(default=None, description="Instead of the page that asks whether to sign out.")
    error: str | None = Field(default=None, description="Instead of the error page of a sign-in. It gets `error`.")


class WhenSettings(Section):
    """Whom a redirect rule is for; what is given must all fit."""

    role: str | None = Field(default=None, description="A role that the user has.")
    group: str | None = Field(default=None, description="A group that the user is in.")
    provider: str | None = Field(default=None, description="The id of the provider that the user signed in with.")
    route: str | None = Field(
        default=None,
        description="The `name` of the route that the page is on that was asked for. Such a rule wins over that page; all others stand behind it.",
    )
    first_sign_in: StrictBool | None = Field(
        default=None,
        description="`true`: the user has never signed in at this gateway before; `false`: they have. It is written down in `store.url` "
        "(SQLite or PostgreSQL) from the day on that a rule asks.",
    )


class RedirectRuleSettings(Section):
    """Where some users go after a sign-in that no page asked for, or, by `route`, that a certain page asked for. The first rule that fits is taken."""

    when: WhenSettings = Field(description='Whom it is for, for example `{ role = "admin" }`; at least one condition.')
    to: str = Field(description="Where they go: a path, or a URL on an allowed origin.")


class RedirectSettings(Section):
    """Where sign-in and sign-out end when nothing else was asked."""

    after_sign_in: str = Field(default="/", description="Where a sign-in ends: a path, or a URL on an allowed origin.")
    after_sign_out: str = Field(default="/", description="Where a sign-out ends: a path, or a URL on an allowed origin.")
    allowed_origins: tuple[AllowedOrigin, ...] = Field(
        default=(),
        description="Other origins that a `callbackUrl` may name and that may open WebSockets, beside the gateway's own: `https://app.example.com`, "
        "`https://*.example.com` for one label more, `http://localhost:*` for any port.",
    )
    rules: tuple[RedirectRuleSettings, ...] = Field(default=(), description="Rules for some users, first match wins.")


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


class RouteSettings(Section):
    """Which requests go where, and who may send them. The first route that matches decides; where none does, the answer is 404."""

    path: PathText = Field(
        description="`/reports` alone, `/reports/*` one segment below, `/reports/**` it and everything below. Written decoded."
    )
    access: Literal["public", "optional", "signed-in", "deny"] = Field(
        description="`public`: everybody, no identity is passed on. `optional`: everybody, with identity where there is one. `signed-in`: only with a session. "
        "`deny`: nobody."
    )
    name: str | None = Field(default=None, description="What logs and `explain` call it. Default: its position and path.")
    host: HostTexts = Field(
        default=(),
        description="Hosts it is for, `app.example.com` or `*.example.com`, one or a list. Default: every host the gateway answers for.",
    )
    methods: Methods = Field(default=(), description="Methods it is for, in capitals. Default: all.")
    roles: Texts = Field(default=(), description='Only users with one of these roles; needs `access = "signed-in"`.')
    groups: Texts = Field(default=(), description='Only users in one of these groups; needs `access = "signed-in"`.')
    upstream: str | None = Field(
        default=None,
        description="The name of an upstream; needed unless `access` is `deny`, or only proxies ask about the route (`[forward_auth]`).",
    )
    api: StrictBool = Field(
        default=False, description="Clients that don't say what they want get a 401, not a redirect to the sign-in page."
    )
    sign_in_redirect: str | None = Field(
        default=None,
        description="Where a sign-in ends that begins here, instead of at the page that was asked for: a path, or a URL on an allowed origin.",
    )
    encoded_slash: StrictBool = Field(
        default=False,
        description="Let `%2F` in the path pass; the route must match with the slash decoded, too. Otherwise such requests get 400.",
    )
    client_authorization: Literal["keep", "drop"] = Field(
        default="keep",
        description="Whether the client's own `Authorization` goes on to the upstream. An upstream with `authorization` never gets it.",
    )
    accepts: tuple[Literal["session", "bearer", "basic"], ...] = Field(
        default=("session",),
        description="How a client may say who it is: `session`, a browser's cookie; `bearer`, a token of `gateway tokens new`; `basic`, name and password with "
        "each request. [More](machines.md).",
    )
    max_body: ByteSize | None = Field(
        default=None, description="The largest request body; 0 means no limit. Default: `limits.request_body`."
    )
    streaming: StrictBool = Field(
        default=False, description="The answer may be silent for as long as it likes: Server-Sent Events, long polls."
    )


class AssertionSettings(Section):
    """A signed token that tells the upstream who it is, and that the upstream can verify: [how](assertion.md). Off unless the section is there."""

    name: HeaderName = Field(
        default="X-Gateway-Assertion", description="The header. Apps documented for another gateway read that one's name."
    )
    algorithm: Literal["EdDSA", "ES256"] = Field(
        default="EdDSA", description="Ed25519, or ECDSA on P-256 for verifiers that know no other."
    )
    lifetime: Span = Field(
        default=timedelta(seconds=60),
        description="How long one is good: 60 seconds at most, 8 at least. Half of it, it is given out again.",
    )
    claims: dict[str, str] = Field(
        default_factory=lambda: {"name": "name", "email": "email", "roles": "roles", "groups": "groups"},
        description="What it says beside `sub`: claim → attribute or claim of the user. Default: `name`, `email`, `roles` and `groups`.",
    )
    keys_file: FilePath = Field(
        default=Path("assertion-keys"),
        description="One secret a line, newest first: the first signs, all are published. Made at the first start beside the configuration file, "
        "readable by its owner only.",
    )


class HeaderSettings(Section):
    """What the upstream is told about the user, in headers that no client can forge. [More](headers.md)."""

    presets: tuple[Literal["x-forwarded", "x-auth-request", "remote", "authentik", "token"], ...] = Field(
        default=("x-forwarded",), description="Sets of headers that apps know."
    )
    set: dict[str, str] = Field(
        default_factory=dict,
        description="Headers of your own: name → template with `{user.id}`, `{user.name}`, `{user.email}`, `{user.image}`, `{user.roles}`, "
        "`{user.groups}`, any claim as `{user.<claim>}`, and `{session.provider}`. Lists are joined by commas, or as in `{user.groups:|}`.",
    )
    assertion: AssertionSettings | None = Field(default=None, description="The signed assertion: the section `[headers.assertion]`.")


class ForwardAuthSettings(Section):
    """For a proxy that carries the traffic itself and asks the gateway about each request. [How](forward-auth.md)."""

    dialects: tuple[Literal["nginx", "caddy", "traefik", "haproxy", "envoy", "oauth2-proxy", "authelia"], ...] = Field(
        default=(),
        description="Which proxies may ask, each at `/.gateway/auth/<dialect>`, from an address in `server.trusted_proxies`. `oauth2-proxy` and `authelia`: as those "
        "gateways are asked, at `/oauth2/` and `/api/authz/` ([how](migrating.md)). Default: none.",
    )


class InspectorSettings(Section):
    """Sign-ins, drawn: who was sent where and why, and where the session is kept. [How](inspector.md). Off, nothing is recorded."""

    enabled: StrictBool = Field(
        default=False,
        description="Record what each sign-in and sign-out does, for `/api/auth/inspector` and for everybody's own `/api/auth/why`.",
    )
    roles: Texts = Field(
        default=(),
        description='Who may look into `/api/auth/inspector`: users with one of these roles; `"*"` is everybody who is signed in. Default: nobody.',
    )
    flows: Annotated[int, Strict(), Field(ge=1, le=10_000)] = Field(default=200, description="How many are kept, in memory, the newest.")
    bytes: ByteSize = Field(default=2 * 1024 * 1024, description="How much memory they may take in each process, counted as JSON.")
    keep: Span = Field(default=timedelta(hours=1), description="For how long one is kept.")


class Settings(Section):
    """The whole configuration."""

    server: ServerSettings = ServerSettings()
    session: SessionSettings = SessionSettings()
    store: StoreSettings = StoreSettings()
    providers: tuple[AnyProvider, ...] = ()
    callbacks: CallbackSettings = CallbackSettings()
    pages: PageSettings = PageSettings()
    redirects: RedirectSettings = RedirectSettings()
    upstreams: tuple[UpstreamSettings, ...] = ()
    routes: tuple[RouteSettings, ...] = ()
    headers: HeaderSettings = HeaderSettings()
    forward_auth: ForwardAuthSettings = ForwardAuthSettings()
    inspector: InspectorSettings = InspectorSettings()
    limits: LimitSettings = LimitSettings()
    #: No key of the file: the folder that relative paths start from and that Python providers are imported from.
    folder: Path = Path()
