from __future__ import annotations

from tests.web.auth.conftest import browser, open_site, site  # noqa: F401
