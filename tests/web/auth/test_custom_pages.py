"""`[pages]`: pages of the operator's own in the place of ours, and that a target survives the way over them."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from gateway.sessions.flavour import FLAVOURS
from tests.web.auth.browser import HOST

CALLBACK = "/api/auth/callback/credentials"
PAGES = {"pages": {"sign_in": "/login?brand=x", "sign_out": "/bye", "error": "/oops"}}


@pytest.fixture(params=FLAVOURS)
async def site(request, open_site):
    return await open_site(settings=PAGES | {"session": {"format": request.param}})


async def post(browser, **fields: str):
    csrf = (await (await browser.get("/api/auth/csrf")).json())["csrfToken"]
    return await browser.post(CALLBACK, {"csrfToken": csrf, **fields})


async def test_the_target_reaches_the_page_and_the_sign_in_behind_it(site, browser):
    answer = await browser.get("/api/auth/signin?callbackUrl=/reports%3Fx%3D1")
    assert (answer.status, answer.headers["Location"]) == (302, f"/login?brand=x&callbackUrl=http%3A%2F%2F{HOST}%2Freports%3Fx%3D1")
    done = await post(browser, username="ada", password="correct horse")
    assert done.headers["Location"] == f"http://{HOST}/reports?x=1"


@pytest.mark.parametrize("asked", ["https://evil.example/", "//evil.example", "dashboard", ""])
async def test_a_target_that_may_not_be_gone_to_is_not_handed_on(site, browser, asked):
    answer = await browser.get(f"/api/auth/signin?callbackUrl={asked}")
    assert parse_qs(urlsplit(answer.headers["Location"]).query)["callbackUrl"] == [f"http://{HOST}"]


async def test_a_failure_is_told_to_the_page_without_what_only_our_form_needs(site, browser):
    failed = await post(browser, username="ada", password="wrong")
    assert failed.headers["Location"] == "/login?brand=x&error=CredentialsSignin&code=credentials"


async def test_the_target_survives_a_failure_on_the_page(site, browser):
    await post(browser, username="ada", password="wrong", callbackUrl="/reports")
    done = await post(browser, username="ada", password="correct horse")
    assert done.headers["Location"] == f"http://{HOST}/reports"


@pytest.mark.parametrize(
    ("path", "location"), [("signout", "/bye"), ("error?error=AccessDenied", "/oops?error=AccessDenied"), ("error", "/oops")]
)
async def test_the_other_pages(site, browser, path, location):
    answer = await browser.get(f"/api/auth/{path}")
    assert (answer.status, answer.headers["Location"]) == (302, location)


async def test_a_code_cannot_add_a_parameter_or_a_line(site, browser):
    answer = await browser.get("/api/auth/error?error=a%26b%3Dc%0d%0aX:%20y")
    assert parse_qs(urlsplit(answer.headers["Location"]).query) in ({"error": ["a&b=c\r\nX: y"]},)
    assert "X" not in answer.headers
