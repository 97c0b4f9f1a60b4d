"""`/api/auth/client.js` in a real browser, on the very page that docs/browser-client.md shows and config/examples/html ships."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, Route, expect

from tests.e2e.app_process import running
from tests.e2e.browser import visitor
from tests.gateway_process import PASSWORDS, GatewayProcess, configuration
from tests.servers import free_port

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]
EXAMPLE = Path(__file__).parents[2] / "config/examples/html"
FLAVOURS = ["authjs-v5", "authjs-v4"]
ROUTES = """
[[routes]]
path = "/members/**"
access = "signed-in"
upstream = "app"
[[routes]]
path = "/**"
access = "public"
upstream = "app"
"""
CALLBACKS = """
def sign_in(*, credentials):
    return "/?why=suspended" if "suspended" in credentials else True
"""
#: Loads the module into a page, for what the example does not do.
CLIENT = "import('/api/auth/client.js')"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A web server that knows nothing but files; its port."""
    port = free_port()
    server = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", "--directory", str(EXAMPLE / "public"), str(port)]
    with running(server, port=port, log=tmp_path_factory.mktemp("pages") / "log"):
        yield port


@pytest.fixture(scope="module", params=FLAVOURS)
def gateway(request: pytest.FixtureRequest, pages: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """A gateway in front of it."""
    port = free_port()
    config = configuration(
        {"app": pages},
        routes=ROUTES,
        session=f'format = "{request.param}"',
        limits={"failed_sign_ins_per_address": 20},
        listen=f"127.0.0.1:{port}",
        public_url=f"http://localhost:{port}",
        extra='[callbacks]\nmodule = "client_callbacks"',
    )
    folder = tmp_path_factory.mktemp("gateway")
    (folder / "client_callbacks.py").write_text(CALLBACKS)
    front = GatewayProcess(folder, config)
    try:
        yield front
    finally:
        assert front.stop() == 0


@pytest_asyncio.fixture(loop_scope="module")
async def someone(browser: Browser, gateway: GatewayProcess) -> AsyncIterator[BrowserContext]:
    """A person who was never here before."""
    async with visitor(browser, gateway.origin) as context:
        yield context


@pytest_asyncio.fixture(loop_scope="module")
async def page(someone: BrowserContext) -> Page:
    """A tab of that person, on the example."""
    tab = await someone.new_page()
    await tab.goto("/")
    return tab


async def sign_in(page: Page, name: str = "ada", password: str | None = None) -> None:
    await page.get_by_label("Username").fill(name)
    await page.get_by_label("Password").fill(PASSWORDS[name] if password is None else password)
    await page.get_by_role("button", name="Sign in").click()


async def shows(page: Page, text: str) -> None:
    await expect(page.get_by_role("status")).to_have_text(text)


async def test_the_page_signs_in_and_out_without_being_left(page: Page) -> None:
    left: list[str] = []
    await shows(page, "You are not signed in.")
    page.on("framenavigated", lambda frame: left.append(frame.url))
    await sign_in(page)
    await shows(page, "Hello, Ada Lovelace.")
    await expect(page.locator("#sign-in")).to_be_hidden()
    await page.get_by_role("button", name="Sign out").click()
    await shows(page, "You are not signed in.")
    assert left == []


async def test_a_wrong_password_is_told_and_the_next_try_works(page: Page, someone: BrowserContext) -> None:
    await sign_in(page, password="byron")
    await expect(page.get_by_role("alert")).to_have_text("The sign-in failed. Check what you entered.")
    assert not [cookie for cookie in await someone.cookies() if "session-token" in cookie["name"]]
    await sign_in(page)
    await shows(page, "Hello, Ada Lovelace.")
    await page.get_by_role("link", name="The shelves").click()
    await expect(page.get_by_role("heading", name="The shelves")).to_be_visible()


async def test_tabs_follow_each_other(page: Page, someone: BrowserContext) -> None:
    other = await someone.new_page()
    await other.goto("/")
    await shows(other, "You are not signed in.")
    await sign_in(page)
    await shows(other, "Hello, Ada Lovelace.")
    await other.get_by_role("button", name="Sign out").click()
    await shows(page, "You are not signed in.")


async def test_a_tab_that_signed_in_by_the_gateways_own_page_is_noticed(
    page: Page, someone: BrowserContext, gateway: GatewayProcess
) -> None:
    other = await someone.new_page()
    await other.goto("/members/")
    await other.get_by_label("Username").fill("bob")
    await other.get_by_label("Password").fill(PASSWORDS["bob"])
    await other.get_by_role("button", name="Sign in with").click()
    await expect(other).to_have_url(f"{gateway.origin}/members/")
    await other.goto("/")  # which asks who is signed in, and tells the other tabs what it heard
    await shows(page, "Hello, Bob.")


async def test_a_redirect_ends_at_the_callback_url_or_here(page: Page, gateway: GatewayProcess) -> None:
    fields = {"username": "ada", "password": PASSWORDS["ada"]}
    async with page.expect_navigation():
        await page.evaluate(
            f"fields => void {CLIENT}.then(c => c.signIn('credentials', fields, {{callbackUrl: '/members/?a=1#b'}}))", fields
        )
    await expect(page).to_have_url(f"{gateway.origin}/members/?a=1#b")
    async with page.expect_navigation():
        await page.evaluate(f"() => void {CLIENT}.then(c => c.signOut({{callbackUrl: '/'}}))")
    await shows(page, "You are not signed in.")
    await page.goto("/?q=1#here")
    async with page.expect_event("load"):  # a place on the same page: loaded again, so that its scripts see the session
        await page.evaluate(f"fields => void {CLIENT}.then(c => c.signIn('credentials', fields))", fields)
    await expect(page).to_have_url(f"{gateway.origin}/?q=1#here")
    await shows(page, "Hello, Ada Lovelace.")


async def test_another_sites_address_is_not_followed(page: Page, gateway: GatewayProcess) -> None:
    fields = {"username": "ada", "password": PASSWORDS["ada"]}
    async with page.expect_navigation():
        await page.evaluate(
            f"fields => void {CLIENT}.then(c => c.signIn('credentials', fields, {{callbackUrl: 'https://evil.example/'}}))", fields
        )
    await expect(page).to_have_url(f"{gateway.origin}/")


async def test_without_credentials_the_gateways_page_asks(page: Page, gateway: GatewayProcess) -> None:
    async with page.expect_navigation():
        await page.evaluate(f"() => void {CLIENT}.then(c => c.signIn(undefined, undefined, {{callbackUrl: '/members/'}}))")
    await page.get_by_label("Username").fill("ada")
    await page.get_by_label("Password").fill(PASSWORDS["ada"])
    await page.get_by_role("button", name="Sign in with").click()
    await expect(page).to_have_url(f"{gateway.origin}/members/")


async def test_what_is_asked_for_in_vain_is_a_type_error(page: Page) -> None:
    told = await page.evaluate(f"() => {CLIENT}.then(c => c.signIn('credentials', undefined, {{redirect: false}})).catch(e => e.name)")
    assert told == "TypeError"


async def test_cookies_that_were_cleared_cost_one_more_token_and_no_failure(page: Page, someone: BrowserContext) -> None:
    async def forget_the_first(route: Route) -> None:
        tokens.append(route.request.url)
        response = await route.fetch()
        if len(tokens) > 1:
            await route.fulfill(response=response)
            return
        await someone.clear_cookies()  # ahead of the answer: the page goes on as soon as it has it
        await route.fulfill(response=response, headers={name: value for name, value in response.headers.items() if name != "set-cookie"})

    tokens: list[str] = []
    await page.route("**/api/auth/csrf", forget_the_first)
    await sign_in(page)
    await shows(page, "Hello, Ada Lovelace.")
    assert len(tokens) == 2


async def test_an_unknown_provider_is_an_answer(page: Page) -> None:
    told = await page.evaluate(f"() => {CLIENT}.then(c => c.signIn('nobody', {{}}, {{redirect: false}}))")
    assert told["ok"] is False
    assert (told["error"], told["url"]) == ("provider-unknown", None)
    assert told["message"]


async def test_an_error_in_the_address_of_the_page_is_not_the_answers(page: Page) -> None:
    for address in ("/?error=CredentialsSignin&code=credentials", "/?csrf=true"):
        await page.goto(address)  # where a failed attempt may have led, and signIn() comes back to
        await sign_in(page)
        await shows(page, "Hello, Ada Lovelace.")
        await expect(page.locator("#problem")).to_have_text("")
        told = await page.evaluate(f"() => {CLIENT}.then(c => c.signOut({{redirect: false}}))")
        assert told["url"].endswith(address)
        await shows(page, "You are not signed in.")


async def test_whoever_the_callback_sends_elsewhere_is_not_signed_in(page: Page, gateway: GatewayProcess) -> None:
    fields = {"username": "ada", "password": PASSWORDS["ada"], "suspended": "yes"}
    told = await page.evaluate(f"fields => {CLIENT}.then(c => c.signIn('credentials', fields))", fields)
    assert (told["ok"], told["error"], told["url"]) == (False, "sign-in-denied", f"{gateway.origin}/?why=suspended")
    assert told["message"] == "You may not sign in here."


async def test_calls_at_one_time_share_a_request(page: Page) -> None:
    asked: list[str] = []
    await shows(page, "You are not signed in.")
    page.on("request", lambda request: asked.append(request.url) if request.url.endswith("/session") else None)
    both = await page.evaluate(f"() => {CLIENT}.then(c => Promise.all([c.getSession(), c.getSession(), c.getSession()]))")
    assert both == [None, None, None]
    assert len(asked) == 1


NO_ANSWERS = [
    pytest.param({"status": 502, "body": "<html>"}, ["unreadable-answer", 502, None], id="a-page-of-something-in-between"),
    pytest.param({"status": 429, "json": {"error": "busy"}, "headers": {"Retry-After": "7"}}, ["busy", 429, 7], id="a-limit"),
    pytest.param({"status": 200, "json": "hello"}, ["unreadable-answer", 200, None], id="json-of-something-else"),
    pytest.param(None, ["no-answer", None, None], id="a-cut-line"),
]


@pytest.mark.parametrize(("answer", "told"), NO_ANSWERS)
async def test_no_answer_is_not_taken_for_signed_out(page: Page, answer: dict[str, object] | None, told: list[object]) -> None:
    async def spoil(route: Route) -> None:
        await (route.fulfill(**answer) if answer else route.abort())

    await sign_in(page)
    await shows(page, "Hello, Ada Lovelace.")
    await page.route("**/api/auth/session", spoil)
    caught = f"() => {CLIENT}.then(c => c.getSession().catch(e => [e instanceof c.AuthError, e.error, e.status, e.retryAfter]))"
    assert await page.evaluate(caught) == [True, *told]
    await shows(page, "Hello, Ada Lovelace.")


@pytest.mark.parametrize("body", ["", "null", "{}"])
async def test_however_a_flavour_says_nobody_it_is_null(page: Page, body: str) -> None:
    await page.route("**/api/auth/session", lambda route: route.fulfill(body=body, content_type="application/json"))
    assert await page.evaluate(f"() => {CLIENT}.then(c => c.getSession())") is None


async def test_a_listener_that_left_hears_nothing_and_one_that_fails_keeps_nobody_from_hearing(page: Page) -> None:
    await page.evaluate(
        f"""() => {CLIENT}.then(c => {{
            globalThis.heard = [];
            c.onSession(() => {{ throw new Error("on purpose"); }});
            c.onSession((session) => heard.push(session?.user.name ?? null));
            c.onSession(() => heard.push("left"))();
        }})"""
    )
    await sign_in(page)
    await shows(page, "Hello, Ada Lovelace.")
    assert await page.evaluate("heard") == [None, "Ada Lovelace"]


async def test_coming_back_to_a_tab_asks_again_but_not_each_time(page: Page, someone: BrowserContext) -> None:
    await sign_in(page)
    await shows(page, "Hello, Ada Lovelace.")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.url.endswith("/session") else None)
    await someone.clear_cookies()
    await page.evaluate("() => { for (let i = 0; i < 50; i += 1) dispatchEvent(new Event('focus')); }")
    await shows(page, "You are not signed in.")
    assert len(asked) == 1


