"""The inspector in a real browser: sign-ins are drawn as they happen, without JavaScript as well, on a phone, and no secret is in any of it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, expect

from tests.e2e.browser import sign_in, visitor
from tests.gateway_process import PASSWORDS, GatewayProcess, configuration
from tests.recorder import Recorder
from tests.servers import free_port

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]
LOCAL = "local-variable-of-the-callback-77"
CALLBACKS = f"""
def jwt(*, token, user=None, **_):
    local = "{LOCAL}"
    if user and user.get("name") == "Bob":
        raise LookupError("no row for " + local)
    return {{**token, "access_token": "access-token-of-another-service"}}
"""
EXTRA = """
[inspector]
enabled = true
roles = ["admin"]
[redirects]
[[redirects.rules]]
when = { role = "admin" }
to = "/private/desk"
[callbacks]
module = "callbacks_that_may_raise"
"""


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """A gateway whose callback raises for Bob."""
    folder, port, app = tmp_path_factory.mktemp("watched"), free_port(), Recorder()
    (folder / "callbacks_that_may_raise.py").write_text(CALLBACKS)
    config = configuration(
        {"app": app.port, "other": app.port}, public_url=f"http://localhost:{port}", listen=f"127.0.0.1:{port}", extra=EXTRA
    )
    gateway = GatewayProcess(folder, config)
    gateway.secrets |= {LOCAL, "access-token-of-another-service", "a-wrong-password-4242"}
    yield gateway
    assert gateway.stop() == 0
    app.stop()


@pytest_asyncio.fixture(loop_scope="module")
async def operator(browser: Browser, watched: GatewayProcess) -> AsyncIterator[Page]:
    """Ada has signed in, and looks at the inspector."""
    async with visitor(browser, watched.origin) as context:
        page = await context.new_page()
        await page.goto("/api/auth/signin")
        await sign_in(page, "ada", PASSWORDS["ada"])
        await expect(page).to_have_url(re.compile("/private/desk$"))
        await page.goto("/api/auth/inspector")
        await expect(page.get_by_role("status")).to_have_text("live")
        yield page
        await keep_secrets(context, watched)


async def keep_secrets(context: BrowserContext, gateway: GatewayProcess) -> None:
    """What a browser held must be in no log."""
    gateway.secrets |= {cookie["value"] for cookie in await context.cookies() if len(cookie["value"]) > 20}


async def arrows(page: Page) -> list[str]:
    """The bold texts of the picture that is seen, from top to bottom."""
    return [text.strip() for text in await page.locator("svg.sequence:visible text.title").all_text_contents()]


async def test_a_sign_in_is_drawn_while_somebody_watches(operator: Page, browser: Browser, watched: GatewayProcess) -> None:
    async with visitor(browser, watched.origin) as context:
        person = await context.new_page()
        await person.goto("/private/report?x=1")
        await sign_in(person, "ada", PASSWORDS["ada"])
        await expect(person).to_have_url(re.compile(r"/private/report\?x=1$"))
        await keep_secrets(context, watched)
    await expect(
        operator.get_by_role("heading", level=2, name="Ada Lovelace signed in, and was sent to /private/report?x=…")
    ).to_be_visible()
    picture = operator.locator("svg.sequence:visible")
    await expect(picture.get_by_text("decrypt → Ada Lovelace")).to_be_visible()  # it was drawn anew when the first request came
    found = await arrows(operator)
    assert [text for text in found if not text.startswith("encrypt")] == [
        "GET /private/report?x=…",
        "302 → /api/auth/signin",
        "GET /api/auth/signin",
        "200 the sign-in page",
        "POST /api/auth/callback/credentials",
        "from our own page",
        "csrf token fits",
        "within the limits",
        "authorize(username, password)",
        "yes: Ada Lovelace",
        "jwt() → 8 claims",
        "redirect → /private/report?x=…",
        "302 → /private/report?x=…",
        "GET /private/report?x=…",
        "decrypt → Ada Lovelace",
        "route routes[11] /private/**",
        "GET /private/report?x=…",
    ]
    await expect(picture.locator("text.cookie", has_text=re.compile(r"sets.authjs\.session-token"))).to_be_visible()
    await expect(operator.get_by_role("status")).to_have_text("live")


async def test_a_wrong_password_is_drawn_to_its_end(operator: Page, browser: Browser, watched: GatewayProcess) -> None:
    async with visitor(browser, watched.origin) as context:
        person = await context.new_page()
        await person.goto("/private/report")
        await sign_in(person, "ada", "a-wrong-password-4242")
        await expect(person.get_by_role("alert")).to_be_visible()
        await expect(operator.get_by_role("heading", level=2, name="Somebody could not sign in: wrong name or password")).to_be_visible()
        assert (await arrows(operator))[-2:] == ["no: not these", "302 → /api/auth/signin"]
        await person.goto("/api/auth/why")
        await expect(person.get_by_role("heading", level=1)).to_have_text("You could not sign in: wrong name or password")
        await keep_secrets(context, watched)


async def test_a_rule_that_wins_is_drawn(operator: Page, browser: Browser, watched: GatewayProcess) -> None:
    async with visitor(browser, watched.origin) as context:
        person = await context.new_page()
        await person.goto("/api/auth/signin")
        await sign_in(person, "ada", PASSWORDS["ada"])
        await expect(person).to_have_url(re.compile("/private/desk$"))
        await person.goto("/api/auth/why")
        await expect(person.get_by_role("heading", level=1)).to_have_text("You signed in as Ada Lovelace, and were sent to /private/desk")
        await expect(person.get_by_text("redirects.rules[1] (role admin) decided: /private/desk")).to_be_visible()
        await keep_secrets(context, watched)
    await expect(operator.locator(".won")).to_contain_text("redirects.rules[1] (role admin)")


async def test_a_callback_that_raises_is_drawn_with_its_place(operator: Page, browser: Browser, watched: GatewayProcess) -> None:
    async with visitor(browser, watched.origin) as context:
        person = await context.new_page()
        await person.goto("/private/report")
        await sign_in(person, "bob", PASSWORDS["bob"])
        await expect(person.get_by_role("heading", name="Server error")).to_be_visible()
        await person.get_by_role("link", name="What happened behind this").click()
        await expect(person.get_by_role("heading", level=1)).to_have_text("You could not sign in: a callback failed")
        assert "LookupError" not in await person.content()
        await keep_secrets(context, watched)
    await expect(operator.get_by_role("heading", level=2, name="Bob could not sign in: a callback failed")).to_be_visible()
    assert "jwt() gave no answer" in await arrows(operator)
    await expect(operator.get_by_text("LookupError")).to_be_visible()
    await expect(operator.get_by_text("callbacks_that_may_raise.py:5 in jwt")).to_be_visible()


async def test_no_secret_is_in_what_the_operator_and_the_person_see(operator: Page, watched: GatewayProcess) -> None:
    heard: list[str] = []
    operator.on("response", lambda response: heard.append(response.url))
    pages = [await operator.content()]
    for link in await operator.locator(".flows a").all():
        pages.append(await (await operator.request.get(f"{watched.origin}{await link.get_attribute('href')}")).text())
    pages.append(await (await operator.request.get(f"{watched.origin}/api/auth/why")).text())
    assert len(pages) > 4
    await keep_secrets(operator.context, watched)
    for secret in watched.secrets:
        assert not [index for index, text in enumerate(pages) if secret in text], secret[:4]


async def test_without_javascript_the_page_is_whole(browser: Browser, watched: GatewayProcess) -> None:
    async with visitor(browser, watched.origin, javascript=False) as context:
        page = await context.new_page()
        await page.goto("/api/auth/signin")
        await sign_in(page, "ada", PASSWORDS["ada"])
        await page.goto("/api/auth/inspector")
        await expect(page.locator("svg.sequence:visible text.title").first).to_be_visible()
        await expect(page.get_by_role("status")).to_be_hidden()
        await page.locator(".flows a").last.click()
        await expect(page.get_by_role("heading", level=2).first).to_be_visible()
        await keep_secrets(context, watched)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
async def test_it_fits_on_a_phone_and_can_be_read_there(dark: bool, browser: Browser, watched: GatewayProcess) -> None:
    async with visitor(browser, watched.origin, width=320, height=640, dark=dark) as context:
        page = await context.new_page()
        await page.goto("/api/auth/signin")
        await sign_in(page, "ada", PASSWORDS["ada"])
        for path in ("/api/auth/inspector", "/api/auth/why"):
            await page.goto(path)
            assert await page.evaluate("document.documentElement.scrollWidth") <= 320
            await expect(page.locator("svg.sequence.narrow").first).to_be_visible()
            await expect(page.locator("svg.sequence.wide").first).to_be_hidden()
            smallest = await page.evaluate(
                """() => Math.min(...[...document.querySelectorAll("svg.narrow .title, svg.narrow .more, svg.narrow .cookie")].map(
                    (text) => parseFloat(getComputedStyle(text).fontSize) * text.ownerSVGElement.getScreenCTM().a))"""
            )
            assert smallest >= 10.5  # CSS pixels
            await no_text_leaves_its_picture(page)
        await keep_secrets(context, watched)


@pytest.mark.parametrize(("width", "shape"), [(320, "narrow"), (600, "narrow"), (700, "medium"), (800, "medium"), (1120, "wide")])
async def test_each_width_gets_the_picture_that_fits_and_its_text_is_never_tiny(
    width: int, shape: str, browser: Browser, watched: GatewayProcess
) -> None:
    async with visitor(browser, watched.origin, width=width, height=800) as context:
        page = await context.new_page()
        await page.goto("/private/report")
        await sign_in(page, "ada", "a-wrong-password-4242")
        await expect(page.get_by_role("alert")).to_be_visible()
        await page.goto("/api/auth/why")
        await expect(page.locator("svg.sequence:visible")).to_have_class(f"sequence {shape}")
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
        smallest = await page.locator("svg.sequence:visible text.cookie").first.evaluate(
            "(text) => parseFloat(getComputedStyle(text).fontSize) * text.ownerSVGElement.getScreenCTM().a"
        )
        assert smallest >= 10.5  # CSS pixels
        await no_text_leaves_its_picture(page)
        await keep_secrets(context, watched)


async def no_text_leaves_its_picture(page: Page) -> None:
    out = await page.evaluate(
        """() => [...document.querySelectorAll("svg.sequence")].filter((svg) => svg.getBoundingClientRect().width).flatMap((svg) => {
            const frame = svg.getBoundingClientRect();
            return [...svg.querySelectorAll("text")].filter((text) => {
                const box = text.getBoundingClientRect();
                return box.left < frame.left - 1 || box.right > frame.right + 1 || box.bottom > frame.bottom + 1;
            }).map((text) => text.textContent);
        })"""
    )
    assert out == []


async def test_on_a_wide_screen_no_text_leaves_the_picture_or_meets_another(operator: Page) -> None:
    await no_text_leaves_its_picture(operator)
    met = await operator.evaluate(
        """() => { const texts = [...document.querySelectorAll("svg.sequence > text")].filter((text) => text.getBoundingClientRect().width)
            .map((text) => [text.textContent, text.getBBox()]);
            const meet = (a, b) => a.x < b.x + b.width - 1 && b.x < a.x + a.width - 1 && a.y < b.y + b.height - 4 && b.y < a.y + a.height - 4;
            return texts.flatMap(([one, a], i) => texts.slice(i + 1).filter(([, b]) => meet(a, b)).map(([other]) => [one, other])); }"""
    )
    assert met == []


async def test_it_can_be_used_with_a_keyboard_and_the_focus_stays_where_it_was_when_news_come(
    operator: Page, browser: Browser, watched: GatewayProcess
) -> None:
    await operator.keyboard.press("Tab")
    await expect(operator.get_by_role("link", name="Skip to the content")).to_be_focused()
    link = operator.locator(".flows a").last
    await link.focus()
    address = await link.get_attribute("href")
    async with visitor(browser, watched.origin) as context:
        person = await context.new_page()
        await person.goto("/api/auth/signin")
        await sign_in(person, "ada", "a-wrong-password-4242")
        await expect(operator.get_by_role("heading", level=2, name="Somebody could not sign in")).to_be_visible()
        await keep_secrets(context, watched)
    assert await operator.evaluate("document.activeElement.getAttribute('href')") == address
    await operator.keyboard.press("Enter")
    await expect(operator).to_have_url(re.compile(f"{address}$"))
