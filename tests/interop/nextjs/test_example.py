"""The Next.js example as people run it: `gateway run` makes the secret, the app gets it, and a browser signs in."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from tests.e2e.app_process import running
from tests.e2e.browser import sign_in, visitor
from tests.example_process import EXAMPLES, PASSWORD, copied, gateway_of
from tests.interop.nextjs.site import LAYERS
from tests.node import next_app, next_command
from tests.servers import free_port

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1500), pytest.mark.asyncio(loop_scope="module")]


async def test_people_sign_in_at_the_gateway_and_the_app_knows_them(browser: Browser, tmp_path: Path) -> None:
    app = next_app(*LAYERS["v5"])  # the example, and pages beside it that this test does not open
    app_port, port = free_port(), free_port()
    example = copied("nextjs", tmp_path, app_port=app_port, port=port)
    gateway = gateway_of(example, port=port)
    try:
        env = {"AUTH_URL": gateway.origin, "AUTH_SECRET": (example / "secret").read_text().strip()}
        start = [str(next_command(app)), "start", "-H", "127.0.0.1", "-p", str(app_port)]
        with running(start, port=app_port, log=tmp_path / "log", env=env, cwd=app):
            async with visitor(browser, gateway.origin) as someone:
                page = await someone.new_page()
                await page.goto("/account")
                await sign_in(page, "ada", PASSWORD)
                await expect(page).to_have_url(f"{gateway.origin}/account")
                await expect(page.get_by_role("main")).to_contain_text("You are ada; your roles: admin, editor.")
                await page.goto("/")
                await expect(page.get_by_role("heading", name="Hello, Ada Lovelace")).to_be_visible()
                await page.get_by_role("button", name="Sign out").click()
                await expect(page.get_by_role("heading", name="You are not signed in")).to_be_visible()
                await page.get_by_role("button", name="Sign in").click()
                await expect(page).to_have_url(re.compile("/api/auth/signin"))
    finally:
        assert gateway.stop() == 0


def routes_below(folder: Path) -> list[str]:
    return [str(file) for file in folder.rglob("*") if "api/auth" in str(file) or "NextAuthHandler" in file.name]


@pytest.mark.parametrize("flavour", LAYERS)
async def test_no_app_has_a_route_of_its_own_for_signing_in(flavour: str) -> None:
    """Otherwise the app could answer what the gateway should."""
    assert EXAMPLES / "nextjs" in LAYERS["v5"]
    for layer in LAYERS[flavour]:
        assert layer.is_dir()
        assert routes_below(layer) == []
