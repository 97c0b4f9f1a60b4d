"""`signout`, from outside."""

from __future__ import annotations

import pytest

from tests.web.auth.browser import HOST, Page
from tests.web.auth.conftest import session_in

SIGN_OUT = "/api/auth/signout"


async def fields_of(browser, path: str = SIGN_OUT) -> dict[str, str]:
    return Page(await (await browser.get(path)).text()).form_to(SIGN_OUT).values


async def test_a_link_only_asks(site, browser):
    await browser.sign_in()
    answer = await browser.get(SIGN_OUT)
    page = Page(await answer.text())
    assert answer.status == 200
    assert "Sign out?" in page.text
    assert "Ada Lovelace" in page.text
    assert "authjs.session-token" in browser.cookies


async def test_a_post_signs_out_and_clears_every_name_the_session_may_have(site, browser):
    await browser.sign_in()
    answer = await browser.post(SIGN_OUT, await fields_of(browser))
    assert (answer.status, answer.headers["Location"], answer.headers["X-Gateway-Reason"]) == (302, "/", "signed-out")
    assert "authjs.session-token" not in browser.cookies
    cleared = {line.partition("=")[0] for line in answer.headers.getall("Set-Cookie")}
    assert {"authjs.session-token", "authjs.session-token.0", "authjs.session-token.3"} <= cleared
    assert (await (await browser.get("/api/auth/session")).json()) is None


async def test_without_a_session_the_answer_is_the_same(site, browser):
    answer = await browser.post(SIGN_OUT, await fields_of(browser))
    assert (answer.status, answer.headers["Location"], answer.headers["X-Gateway-Reason"]) == (302, "/", "signed-out")


async def test_the_callback_cookie_of_a_sign_in_does_not_outlive_the_sign_out(site, browser):
    await browser.sign_in()
    await browser.get("/api/auth/signin?callbackUrl=/old")
    answer = await browser.post(SIGN_OUT, await fields_of(browser))
    assert answer.headers["Location"] == "/"
    assert "authjs.callback-url" not in browser.cookies


async def test_auth_js_clients_get_an_absolute_address(site, browser):
    fields = await fields_of(browser) | {"callbackUrl": f"http://{HOST}/bye#x"}
    answer = await browser.post(SIGN_OUT, fields, X_Auth_Return_Redirect="1")
    assert (answer.status, await answer.json()) == (200, {"url": f"http://{HOST}/bye#x"})


async def test_where_it_ends_is_judged_and_goes_through_the_page(open_site):
    site = await open_site(settings={"redirects": {"after_sign_out": "/goodbye"}})
    browser = site.browser()
    await browser.sign_in()
    assert (await browser.post(SIGN_OUT, await fields_of(browser))).headers["Location"] == "/goodbye"
    asked = await fields_of(browser, f"{SIGN_OUT}?callbackUrl=/left")
    assert (await browser.post(SIGN_OUT, asked)).headers["Location"] == "/left"
    foreign = await fields_of(browser, f"{SIGN_OUT}?callbackUrl=https://evil.example")
    assert "callbackUrl" not in foreign
    assert (await browser.post(SIGN_OUT, foreign)).headers["Location"] == "/goodbye"


@pytest.mark.parametrize("token", [None, "", "0" * 64])
async def test_without_the_right_token_nobody_is_signed_out(site, browser, token):
    """Promise 32."""
    await browser.sign_in()
    answer = await browser.post(SIGN_OUT, {} if token is None else {"csrfToken": token})
    assert (answer.status, answer.headers["X-Gateway-Reason"]) == (302, "csrf-mismatch")
    assert answer.headers["Location"] == "/api/auth/signin?error=MissingCSRF"
    assert "authjs.session-token" in browser.cookies


@pytest.mark.parametrize("content_type", ["text/plain", "multipart/form-data; boundary=x"])
async def test_only_forms_and_json_are_read(site, browser, content_type):
    """Promise 33."""
    answer = await browser.post(SIGN_OUT, await fields_of(browser), Content_Type=content_type)
    assert (answer.status, answer.headers["X-Gateway-Reason"]) == (415, "content-type-refused")


async def test_whoever_remembers_the_session_is_told_to_forget_it(site, browser):
    """Promise 38: the express lane's memory among them; without a session there is nothing to forget."""
    forgotten = []
    site.gateway.revocations.watchers.append(forgotten.append)
    await browser.post(SIGN_OUT, await fields_of(browser))
    assert forgotten == []
    await browser.sign_in()
    signed_in = session_in(site, browser)
    await browser.post(SIGN_OUT, await fields_of(browser))
    assert [list(ids) for ids in forgotten] == [[signed_in.sign_in_id]]
