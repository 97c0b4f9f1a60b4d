"""Takes the pictures in `docs/screenshots/`, of the demo as it is now. Run it from the checkout: `make screenshots`."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

from playwright.async_api import Browser, BrowserContext

from gateway.demo.configuration import PORT, free_port
from tests.e2e.browser import launched, shoot, sign_in, visitor
from tests.gateway_process import GatewayProcess

FOLDER = Path(__file__).parent / "screenshots"
#: name → width and height in CSS pixels
SIZES = {"": (1120, 760), "-narrow": (320, 640)}


async def pages(context: BrowserContext, name: str) -> None:
    """What one visitor sees: the form, a wrong password, the app, and an error."""
    page = await context.new_page()
    await page.goto("/reports?x=1&y=2")
    await shoot(page, FOLDER / f"sign-in{name}.png")
    await sign_in(page, "bob", "wrong")
    await page.get_by_role("alert").wait_for()
    await shoot(page, FOLDER / f"sign-in-failed{name}.png")
    await sign_in(page, "bob", "builder")
    await page.get_by_role("heading", name="Hello").wait_for()
    await page.goto("/admin")
    await shoot(page, FOLDER / f"error{name}.png")
    await page.goto("/api/auth/signin?callbackUrl=/")
    await page.get_by_text("Use another account").click()
    await sign_in(page, "ada", "lovelace")
    await page.get_by_role("heading", name="Hello").wait_for()
    await shoot(page, FOLDER / f"identity{name}.png")


async def inspected(context: BrowserContext, name: str) -> None:
    """The inspector after a wrong password and a good sign-in, and what it says to the person: on a phone, the top of that alone."""
    page = await context.new_page()
    await page.goto("/reports?x=1&y=2")
    await sign_in(page, "bob", "wrong")
    await page.get_by_role("alert").wait_for()
    await context.clear_cookies()
    await page.goto("/")
    await sign_in(page, "ada", "lovelace")
    await page.get_by_role("heading", name="Hello").wait_for()
    await page.goto("/api/auth/why")
    if "narrow" in name:
        await page.locator("section.drawn").first.evaluate("(section) => section.scrollIntoView()")
        await shoot(page, FOLDER / f"why{name}.png")
        return
    for part, selector in (("flow", "figure svg:visible"), ("session", "section:has(> .made)")):
        await page.locator(selector).first.screenshot(path=FOLDER / f"{part}{name}.png", animations="disabled")
    await page.goto("/api/auth/inspector")
    await page.get_by_role("status").get_by_text("live").wait_for()
    await shoot(page, FOLDER / f"inspector{name}.png")


async def take(browser: Browser, origin: str) -> None:
    """All pictures: light and dark, wide and narrow."""
    for size, (width, height) in SIZES.items():
        for dark in (False, True):
            async with visitor(browser, origin, dark=dark, width=width, height=height, scale=2) as context:
                await pages(context, f"{size}-{'dark' if dark else 'light'}")
            async with visitor(browser, origin, dark=dark, width=width, height=height, scale=1.5) as context:
                await inspected(context, f"{size}-{'dark' if dark else 'light'}")


async def main() -> None:
    """Start the demo, take the pictures, stop the demo."""
    port = free_port(PORT)  # the pictures show the address that a newcomer sees, where it is free
    with tempfile.TemporaryDirectory() as folder:
        command = (sys.executable, "-m", "gateway", "demo", "--port", str(port))
        demo = GatewayProcess(Path(folder), "", command=command, origin=f"http://localhost:{port}")
        try:
            async with launched() as browser:
                await take(browser, demo.origin)
        finally:
            demo.stop()
    print(*sorted(str(file.relative_to(FOLDER.parent)) for file in FOLDER.glob("*.png")), sep="\n")


if __name__ == "__main__":
    asyncio.run(main())
