"""`[redirects]`: where a sign-in and a sign-out end."""

from __future__ import annotations

from pydantic import Field, StrictBool

from gateway.settings.section import Section
from gateway.settings.values.origin import AllowedOrigin


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
