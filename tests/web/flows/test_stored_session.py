"""Where the store keeps the session, the picture says so."""

from __future__ import annotations

from pathlib import Path

from aiohttp import DummyCookieJar

from gateway.sessions.stores import open_session_store
from tests.web.auth.browser import Page
from tests.web.auth.conftest import Clock, make_site
from tests.web.auth.test_sessions_page import signed_in


async def test_a_session_in_the_store_is_drawn_as_one(aiohttp_client, tmp_path: Path):
    clock = Clock()
    store = open_session_store(f"sqlite:///{tmp_path}/gateway.db", clock=clock)
    await store.revocations.start()
    try:
        settings = {"session": {"strategy": "server"}, "inspector": {"enabled": True, "roles": ["admin"]}}
        site = make_site(settings=settings, store=store, clock=clock)
        site.client = await aiohttp_client(site.app, cookie_jar=DummyCookieJar())
        ada = await signed_in(site)
        answer = await ada.get("/api/auth/why")
        text = Page(await answer.text()).text
        assert answer.status == 200
        assert "into the store → an id" in text
        assert "One cookie with an id of" in text
        assert "not on the server" not in text
        (cookie,) = [value for name, value in ada.cookies.items() if "session-token" in name]
        assert cookie not in await answer.text()
    finally:
        await store.revocations.close()
