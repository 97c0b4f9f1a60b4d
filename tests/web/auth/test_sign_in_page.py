"""`GET signin`, from outside."""

from __future__ import annotations

import re

import pytest

from gateway.providers.base import Field
from tests.web.auth.browser import HOST, Page
from tests.web.auth.conftest import People

SIGN_IN = "/api/auth/signin"


async def page_at(browser, path: str = SIGN_IN) -> Page:
    answer = await browser.get(path)
    assert answer.status == 200
    assert answer.content_type == "text/html"
    return Page(await answer.text())


async def test_the_form_is_made_from_the_declared_fields(open_site):
    fields = (
        Field(
            key="username", label="User name", attributes={"placeholder": "jsmith", "maxlength": 40, "required": True, "className": "big"}
        ),
        Field(key="password", label="Password", type="password", attributes={"style": "background-color:#FFF; color:#000;"}),
    )
    site = await open_site(providers=[People(name="Test Login", fields=fields)])
    page = await page_at(site.browser())
    form = page.form_to("/api/auth/callback/credentials")
    user, password = form.inputs["username"], form.inputs["password"]
    assert user["id"] == "input-username-for-credentials-provider"
    assert (user["type"], user["placeholder"], user["maxlength"], user["class"], "required" in user) == (
        "text",
        "jsmith",
        "40",
        "big",
        True,
    )
    assert (user["autocomplete"], "autofocus" in user) == ("username", True)
    assert (password["type"], password["autocomplete"], "autofocus" in password) == ("password", "current-password", False)
    assert "style" not in password
    assert "#input-password-for-credentials-provider { background-color: #FFF; color: #000 }" in page.style
    assert ("label", {"class": "section-header", "for": user["id"]}) in page.tags
    assert "Sign in with Test Login" in page.text
    assert set(form.inputs) == {"csrfToken", "returnTo", "username", "password"}


async def test_nothing_of_the_configuration_or_the_request_becomes_markup(open_site):
    """Promise 31."""
    nasty = '"><script>alert(1)</script>'
    field = Field(key="user", label=nasty, attributes={"placeholder": nasty, "title": nasty})
    site = await open_site(providers=[People(name=nasty, fields=(field,))])
    answer = await site.browser().get(
        f"{SIGN_IN}?callbackUrl=/%22%3E%3Cscript%3Ealert(1)%3C/script%3E&error=%3Cscript%3E&returnTo=%3Cscript%3E"
    )
    text = await answer.text()
    assert answer.status == 200
    assert "<script>" not in text
    assert "Unable to sign in." in text


async def test_every_provider_has_its_own_form_in_order(open_site):
    site = await open_site(providers=[People(id="staff", name="Staff"), People(id="guests", name="Guests")])
    page = await page_at(site.browser())
    assert [form.action for form in page.forms] == ["/api/auth/callback/staff", "/api/auth/callback/guests"]
    assert sum("autofocus" in attributes for _, attributes in page.tags) == 1
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))


async def test_after_a_failure_the_form_that_failed_is_the_marked_one(open_site):
    site = await open_site(providers=[People(id="staff", name="Staff"), People(id="guests", name="Guests")])
    browser = site.browser()
    fields = await browser.open_form(provider="guests") | {"username": "gus", "password": "wrong"}
    failed = await browser.post("/api/auth/callback/guests", fields)
    page = await page_at(browser, failed.headers["Location"])
    staff, guests = page.forms
    assert "aria-invalid" not in staff.inputs["username"]
    assert "value" not in staff.inputs["username"]
    assert (guests.inputs["username"]["value"], guests.inputs["username"]["aria-invalid"]) == ("gus", "true")
    assert "autofocus" in guests.inputs["password"]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        pytest.param("?callbackUrl=%2Freports%3Fx%3D1", "You will continue to /reports?x=1", id="path"),
        pytest.param(f"?callbackUrl=http%3A%2F%2F{HOST}%2Freports", "You will continue to /reports", id="own-origin-is-left-out"),
        pytest.param("?callbackUrl=%2F" + "x" * 300, f"You will continue to /{'x' * 119}…", id="a-long-one-is-cut"),
    ],
)
async def test_it_says_where_the_sign_in_will_end(browser, query, said):
    assert said in (await page_at(browser, SIGN_IN + query)).text


@pytest.mark.parametrize("query", ["", "?callbackUrl=", "?callbackUrl=https://evil.example/", "?callbackUrl=/api/auth/signout"])
async def test_without_a_target_that_may_be_taken_it_says_nothing(browser, query):
    page = await page_at(browser, SIGN_IN + query)
    assert "continue" not in page.text
    assert "evil" not in page.text
    assert "authjs.callback-url" not in browser.cookies


