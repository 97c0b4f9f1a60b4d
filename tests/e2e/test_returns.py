"""Where a sign-in ends, in a real browser: forms, fragments, tabs side by side, and what scripts get instead."""

from __future__ import annotations

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
