"""What people do at the sign-in, in a real browser, with the demo that `make run` starts."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, expect

from tests.e2e.browser import sign_in, visitor
from tests.gateway_process import GatewayProcess
from tests.recorder import Recorder, plainly

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]


async def test_ada_signs_in_and_the_app_knows_her(page: Page) -> None:
    await page.goto("/")
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    await sign_in(page, "ada", "lovelace")
    await expect(page).to_have_url(re.compile(r"/admin$"))  # she asked for no page, and the demo has a rule for admins
    await expect(page.get_by_role("heading", name=re.compile("Hello, Ada"))).to_be_visible()
    told = page.get_by_role("region", name="What the gateway says about you")
    await expect(told.get_by_role("row", name=re.compile("X-Forwarded-User"))).to_contain_text("ada")
    await expect(told).to_contain_text("ada@example.com")
    await expect(page.get_by_role("alert")).to_have_count(0)  # the demo raises one if a cookie of ours leaks


async def test_a_wrong_password_says_so_and_nothing_more(page: Page, someone: BrowserContext) -> None:
    await page.goto("/reports?x=1&y=2")
    await sign_in(page, "ada", "byron")
    alert = page.get_by_role("alert")
    await expect(alert).to_be_visible()
    wrong = await alert.inner_text()
    assert not [cookie for cookie in await someone.cookies() if "session-token" in cookie["name"]]
    await expect(page.get_by_label("Username")).to_have_value("ada")
    await expect(page.get_by_label("Password")).to_have_value("")
    await sign_in(page, "nobody", "byron")
    await expect(page.get_by_label("Username")).to_have_value("nobody")
    assert await page.get_by_role("alert").inner_text() == wrong  # promise 45: who exists is not told
    await sign_in(page, "ada", "lovelace")
    await expect(page).to_have_url(re.compile(r"/reports\?x=1&y=2$"))


async def test_a_deep_link_ends_where_it_began(page: Page) -> None:
    await page.goto("/reports?x=1&y=2")
    await expect(page.get_by_text("/reports?x=1&y=2")).to_be_visible()
    await sign_in(page, "ada", "lovelace")
    await expect(page).to_have_url(re.compile(r"/reports\?x=1&y=2$"))


async def test_two_tabs_end_at_their_own_pages(someone: BrowserContext) -> None:
    first, second = await someone.new_page(), await someone.new_page()
    await first.goto("/reports?tab=1")
    await second.goto("/reports?tab=2")
    await sign_in(first, "ada", "lovelace")
    await expect(first).to_have_url(re.compile(r"/reports\?tab=1$"))
    await sign_in(second, "ada", "lovelace")
    await expect(second).to_have_url(re.compile(r"/reports\?tab=2$"))


async def test_sign_out_ends_the_session(page: Page, someone: BrowserContext) -> None:
    await page.goto("/")
    await sign_in(page, "ada", "lovelace")
    await page.get_by_role("link", name="Sign out").click()
    await page.get_by_role("button", name="Sign out").click()
    await expect(page).to_have_url(re.compile("/public/?$"))
    assert not [cookie for cookie in await someone.cookies() if "session-token" in cookie["name"]]
    await page.goto("/reports")
    await expect(page).to_have_url(re.compile("/api/auth/signin"))


async def test_the_way_back_button_shows_nothing_after_sign_out(page: Page) -> None:
    await page.goto("/reports?secret=1")
    await sign_in(page, "ada", "lovelace")
    await page.goto("/api/auth/signout")
    await page.get_by_role("button", name="Sign out").click()
    await expect(page).to_have_url(re.compile("/public/?$"))
    await page.goto("/reports?secret=1")
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


async def test_bob_is_told_why_he_may_not_pass(page: Page) -> None:
    await page.goto("/admin")
    await sign_in(page, "bob", "builder")
    await expect(page.get_by_text("role-missing")).to_be_visible()
    response = await page.reload()
    assert response is not None
    assert response.status == 403
    assert response.headers["x-gateway-reason"] == "role-missing"


async def test_another_account_takes_over(page: Page) -> None:
    """Promise 37: a new sign-in leaves nothing of the old one."""
    await page.goto("/")
    await sign_in(page, "bob", "builder")
    await expect(page.get_by_role("heading", name=re.compile("Hello, Bob"))).to_be_visible()
    await page.goto("/api/auth/signin?callbackUrl=/admin")
    await page.get_by_text("Use another account").click()
    await sign_in(page, "ada", "lovelace")
    await expect(page).to_have_url(re.compile("/admin$"))


async def test_the_keyboard_is_enough(page: Page) -> None:
    await page.goto("/reports?x=1")
    await expect(page.get_by_label("Username")).to_be_focused()
    await page.keyboard.type("ada")
    await page.keyboard.press("Tab")
    await expect(page.get_by_label("Password")).to_be_focused()
    await page.keyboard.type("lovelace")
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(re.compile(r"/reports\?x=1$"))
    await page.goto("/api/auth/signout")
    await expect(page.get_by_role("button", name="Sign out")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(re.compile("/public/?$"))  # where the demo's configuration ends a sign-out
    await page.goto("/reports")
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


async def test_everything_works_without_javascript(browser: Browser, demo: GatewayProcess) -> None:
    async with visitor(browser, demo.origin, javascript=False) as context:
        page = await context.new_page()
        await page.goto("/reports?x=1&y=2")
        await sign_in(page, "ada", "byron")
        await expect(page.get_by_role("alert")).to_be_visible()
        await sign_in(page, "ada", "lovelace")
        await expect(page).to_have_url(re.compile(r"/reports\?x=1&y=2$"))
        await expect(page.get_by_role("heading", name=re.compile("Hello, Ada"))).to_be_visible()
        await page.get_by_role("link", name="Sign out").click()
        await page.get_by_role("button", name="Sign out").click()
        await expect(page).to_have_url(re.compile("/public/?$"))
        await page.goto("/reports")
        await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def is_complaint(message: ConsoleMessage) -> bool:
    return message.type == "error" and not message.location["url"].endswith("/favicon.ico")


async def test_the_pages_break_no_rule_of_their_own_policy(page: Page) -> None:
    """Promise 49: no console error, so nothing was blocked; nothing was asked of another site."""
    complaints: list[str] = []
    asked: list[str] = []
    # The icon is the app's, and the demo's is behind the sign-in like everything else.
    page.on("console", lambda message: complaints.append(message.text) if is_complaint(message) else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    await page.goto("/")
    await sign_in(page, "ada", "lovelace")
    await expect(page.get_by_role("heading", name=re.compile("Hello, Ada"))).to_be_visible()
    for path in ("/api/auth/signin", "/api/auth/signout", "/api/auth/error"):
        await page.goto(path)
    assert complaints == []
    origin = page.url.split("/api/")[0]
    assert [url for url in asked if not url.startswith((origin, "data:"))] == []


async def test_live_connections_run_through_the_gateway(page: Page) -> None:
    """The demo page opens a WebSocket and an event stream, as an app does."""
    await page.goto("/")
    await sign_in(page, "ada", "lovelace")
    live = page.get_by_role("region", name="Open right now")
    await expect(live.locator("[data-clock]")).to_contain_text("UTC")
    await expect(live.locator("[data-echo]")).not_to_contain_text("connecting")


async def test_a_script_of_the_page_gets_data_and_not_a_sign_in_page(page: Page) -> None:
    """Promise 52, with what a real browser sends."""
    await page.goto("/public")
    status, kind = await page.evaluate("fetch('/reports').then(async r => [r.status, r.headers.get('content-type')])")
    assert status == 401
    assert kind.startswith("application/json")


async def test_another_site_can_neither_read_nor_post(page: Page, demo: GatewayProcess) -> None:
    """Promises 32 and 34: what a page of another site tries in the browser of somebody who is signed in."""
    html = f"""<form method=post action="{demo.origin}/api/auth/signout"><button>Win a prize</button></form>""".encode()
    elsewhere = Recorder()
    elsewhere.script = plainly(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n%b" % (len(html), html))
    try:
        await page.goto("/")
        await sign_in(page, "ada", "lovelace")
        await expect(page.get_by_role("heading", name=re.compile("Hello, Ada"))).to_be_visible()
        await page.goto(f"http://127.0.0.1:{elsewhere.port}/")
        for path in ("/api/auth/session", "/api/auth/csrf"):
            read = await page.evaluate(
                "url => fetch(url, {credentials: 'include'}).then(r => r.text(), () => 'blocked')", demo.origin + path
            )
            assert read == "blocked"
        async with page.expect_navigation() as posted:
            await page.get_by_role("button", name="Win a prize").click()
        response = await posted.value
        assert response is not None
        assert response.status == 403
        assert response.headers["x-gateway-reason"] == "cross-site"
        await page.goto("/")
        await expect(page.get_by_role("heading", name=re.compile("Hello, Ada"))).to_be_visible()
    finally:
        elsewhere.stop()
