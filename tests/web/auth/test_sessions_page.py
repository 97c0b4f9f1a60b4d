"""`sessions`, from outside: a person sees where they are signed in, and ends it there."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import DummyCookieJar

from gateway.sessions.cookie_header import CookieHeader
from gateway.sessions.stores import open_session_store
from tests.web.auth.browser import Browser, Page
from tests.web.auth.conftest import Clock, Site, make_site, session_in

PATH = "/api/auth/sessions"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/604.1"


@pytest.fixture(params=["jwt", "server"])
async def listed(request, aiohttp_client, tmp_path: Path):
    """A site with a register."""
    clock = Clock()
    store = open_session_store(f"sqlite:///{tmp_path}/gateway.db", clock=clock)
    await store.revocations.start()
    site = make_site(settings={"session": {"strategy": request.param}}, store=store, clock=clock)
    site.client = await aiohttp_client(site.app, cookie_jar=DummyCookieJar())
    yield site
    await store.revocations.close()


async def signed_in(site: Site, name: str = "ada", agent: str = FIREFOX) -> Browser:
    browser = site.browser()
    fields = await browser.open_form() | {"username": name, "password": "correct horse"}
    answer = await browser.post("/api/auth/callback/credentials", fields, User_Agent=agent)
    assert answer.status == 302, await answer.text()
    await site.gateway.sessions.load(CookieHeader(f"{name}={value}" for name, value in browser.cookies.items()))
    return browser


async def shown(browser: Browser) -> Page:
    answer = await browser.get(PATH)
    assert answer.status == 200
    return Page(await answer.text())


def ends(page: Page) -> list[str]:
    return [form.values["end"] for form in page.forms if "end" in form.values]


async def test_each_of_ones_own_is_listed_and_this_one_is_marked(listed):
    here, _, _ = await signed_in(listed), await signed_in(listed, agent=IPHONE), await signed_in(listed, "bob")
    page = await shown(here)
    assert "Firefox on Linux this browser" in page.text
    assert "Safari on iPhone" in page.text
    assert "127.0.0.1" in page.text
    assert len(ends(page)) == 2  # the iPhone, and all others
    assert IPHONE not in page.text


async def test_when_one_was_last_seen_is_when_its_token_was_renewed(listed):
    here, there = await signed_in(listed), await signed_in(listed, agent=IPHONE)
    listed.clock.forward(timedelta(hours=3))
    for browser in (there, here):
        assert (await (await browser.get("/api/auth/session")).json())["user"]["name"] == "Ada Lovelace"
    await listed.gateway.sign_ins._attempt(5)
    listed.clock.forward(timedelta(minutes=2))
    assert "Signed in 3 hours ago, last seen 2 minutes ago" in (await shown(here)).text


async def test_one_is_ended_and_no_other(listed):
    here, there = await signed_in(listed), await signed_in(listed, agent=IPHONE)
    form = (await shown(here)).forms[0]
    answer = await here.post(PATH, form.values)
    assert (answer.status, answer.headers["Location"], answer.headers["X-Gateway-Reason"]) == (302, f"{PATH}?ended=1", "signed-out")
    assert session_in(listed, there) == "session-revoked"
    page = Page(await (await here.get(answer.headers["Location"])).text())
    assert "One session was signed out." in page.text
    assert ends(page) == []


async def test_all_others_are_ended_and_this_one_stays(listed):
    here = await signed_in(listed)
    others = [await signed_in(listed, agent=IPHONE), await signed_in(listed)]
    bob = await signed_in(listed, "bob")
    fields = (await shown(here)).forms[-1].values
    assert fields["end"] == "others"
    assert (await here.post(PATH, fields)).headers["Location"] == f"{PATH}?ended=2"
    assert [session_in(listed, other) for other in others] == ["session-revoked"] * 2
    assert session_in(listed, here).user.id == "ada"
    assert session_in(listed, bob).user.id == "bob"


async def test_nobody_ends_what_is_somebody_elses(listed):
    here, bob = await signed_in(listed), await signed_in(listed, "bob")
    csrf = (await (await here.get("/api/auth/csrf")).json())["csrfToken"]
    answer = await here.post(PATH, {"csrfToken": csrf, "end": session_in(listed, bob).sign_in_id})
    assert answer.headers["Location"] == f"{PATH}?ended=0"
    assert session_in(listed, bob).user.id == "bob"


async def test_ending_this_one_is_a_sign_out(listed):
    here = await signed_in(listed)
    csrf = (await (await here.get("/api/auth/csrf")).json())["csrfToken"]
    answer = await here.post(PATH, {"csrfToken": csrf, "end": session_in(listed, here).sign_in_id})
    assert (answer.status, answer.headers["Location"]) == (302, "/")
    assert "authjs.session-token" not in here.cookies


@pytest.mark.parametrize("token", [None, "0" * 64])
async def test_without_the_right_token_nothing_is_ended(listed, token):
    """Promise 32."""
    here, there = await signed_in(listed), await signed_in(listed)
    fields = {"end": "others"} | ({} if token is None else {"csrfToken": token})
    answer = await here.post(PATH, fields)
    assert (answer.status, answer.headers["X-Gateway-Reason"]) == (302, "csrf-mismatch")
    assert session_in(listed, there).user.id == "ada"


async def test_another_site_ends_nothing(listed):
    here = await signed_in(listed)
    csrf = (await (await here.get("/api/auth/csrf")).json())["csrfToken"]
    answer = await here.post(PATH, {"csrfToken": csrf, "end": "others"}, Origin="https://evil.example", Sec_Fetch_Site="cross-site")
    assert (answer.status, answer.headers["X-Gateway-Reason"]) == (403, "cross-site")


async def test_whoever_is_not_signed_in_sees_nothing(listed):
    nobody = listed.browser()
    answer = await nobody.get(PATH)
    assert (answer.status, answer.headers["X-Gateway-Reason"]) == (401, "session-missing")


async def test_without_a_store_the_page_says_what_is_needed(site, browser):
    await browser.sign_in()
    page = await shown(browser)
    assert "this browser" in page.text
    assert "[store] url" in page.text
    assert ends(page) == []
