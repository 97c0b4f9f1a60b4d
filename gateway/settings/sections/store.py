"""`[store]`: the databases that users, sessions and sign-outs are kept in."""

from __future__ import annotations

from pydantic import Field

from gateway.settings.section import Section
from gateway.settings.values.database_url import StoreUrl


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
