"""Debian's Chromium under Playwright, for tests and for the pictures in the documentation."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
#: How long a page may take on a machine that does other things too.
PATIENCE_MS = 30_000.0
expect.set_options(timeout=PATIENCE_MS)


def chromium() -> str | None:
    """Where Chromium is, if anywhere."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@contextlib.asynccontextmanager
async def launched(*arguments: str) -> AsyncIterator[Browser]:
    """A running browser, with further arguments of its command line."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium(), args=[*_ARGUMENTS, *arguments])
        try:
            yield browser
        finally:
            await browser.close()


@contextlib.asynccontextmanager
async def visitor(
    browser: Browser,
    origin: str,
    *,
    javascript: bool = True,
    dark: bool = False,
    width: int = 1280,
    height: int = 800,
    scale: float = 1,
    certificates: bool = True,
) -> AsyncIterator[BrowserContext]:
    """One person's browser: cookies of their own, this origin as base of all addresses; `certificates=False` takes any."""
    context = await browser.new_context(
        base_url=origin,
        java_script_enabled=javascript,
        color_scheme="dark" if dark else "light",
        viewport={"width": width, "height": height},
        device_scale_factor=scale,
        locale="en-GB",
        ignore_https_errors=not certificates,
    )
    context.set_default_timeout(PATIENCE_MS)
    try:
        yield context
    finally:
        await context.close()


async def sign_in(page: Page, name: str, password: str) -> None:
    """Fill the form on the page and send it."""
    await page.get_by_label("Username").fill(name)
    await page.get_by_label("Password").fill(password)
    await page.get_by_role("button", name="Sign in with").click()


async def shoot(page: Page, file: Path) -> None:
    """A picture of what is seen without scrolling."""
    file.parent.mkdir(parents=True, exist_ok=True)
    await page.screenshot(path=file, animations="disabled")
