"""`[pages]`: an app's pages in the place of the gateway's."""

from __future__ import annotations

from pydantic import Field

from gateway.settings.section import Section


class PageSettings(Section):
    """Pages of your own, served by an app, in the place of the gateway's: paths, or URLs on an allowed origin."""

    sign_in: str | None = Field(
        default=None, description="Instead of the sign-in page. It gets `callbackUrl`, and `error` and `code` after a failure."
    )
    sign_out: str | None = Field(default=None, description="Instead of the page that asks whether to sign out.")
    error: str | None = Field(default=None, description="Instead of the error page of a sign-in. It gets `error`.")
