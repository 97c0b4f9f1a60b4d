"""No page breaks a rule of WCAG 2.2 AA that a machine can check: axe-core looks at each of them, in light and dark, wide and on a phone."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.e2e.browser import sign_in, visitor
from tests.gateway_process import GatewayProcess
from tests.node import installed

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
NOBODY = [
    "/api/auth/why",
    "/api/auth/signin?callbackUrl=/reports",
    "/api/auth/signout",
    "/api/auth/nope",
    "/api/auth/error?error=AccessDenied",
]
BOB = ["/api/auth/signin", "/api/auth/signout", "/api/auth/sessions", "/admin", "/", "/api/auth/why", "/api/auth/inspector"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def axe() -> str:
    """The checker's script."""
    folder = await asyncio.to_thread(installed, Path(__file__).parent / "accessibility")
    return (folder / "node_modules/axe-core/axe.min.js").read_text("utf-8")


async def broken(page: Page, axe: str) -> list[str]:
    """What is wrong on a page: the rule, and the element."""
    await page.evaluate(axe)
    found = await page.evaluate("rules => axe.run(document, {runOnly: rules, resultTypes: ['violations']})", RULES)
    return [f"{page.url} {rule['id']}: {node['html'][:200]}" for rule in found["violations"] for node in rule["nodes"]]


@pytest.mark.parametrize(("dark", "width"), [(False, 1280), (True, 320)], ids=["light-and-wide", "dark-and-narrow"])
async def test_no_rule_is_broken(dark: bool, width: int, axe: str, browser: Browser, demo: GatewayProcess) -> None:
    found = []
    async with visitor(browser, demo.origin, dark=dark, width=width) as context:
        page = await context.new_page()
        for path in NOBODY:
            await page.goto(path)
            found += await broken(page, axe)
        await page.goto("/reports")
        await sign_in(page, "bob", "wrong")
        await expect(page.get_by_role("alert")).to_be_visible()
        found += await broken(page, axe)
        await sign_in(page, "bob", "builder")
        await expect(page).to_have_url(re.compile("/reports$"))
        for path in BOB:
            await page.goto(path)
            found += await broken(page, axe)
        await page.locator(".flows a").first.click()
        found += await broken(page, axe)
        await page.goto("/admin")
        await page.get_by_role("link", name="What happened behind").click()
        found += await broken(page, axe)
    assert not found
