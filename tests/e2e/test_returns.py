"""Where a sign-in ends, in a real browser: forms, fragments, tabs side by side, and what scripts get instead."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, expect

from tests.e2e.browser import sign_in, visitor
from tests.e2e.returning_app import serve
from tests.gateway_process import PASSWORDS, GatewayProcess, configuration
from tests.recorder import Recorder
from tests.servers import free_port

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]
ROUTES = """
[[routes]]
path = "/public/**"
access = "public"
upstream = "app"
[[routes]]
path = "/**"
access = "signed-in"
upstream = "app"
"""
TEXT = 'Zwei\nZeilen & "mehr" <b>ö</b> ~*+%20'


@pytest.fixture(scope="module")
def app() -> Iterator[Recorder]:
    """The app."""
    recorder = Recorder()
    recorder.script = serve
    yield recorder
    recorder.stop()
    assert recorder.complaints == []


@pytest.fixture(scope="module")
def gateway(app: Recorder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """A gateway in front of it; on localhost, where service workers are allowed."""
    port = free_port()
    config = configuration({"app": app.port}, routes=ROUTES, listen=f"127.0.0.1:{port}", public_url=f"http://localhost:{port}")
    running = GatewayProcess(tmp_path_factory.mktemp("returns"), config)
    running.secrets |= {"Zeilen", "Kassenbuch"}
    yield running
    assert running.stop() == 0


@pytest_asyncio.fixture(loop_scope="module")
async def someone(browser: Browser, gateway: GatewayProcess) -> AsyncIterator[BrowserContext]:
    """A person who was never here before."""
    async with visitor(browser, gateway.origin) as context:
        yield context


@pytest_asyncio.fixture(loop_scope="module")
async def page(someone: BrowserContext) -> Page:
    """A tab of that person."""
    return await someone.new_page()


async def enter(page: Page, name: str = "ada") -> None:
    await sign_in(page, name, PASSWORDS[name])


async def lose_session(someone: BrowserContext) -> None:
    for cookie in await someone.cookies():
        if "session-token" in cookie["name"]:
            await someone.clear_cookies(name=cookie["name"])


async def fill(page: Page, title: str = "Kassenbuch") -> None:
    await page.get_by_label("Title").fill(title)
    await page.get_by_label("Text").fill(TEXT)


def posted(app: Recorder) -> list[tuple[str, bytes]]:
    return [(request.target, request.body) for request in app.requests if request.method == "POST"]


async def test_a_form_that_met_the_sign_in_is_offered_and_sent_once(page: Page, someone: BrowserContext, app: Recorder) -> None:
    app.requests.clear()
    await page.goto("/notes")
    await enter(page)
    await fill(page)
    await page.get_by_role("button", name="Save").click()
    await expect(page).to_have_url(re.compile("/saved$"))
    usual = posted(app)
    assert len(usual) == 1

    await page.goto("/notes")
    await fill(page)
    await lose_session(someone)
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("The form that you sent is kept.")).to_be_visible()
    assert "Kassenbuch" not in page.url
    await sign_in(page, "ada", "wrong")
    await expect(page.get_by_text("The form that you sent is kept.")).to_be_visible()
    await enter(page)
    await expect(page.get_by_role("heading", name="Your form was not sent yet")).to_be_visible()
    await expect(page.get_by_text("/notes?to=all")).to_be_visible()
    assert posted(app) == usual  # never by itself
    await page.get_by_role("button", name="Send it now").click()
    await expect(page).to_have_url(re.compile("/saved$"))
    assert posted(app) == usual * 2  # the very bytes, once
    await page.go_back()
    await page.reload()
    assert posted(app) == usual * 2
    assert not [cookie for cookie in await someone.cookies() if "kept-form" in cookie["name"]]


async def test_a_kept_form_needs_no_javascript_and_may_be_dropped(browser: Browser, gateway: GatewayProcess, app: Recorder) -> None:
    async with visitor(browser, gateway.origin, javascript=False, width=320, height=640) as context:
        page = await context.new_page()
        await page.goto("/notes")
        await enter(page)
        await fill(page)
        await lose_session(context)
        before = len(posted(app))
        await page.get_by_role("button", name="Save").click()
        await enter(page)
        await page.get_by_role("link", name="Don't send it; open the page").click()
        await expect(page.get_by_label("Title")).to_have_value("")
        assert len(posted(app)) == before


async def test_a_form_of_another_site_is_not_kept(page: Page, gateway: GatewayProcess, app: Recorder) -> None:
    """Promise 32. 127.0.0.1 is another site than localhost."""
    html = f'<form method=post action="{gateway.origin}/notes"><input name=title value=Kassenbuch><button>Win a prize</button></form>'
    await page.route("http://127.0.0.1:9/", lambda route: route.fulfill(body=html, content_type="text/html"))
    await page.goto("http://127.0.0.1:9/")
    await page.get_by_role("button", name="Win a prize").click()
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    await expect(page.get_by_text("is kept")).to_have_count(0)
    await enter(page)
    await expect(page).to_have_url(f"{gateway.origin}/")


async def test_what_stands_behind_the_hash_survives_the_sign_in(page: Page) -> None:
    await page.goto("/reports?x=1#end")
    await sign_in(page, "ada", "wrong")
    await expect(page.get_by_role("alert")).to_be_visible()
    await enter(page)
    await expect(page).to_have_url(re.compile(r"/reports\?x=1#end$"))
    await expect(page.get_by_role("heading", name="End")).to_be_in_viewport()
    await page.goto("/api/auth/signin?callbackUrl=/reports#end")
    await page.get_by_role("link", name="Continue to /reports").click()
    await expect(page).to_have_url(re.compile("/reports#end$"))


async def test_without_javascript_only_that_part_is_lost(browser: Browser, gateway: GatewayProcess) -> None:
    async with visitor(browser, gateway.origin, javascript=False) as context:
        page = await context.new_page()
        await page.goto("/reports?x=1#end")
        await enter(page)
        await expect(page).to_have_url(re.compile(r"/reports\?x=1$"))


async def test_three_tabs_that_sign_in_at_once_end_at_their_own_pages(someone: BrowserContext) -> None:
    tabs = [await someone.new_page() for _ in range(3)]
    for number, tab in enumerate(tabs):
        await tab.goto(f"/reports?tab={number}#part{number}")
    for number, tab in enumerate(tabs):
        await tab.get_by_label("Username").fill("ada" if number else "bob")
        await tab.get_by_label("Password").fill(PASSWORDS["ada" if number else "bob"])
    await asyncio.gather(*(tab.get_by_role("button", name="Sign in with").click(no_wait_after=True) for tab in tabs))
    for number, tab in enumerate(tabs):
        await expect(tab).to_have_url(re.compile(rf"/reports\?tab={number}#part{number}$"))
        await expect(tab.get_by_role("heading", name="/reports")).to_be_visible()


async def test_neither_an_icon_nor_what_a_page_polls_changes_where_a_tab_ends(someone: BrowserContext) -> None:
    """They get 401, and no cookie that a sign-in would follow."""
    polling, page = await someone.new_page(), await someone.new_page()
    await polling.goto("/public/about")
    await page.goto("/reports?mine=1")
    before = {cookie["name"]: cookie["value"] for cookie in await someone.cookies()}
    answers = await polling.evaluate("""async () => {
        const icon = new Image();
        const shown = new Promise(done => icon.onload = icon.onerror = event => done(event.type));
        icon.src = '/favicon.ico';
        const polled = await Promise.all(['/api/data', '/reports?poll=1', '/'].map(async path => (await fetch(path)).status));
        return [await shown, ...polled];
    }""")
    assert answers == ["error", 401, 401, 401]
    assert {cookie["name"]: cookie["value"] for cookie in await someone.cookies()} == before
    await enter(page)
    await expect(page).to_have_url(re.compile(r"/reports\?mine=1$"))


async def test_what_a_service_worker_asks_gets_401_and_a_navigation_that_it_passes_on_gets_302(page: Page) -> None:
    await page.goto("/public/about")
    await page.evaluate("navigator.serviceWorker.register('/public/worker.js', {scope: '/'}).then(() => navigator.serviceWorker.ready)")
    await page.wait_for_function("navigator.serviceWorker.controller !== null")
    status, redirected, reason, data = await page.evaluate("fetch('/public/ask').then(answer => answer.json())")
    assert (status, redirected, reason, data["reason"]) == (401, False, "session-missing", "session-missing")
    assert data["login_url"].endswith("/api/auth/signin")
    await page.goto("/reports?by=worker")
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    await enter(page)
    await expect(page).to_have_url(re.compile(r"/reports\?by=worker$"))
    assert await page.evaluate("navigator.serviceWorker.controller !== null")  # it did pass it on