async def test_an_old_answer_does_not_undo_a_sign_out(page: Page) -> None:
    """A question from before the sign-out, answered after it: the listener never hears of the old session again."""
    await sign_in(page)
    await shows(page, "Hello, Ada Lovelace.")
    held: asyncio.Future[Route] = asyncio.get_running_loop().create_future()
    await page.route("**/api/auth/session", lambda route: held.set_result(route) if not held.done() else route.continue_())
    await page.evaluate(f"() => void {CLIENT}.then(c => {{ globalThis.late = c.getSession(); c.onSession(() => null); }})")
    route = await held
    old = await route.fetch()
    await page.evaluate(f"() => {CLIENT}.then(c => {{ globalThis.heard = []; c.onSession(s => heard.push(s && s.user.name)); }})")
    await page.get_by_role("button", name="Sign out").click()
    await shows(page, "You are not signed in.")
    await route.fulfill(response=old)
    assert await page.evaluate("late") is None
    assert await page.evaluate("heard") == ["Ada Lovelace", None]


async def test_nothing_breaks_the_strict_policy_of_the_page(someone: BrowserContext) -> None:
    page = await someone.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if "favicon" not in message.location["url"] else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    await page.goto("/")
    await sign_in(page)
    await shows(page, "Hello, Ada Lovelace.")
    await page.get_by_role("button", name="Sign out").click()
    await shows(page, "You are not signed in.")
    assert complaints == []