@pytest.mark.parametrize(
    ("code", "said"),
    [
        pytest.param("CredentialsSignin", "Sign in failed. Check the details you provided are correct.", id="credentials"),
        pytest.param("SessionRequired", "Please sign in to access this page.", id="session"),
        pytest.param("Weird", "Unable to sign in.", id="unknown"),
    ],
)
async def test_an_error_code_becomes_a_sentence_and_is_not_printed(browser, code, said):
    page = await page_at(browser, f"{SIGN_IN}?error={code}")
    assert said in page.text
    assert code not in page.text
    assert page.with_id("sign-in-error")["role"] == "alert"


async def test_who_is_signed_in_can_go_on_or_sign_out_or_be_somebody_else(site, browser):
    await browser.sign_in()
    page = await page_at(browser, f"{SIGN_IN}?callbackUrl=/reports")
    assert "You are signed in" in page.text
    assert "Ada Lovelace" in page.text
    assert ("a", {"class": "button main", "href": "/reports"}) in page.tags
    assert [form.action for form in page.forms] == ["/api/auth/signout", "/api/auth/callback/credentials"]
    assert not any("autofocus" in attributes for _, attributes in page.tags)
    fields = page.forms[1].values | {"username": "bob", "password": "correct horse"}
    assert (await browser.post(page.forms[1].action, fields)).headers["Location"] == "/reports"


@pytest.mark.parametrize("cookie", ["garbage", "a.b.c.d.e", "%ff", "eyJhbGciOiJkaXIifQ....."])
async def test_a_bad_session_cookie_is_cleared(site, browser, cookie):
    """Promise 41."""
    browser.cookies["authjs.session-token"] = cookie
    answer = await browser.get(SIGN_IN)
    assert answer.status == 200
    assert "authjs.session-token=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax" in answer.headers.getall("Set-Cookie")


async def test_an_expired_session_is_nobodys(site, browser):
    await browser.sign_in()
    site.clock.forward(site.gateway.policy.lifetime.sliding * 2)
    page = await page_at(browser)
    assert "You are signed in" not in page.text
    assert "authjs.session-token" not in browser.cookies


@pytest.mark.parametrize(
    "cookie", ["https%3A%2F%2Fevil.example%2F", "dashboard", "%2F%2Fevil.example", "javascript%3Aalert(1)", "%ff%ff", "x" * 4000]
)
async def test_a_bad_callback_cookie_is_ignored_and_cleared(site, browser, cookie):
    browser.cookies["authjs.callback-url"] = cookie
    page = await page_at(browser)
    assert "continue" not in page.text
    assert "authjs.callback-url" not in browser.cookies


@pytest.mark.parametrize("cookie", ["x", "x%7Cy", f"{'0' * 64}%7C{'0' * 64}", "%ff"])
async def test_a_csrf_cookie_that_is_not_ours_is_replaced(site, browser, cookie):
    browser.cookies["authjs.csrf-token"] = cookie
    fields = await browser.open_form()
    assert browser.cookies["authjs.csrf-token"].startswith(fields["csrfToken"] + "%7C")


async def test_a_csrf_cookie_of_ours_is_kept(site, browser):
    first = await browser.open_form()
    answer = await browser.get(SIGN_IN)
    assert "Set-Cookie" not in answer.headers
    assert Page(await answer.text()).forms[0].values["csrfToken"] == first["csrfToken"]


@pytest.mark.parametrize("path", [SIGN_IN, "/api/auth/signout", "/api/auth/error", "/error-page?reason=role-missing&status=403"])
async def test_every_page_is_shut_tight(open_site, path):
    """Promise 49."""
    site = await open_site(public_url=f"https://{HOST}")
    browser = site.browser()
    answer, again = await browser.get(path), await browser.get(path)
    text = await answer.text()
    headers = answer.headers
    policy = headers["Content-Security-Policy"]
    nonce = re.search(r"style-src 'nonce-([\w-]{22})'", policy)[1]
    for part in ("default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "form-action 'self'"):
        assert part in policy
    assert "unsafe" not in policy
    assert policy != again.headers["Content-Security-Policy"]
    assert text.count("<style") == text.count(f'<style nonce="{nonce}">') == 1
    assert " style=" not in text
    scripts = 1 if path.startswith("/api/auth/signin") else 0
    assert text.count("<script") == text.count(f'<script nonce="{nonce}">') == scripts
    assert policy.count(f"script-src 'nonce-{nonce}'") == policy.count("script-src") == scripts
    assert not re.search(r'(?:src|href|action)="(?:https?:)?//', text)
    assert "no-store" in headers["Cache-Control"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Strict-Transport-Security"] == "max-age=31536000"
    assert "Access-Control-Allow-Origin" not in headers


async def test_a_page_of_a_gateway_without_providers_says_so(open_site):
    site = await open_site(providers=[People()])
    object.__setattr__(site.gateway.chain, "providers", ())
    assert "No way to sign in is set up" in (await page_at(site.browser())).text
