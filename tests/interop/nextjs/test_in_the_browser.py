"""An unmodified `next-auth/react`, v4 and v5, talks to the gateway's `/api/auth/*`, and an unmodified `next-auth` on the server reads its cookie."""

from __future__ import annotations

import asyncio
import json
import re

import pytest
from playwright.async_api import BrowserContext, Page, Route, expect

from tests.e2e.browser import PATIENCE_MS
from tests.interop.nextjs.site import NOTES, PASSWORD_OF, Site

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1500), pytest.mark.asyncio(loop_scope="module")]
ADA = {"name": "Ada Lovelace", "email": "ada@example.com", "id": "ada", "roles": ["admin"]}


async def fill(page: Page, name: str, button: str, password: str | None = None) -> None:
    """The app's own form."""
    await page.get_by_label("Name").fill(name)
    await page.get_by_label("Word").fill(PASSWORD_OF[name] if password is None else password)
    await page.get_by_role("button", name=button, exact=True).click()


async def fill_ours(page: Page, name: str, password: str | None = None) -> None:
    """The gateway's sign-in page."""
    await page.get_by_label("Username").fill(name)
    await page.get_by_label("Password").fill(PASSWORD_OF[name] if password is None else password)
    await page.get_by_role("button", name="Sign in with").click()


async def status_is(page: Page, status: str) -> None:
    await expect(page.locator("#status")).to_have_text(status)


async def shown(page: Page, place: str) -> object:
    text = await page.locator(f"#{place}").text_content(timeout=PATIENCE_MS)
    return json.loads(text) if text else None


async def result(page: Page) -> dict[str, object]:
    await expect(page.locator("#result")).not_to_be_empty()
    found = await shown(page, "result")
    assert isinstance(found, dict)
    return found


def known(session: object) -> object:
    """The user, without what is not known of them: v5's server says null there, the gateway says nothing."""
    assert isinstance(session, dict)
    return {key: value for key, value in session["user"].items() if value is not None}


async def session_cookies(someone: BrowserContext) -> dict[str, str]:
    return {cookie["name"]: cookie["value"] for cookie in await someone.cookies() if "session-token" in cookie["name"]}


async def signed_in(page: Page, name: str = "ada") -> None:
    await status_is(page, "unauthenticated")
    await fill(page, name, "Stay")
    await status_is(page, "authenticated")


async def test_sign_in_without_a_redirect(page: Page, someone: BrowserContext, running_site: Site) -> None:
    await signed_in(page)
    told = await result(page)
    assert told.pop("error", None) is None  # v4 says null, v5 nothing
    assert told == {"status": 200, "ok": True, "url": f"{running_site.origin}/lab"}
    session = await shown(page, "session")
    assert session["user"] == ADA
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", session["expires"])
    (cookie,) = [cookie for cookie in await someone.cookies() if cookie["name"] == running_site.cookie]
    https = running_site.scheme == "https"
    assert (cookie["httpOnly"], cookie["secure"], cookie["sameSite"], cookie["path"]) == (True, https, "Lax", "/")
    await page.reload()
    await status_is(page, "authenticated")


async def test_a_wrong_password_without_a_redirect(page: Page, someone: BrowserContext, running_site: Site) -> None:
    await status_is(page, "unauthenticated")
    await fill(page, "ada", "Stay", "byron")
    v4 = {"error": "CredentialsSignin", "status": 401, "ok": False, "url": None}
    v5 = {"error": "CredentialsSignin", "code": "credentials", "status": 200, "ok": True, "url": None}
    assert await result(page) == (v4 if running_site.flavour == "v4" else v5)
    await status_is(page, "unauthenticated")
    assert await session_cookies(someone) == {}


async def test_sign_in_with_a_redirect(page: Page, running_site: Site) -> None:
    await status_is(page, "unauthenticated")
    await fill(page, "ada", "Go")
    await expect(page).to_have_url(f"{running_site.origin}/server?from=lab")
    assert known(await shown(page, "server")) == ADA


async def test_a_wrong_password_with_a_redirect_ends_at_our_page_and_goes_on_from_there(page: Page, running_site: Site) -> None:
    await status_is(page, "unauthenticated")
    await fill(page, "ada", "Go", "byron")
    await expect(page).to_have_url(re.compile("/api/auth/signin"))
    await expect(page.get_by_role("alert")).to_be_visible()
    await fill_ours(page, "ada")
    await expect(page).not_to_have_url(re.compile("/api/auth/"))
    await page.goto("/lab")
    await status_is(page, "authenticated")


async def test_sign_in_on_the_gateways_page_comes_back(page: Page, running_site: Site) -> None:
    await status_is(page, "unauthenticated")
    await page.get_by_role("button", name="Elsewhere").click()
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    await fill_ours(page, "bob")
    await expect(page).to_have_url(f"{running_site.origin}/lab")
    await status_is(page, "authenticated")
    assert (await shown(page, "session"))["user"] == {"name": "Bob", "id": "bob", "roles": []}


async def test_update_changes_the_session_for_the_page_and_for_the_server(page: Page) -> None:
    await signed_in(page)
    await page.get_by_role("button", name="Rename").click()
    await expect(page.locator("#session")).to_contain_text("Augusta")
    await page.goto("/server")
    assert known(await shown(page, "server")) == ADA | {"name": "Augusta"}


async def test_two_tabs_know_of_each_other(page: Page, someone: BrowserContext) -> None:
    other = await someone.new_page()
    await other.goto("/lab")
    await status_is(other, "unauthenticated")
    await signed_in(page)
    await asyncio.sleep(1.1)  # v4's messages tell the second: two within one are the same text to the storage, and tell nobody
    await page.reload()  # signIn() without a redirect tells nobody: the client does so when it loads
    await status_is(other, "authenticated")
    await asyncio.sleep(1.1)
    await other.get_by_role("button", name="Leave", exact=True).click()
    await status_is(other, "unauthenticated")
    await status_is(page, "unauthenticated")


