"""The apps, and a browser in front of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page

from tests.e2e.browser import chromium, launched, visitor
from tests.interop.nextjs.site import Site, site
from tests.servers import missing

SITES = [("v4", "http"), ("v4", "https"), ("v5", "http"), ("v5", "https")]


@pytest.fixture(scope="module", params=SITES, ids="-".join)
def running_site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Each version of next-auth, over http and https."""
    flavour, scheme = request.param
    with site(flavour, scheme, tmp_path_factory.mktemp("next")) as started:
        yield started


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """Chromium."""
    if chromium() is None:
        missing("there is no Chromium on this machine (apt-get install chromium)")
    async with launched() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def someone(browser: Browser, running_site: Site) -> AsyncIterator[BrowserContext]:
    """A person who was never here before."""
    async with visitor(browser, running_site.origin, certificates=False) as context:
        yield context


@pytest_asyncio.fixture(loop_scope="module")
async def page(someone: BrowserContext) -> Page:
    """A tab of that person, with the buttons."""
    tab = await someone.new_page()
    await tab.goto("/lab")
    return tab
