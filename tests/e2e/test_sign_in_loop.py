"""Sign-ins that go in circles, in a real browser, with what makes them do so: http where cookies are Secure, and a proxy that meddles."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.e2e.browser import chromium, launched, sign_in, visitor
from tests.gateway_process import PASSWORDS, GatewayProcess, configuration
from tests.recorder import Recorder
from tests.rewriting_front import rewriting_front
from tests.servers import free_port, missing

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]
#: Not localhost, which browsers trust without https.
NAME = "app.test"
ROUTES = '[[routes]]\npath = "/**"\naccess = "signed-in"\nupstream = "app"'


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """Chromium, which takes the name for this machine, and goes where it is sent."""
    if chromium() is None:
        missing("there is no Chromium on this machine (apt-get install chromium)")
    async with launched(f"--host-resolver-rules=MAP {NAME} 127.0.0.1", "--disable-features=HttpsUpgrades") as running:
        yield running


@contextlib.contextmanager
def site(folder: Path, *, scheme: str, port: int, listen: int) -> Iterator[GatewayProcess]:
    """A gateway in front of an app."""
    app = Recorder()
    config = configuration({"app": app.port}, routes=ROUTES, listen=f"127.0.0.1:{listen}", public_url=f"{scheme}://{NAME}:{port}")
    gateway = GatewayProcess(folder, config)
    try:
        yield gateway
    finally:
        try:
            assert gateway.stop() == 0
        finally:
            app.stop()
    assert app.requests == []


async def ends_in_the_page(page: Page, *, sign_ins: int) -> None:
    for _ in range(sign_ins):
        await expect(page.get_by_role("heading", name="Sign in", exact=True)).to_be_visible()
        await sign_in(page, "ada", PASSWORDS["ada"])
    await expect(page.get_by_role("heading", name="The sign-in goes in circles")).to_be_visible()
    await expect(page.get_by_text("sign-in-loop")).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def likeliest(page: Page) -> str:
    return await page.locator(".causes strong").first.inner_text()


async def test_secure_cookies_over_plain_http_end_at_the_page(browser: Browser, tmp_path: Path) -> None:
    port = free_port()
    with site(tmp_path, scheme="https", port=port, listen=port):
        async with visitor(browser, f"http://{NAME}:{port}", width=320, height=640) as context:
            page = await context.new_page()
            await page.goto("/reports")
            await ends_in_the_page(page, sign_ins=1)
            assert await likeliest(page) == "The page was opened over http."
            await expect(page.get_by_text(f"https://{NAME}:{port}")).to_be_visible()


@pytest.mark.parametrize(
    ("cookie", "came", "causes"),
    [
        pytest.param(b"; HttpOnly", "none of the cookies", 2, id="every-cookie"),
        pytest.param(b"GMT; HttpOnly", "without the session cookie", 2, id="the-session-alone"),
    ],
)
async def test_a_proxy_that_adds_a_domain_ends_at_the_page(browser: Browser, tmp_path: Path, cookie: bytes, came: str, causes: int) -> None:
    """Of our cookies only the session has a date on which it ends."""
    port, behind = free_port(), free_port()
    meddled = cookie.replace(b"; HttpOnly", b"; Domain=elsewhere.test; HttpOnly")
    with site(tmp_path, scheme="http", port=port, listen=behind) as gateway, rewriting_front(port, gateway.address, cookie, meddled):
        async with visitor(browser, f"http://{NAME}:{port}", dark=True) as context:
            page = await context.new_page()
            await page.goto("/reports")
            await ends_in_the_page(page, sign_ins=2)
            await expect(page.get_by_text(came)).to_be_visible()
            assert await likeliest(page) == "A server in between changes the cookie."
            await expect(page.locator(".causes li")).to_have_count(causes)
            await page.get_by_role("link", name="Try again").click()
            await expect(page.get_by_text("/reports")).to_be_visible()
