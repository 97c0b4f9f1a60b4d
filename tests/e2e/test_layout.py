"""The pages fit on small screens, in light and dark, and can be read by machines that read aloud."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Browser, Page, expect

from tests.e2e.browser import sign_in, visitor
from tests.gateway_process import GatewayProcess

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]
PAGES = [
    "/api/auth/signin?callbackUrl=/reports",
    "/api/auth/signin?error=CredentialsSignin",
    "/api/auth/signout",
    "/api/auth/sessions",
    "/api/auth/error",
    "/admin",
    "/",
]


async def signed_in_page(page: Page, path: str) -> None:
    """Bob on the page; he may not see /admin, so that is an error page."""
    await page.goto("/public")
    await page.goto("/api/auth/signin?callbackUrl=/public")
    await sign_in(page, "bob", "builder")
    await expect(page).to_have_url(re.compile("/public"))
    await page.goto(path)


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
async def test_nothing_sticks_out_at_320_pixels(path: str, dark: bool, browser: Browser, demo: GatewayProcess) -> None:
    async with visitor(browser, demo.origin, dark=dark, width=320, height=640) as context:
        page = await context.new_page()
        await signed_in_page(page, path)
        assert await page.evaluate("document.documentElement.scrollWidth") <= 320


async def test_a_long_word_in_a_label_is_broken(browser: Browser, demo: GatewayProcess) -> None:
    """A label is the operator's: a name of a company, or a compound of a language that has long ones."""
    async with visitor(browser, demo.origin, width=320, height=640) as context:
        page = await context.new_page()
        await page.goto("/api/auth/signin")
        await page.locator("label").first.evaluate("label => { label.textContent = 'Donaudampfschiff'.repeat(6) }")
        assert await page.evaluate("document.documentElement.scrollWidth") <= 320


@pytest.mark.parametrize("path", PAGES)
async def test_colours_follow_the_system(path: str, browser: Browser, demo: GatewayProcess) -> None:
    grounds = []
    for dark in (False, True):
        async with visitor(browser, demo.origin, dark=dark) as context:
            page = await context.new_page()
            await signed_in_page(page, path)
            grounds.append(await page.evaluate("getComputedStyle(document.body).backgroundColor"))
    light, night = (sum(int(part) for part in re.findall(r"\d+", ground)[:3]) for ground in grounds)
    assert light > 600, grounds
    assert night < 250, grounds


@pytest.mark.parametrize("path", PAGES)
async def test_every_page_has_one_heading_a_language_and_labelled_inputs(path: str, page: Page) -> None:
    await page.goto(path)
    assert await page.locator("html").get_attribute("lang") == "en"
    assert await page.locator("h1").count() == 1
    assert await page.locator("main").count() == 1
    for box in await page.locator("input:not([type=hidden])").all():
        assert await box.evaluate("input => input.labels.length") == 1
    for button in await page.locator("button:visible, a.button:visible").all():
        size = await button.bounding_box()
        assert size is not None
        assert size["height"] >= 40, "too small for a finger"
