"""Streamlit behind the gateway, used in a real browser: every click is a message on a WebSocket."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.e2e.app_process import running
from tests.e2e.browser import sign_in
from tests.gateway_process import PASSWORDS, GatewayProcess, configuration
from tests.servers import free_port, missing

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]
APP = Path(__file__).with_name("streamlit_app.py")
OPTIONS = {
    "server.address": "127.0.0.1",
    "server.headless": "true",
    "server.fileWatcherType": "none",
    "browser.serverAddress": "localhost",
    "browser.gatherUsageStats": "false",
}
ROUTES = """
[[routes]]
path = "/**"
access = "signed-in"
upstream = "app"
streaming = true
"""


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """A gateway in front of Streamlit."""
    if importlib.util.find_spec("streamlit") is None:
        missing("Streamlit is not installed (the extra `apps`)")
    folder: Path = tmp_path_factory.mktemp("streamlit")
    port, front_port = free_port(), free_port()
    options = [f"--{key}={value}" for key, value in (OPTIONS | {"server.port": str(port)}).items()]
    with running([sys.executable, "-m", "streamlit", "run", str(APP), *options], port=port, log=folder / "log", ready="/_stcore/health"):
        config = configuration({"app": port}, routes=ROUTES, listen=f"127.0.0.1:{front_port}", public_url=f"http://localhost:{front_port}")
        front = GatewayProcess(folder / "gateway", config)
        try:
            yield front
        finally:
            assert front.stop() == 0


async def test_the_app_knows_who_it_is_and_answers_every_click(page: Page, gateway: GatewayProcess) -> None:
    await page.goto(gateway.origin)
    await sign_in(page, "ada", PASSWORDS["ada"])
    await expect(page.get_by_role("heading", name="Hello, Ada Lovelace")).to_be_visible()
    for count in (1, 2, 3):
        await page.get_by_role("button", name="Count").click()
        await expect(page.get_by_text(f"Counted {count}")).to_be_visible()
    await page.get_by_label("Number").fill("12")
    await page.get_by_label("Number").press("Enter")
    await expect(page.get_by_text("The square is 144")).to_be_visible()


async def test_its_socket_is_closed_to_the_anonymous(page: Page, gateway: GatewayProcess) -> None:
    answer = gateway.get(
        "/_stcore/stream",
        *("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="),
        f"Origin: {gateway.origin}",
        "X-Forwarded-User: ada",
    )
    assert (answer.status, answer.reason) == (401, "session-missing")