async def test_sign_out_without_a_redirect_ends_every_copy(page: Page, someone: BrowserContext, running_site: Site) -> None:
    await signed_in(page)
    copy = await session_cookies(someone)
    assert await page.evaluate("fetch('/api/token').then(r => r.json()).then(t => t.sub)") == "ada"
    await page.get_by_role("button", name="Leave", exact=True).click()
    await status_is(page, "unauthenticated")
    assert await session_cookies(someone) == {}
    line = "; ".join(f"{name}={value}" for name, value in copy.items())
    running_site.gateway.secrets |= set(copy.values())
    answer = running_site.gateway.get("/api/token", f"Cookie: {line}")
    assert (answer.status, answer.body) == (200, b"null")  # the app itself could still read it, so it must not see it


async def test_sign_out_with_a_redirect(page: Page, someone: BrowserContext, running_site: Site) -> None:
    await signed_in(page)
    await page.get_by_role("button", name="Leave and go").click()
    await expect(page).to_have_url(f"{running_site.origin}/lab?left")
    await status_is(page, "unauthenticated")
    assert await session_cookies(someone) == {}


async def test_a_required_session_sends_to_our_page_and_back(page: Page, running_site: Site) -> None:
    await page.goto("/required?x=1")
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert "error=SessionRequired" in page.url
    await fill_ours(page, "ada")
    await expect(page).to_have_url(f"{running_site.origin}/required?x=1")
    await status_is(page, "for Ada Lovelace")


async def test_the_apps_middleware_sends_to_our_page_and_back(page: Page, running_site: Site) -> None:
    await page.goto("/account?x=1&y=2")
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    await fill_ours(page, "ada")
    await expect(page).to_have_url(f"{running_site.origin}/account?x=1&y=2")
    await expect(page.get_by_role("heading", name="Account of Ada Lovelace")).to_be_visible()


async def test_the_server_reads_the_cookie(page: Page) -> None:
    await signed_in(page)
    token = await page.evaluate("fetch('/api/token').then(r => r.json())")
    assert (token["sub"], token["name"], token["email"], token["roles"]) == ("ada", "Ada Lovelace", "ada@example.com", ["admin"])
    assert known(await page.evaluate("fetch('/api/server').then(r => r.json())")) == ADA


async def test_what_the_server_would_do_to_the_cookies_ends_at_the_gateway(running_site: Site) -> None:
    """It would renew the session behind the gateway's back, or delete one that it can't read."""
    cookie = running_site.gateway.sign_in("ada")
    for sent, kind in ((cookie, "renewed"), (f"{running_site.cookie}=unreadable", "deleted")):
        direct = running_site.ask_the_app("/api/server", f"Cookie: {sent}")
        assert any(line.startswith(f"{running_site.cookie}=") for line in direct.all("set-cookie")), f"{kind}: nothing to keep back"
        through = running_site.gateway.get("/api/server", f"Cookie: {sent}")
        assert through.status == 200
        assert not [line for line in through.all("set-cookie") if "csrf-token" in line or "callback-url" in line]
    renewed = running_site.gateway.get("/api/server", f"Cookie: {cookie}").all("set-cookie")
    assert len(renewed) <= 1  # the gateway's own renewal


async def test_a_large_session_travels_in_chunks(page: Page, someone: BrowserContext, running_site: Site) -> None:
    await signed_in(page, "large")
    chunks = await session_cookies(someone)
    assert set(chunks) == {f"{running_site.cookie}.{number}" for number in range(3)}
    assert await page.evaluate("fetch('/api/token').then(r => r.json()).then(t => t.notes)") == NOTES
    await page.goto("/server")
    assert known(await shown(page, "server")) == {"name": "Large", "id": "large", "roles": []}
    await page.goto("/lab")
    await status_is(page, "authenticated")
    await page.get_by_role("button", name="Leave", exact=True).click()
    await status_is(page, "unauthenticated")
    assert await session_cookies(someone) == {}
    await signed_in(page, "bob")
    assert set(await session_cookies(someone)) == {running_site.cookie}


async def test_a_late_answer_does_not_bring_the_session_back(page: Page, someone: BrowserContext, running_site: Site) -> None:
    """The race that both packages lose: `GET session`, answered before a sign-out, arrives after it with a new cookie."""
    await signed_in(page)
    held: list[Route] = []
    arrived = asyncio.Event()

    async def hold(route: Route) -> None:
        if held:
            await route.continue_()
        else:
            held.append(route)
            arrived.set()

    await page.route("**/api/auth/session", hold)
    await page.evaluate("() => { globalThis.late = fetch('/api/auth/session'); }")
    await arrived.wait()
    old = await held[0].fetch()
    assert "session-token" in old.headers["set-cookie"]
    await page.get_by_role("button", name="Leave", exact=True).click()
    await status_is(page, "unauthenticated")
    await held[0].fulfill(response=old)
    assert await page.evaluate("late.then(r => r.status)") == 200
    await page.unroute_all()
    assert await session_cookies(someone), "the browser did not take the late cookie, so this shows nothing"
    await page.goto("/server")
    assert await shown(page, "server") is None
    await page.goto("/lab")
    await status_is(page, "unauthenticated")
    await signed_in(page, "bob")  # and it is in nobody's way
    assert known(await shown(page, "session")) == {"name": "Bob", "id": "bob", "roles": []}
