"""`[session]`: how a sign-in is kept, and for how long."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from pydantic import Field, SecretStr

from gateway.settings.section import Section
from gateway.settings.values.duration import Duration, Span
from gateway.settings.values.file_path import FilePath


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
