"""The demo as `make run` starts it, and a browser in front of it."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page

from tests.e2e.browser import chromium, launched, visitor
from tests.gateway_process import GatewayProcess
from tests.servers import free_port, missing


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """`gateway demo` on a free port."""
    port = free_port()
    running = GatewayProcess(
        tmp_path_factory.mktemp("demo"),
        "",
        command=(sys.executable, "-m", "gateway", "demo", "--port", str(port)),
        origin=f"http://localhost:{port}",
    )
    yield running
    assert running.stop() == 0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """Chromium."""
    if chromium() is None:
        missing("there is no Chromium on this machine (apt-get install chromium)")
    async with launched() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def someone(browser: Browser, demo: GatewayProcess) -> AsyncIterator[BrowserContext]:
    """A person who was never here before."""
    async with visitor(browser, demo.origin) as context:
        yield context


@pytest_asyncio.fixture(loop_scope="module")
async def page(someone: BrowserContext) -> Page:
    """A tab of that person."""
    return await someone.new_page()
