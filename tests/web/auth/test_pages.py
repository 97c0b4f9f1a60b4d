"""`error_page`, for people and for scripts."""

from __future__ import annotations

import pytest

from gateway.core.reason import Reason
from gateway.web.reason_text import text_of
from tests.web.auth.browser import HOST, Page

#: Reasons that let a request pass, end a sign-in well, or explain a return target: no page ever shows them.
NEVER_AN_END = {
    Reason.ROUTE_PUBLIC,
    Reason.ROUTE_OPTIONAL,
    Reason.SESSION_ACCEPTED,
    Reason.TOKEN_ACCEPTED,
    Reason.PASSWORD_ACCEPTED,
    Reason.SIGNED_IN,
    Reason.SIGNED_OUT,
    Reason.OWN_ENDPOINT,
}


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason not in NEVER_AN_END and not reason.startswith("return-")])
async def test_every_reason_has_words_of_its_own_on_its_page(site, browser, reason):
    answer = await browser.get(f"/error-page?reason={reason}&status=400")
    page = Page(await answer.text())
    words = text_of(reason)
    assert answer.status == 400
    assert answer.headers["X-Gateway-Reason"] == reason
    assert words.title != "Not possible"
    assert all(part in page.text for part in (words.title, words.what, words.cure, reason, "0123456789abcdef"))


async def test_nothing_of_the_request_is_repeated(site, browser):
    """Promise 51."""
    answer = await browser.get("/error-page?reason=route-missing&status=404&secret=hunter2")
    text = await answer.text()
    assert "hunter2" not in text
    assert "/error-page" not in text


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Sec-Fetch-Mode": "cors", "Accept": "text/html"}, id="fetch"),
        pytest.param({"Accept": "application/json"}, id="accept-json"),
        pytest.param({"Accept": "*/*"}, id="a-command-line"),
        pytest.param({"Accept": "text/html", "X-Requested-With": "XMLHttpRequest"}, id="an-old-script"),
    ],
)
async def test_scripts_get_json(site, browser, headers):
    """Promise 52."""
    answer = await browser.send("GET", "/error-page?reason=session-missing&status=401", headers=headers)
    assert answer.status == 401
    assert await answer.json() == {
        "error": "session-missing",
        "reason": "session-missing",
        "message": "This page is for people who are signed in. Sign in to go on.",
        "request_id": "0123456789abcdef",
        "login_url": f"http://{HOST}/api/auth/signin",
    }
    assert "no-store" in answer.headers["Cache-Control"]
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")


async def test_only_a_401_says_where_to_sign_in(site, browser):
    answer = await browser.send("GET", "/error-page?reason=role-missing&status=403", headers={"Accept": "application/json"})
    assert "login_url" not in await answer.json()


async def test_no_address_is_built_from_a_host_that_is_not_ours(site):
    """Promise 29."""
    browser = site.browser("evil.example")
    answer = await browser.send("GET", "/error-page?reason=host-unknown&status=401", headers={"Accept": "application/json"})
    assert (await answer.json())["login_url"] == "/api/auth/signin"


async def test_whoever_asks_under_another_name_is_told_the_right_one(site):
    """Promise 29: the name comes from the settings; the one that was asked for is nowhere."""
    answer = await site.browser("evil.example").get("/error-page?reason=host-unknown&status=421")
    text = await answer.text()
    assert answer.status == 421
    assert f"This gateway answers as http://{HOST}." in Page(text).text
    assert [attributes["href"] for tag, attributes in Page(text).tags if tag == "a"] == [f"http://{HOST}"]
    assert "evil" not in text


async def test_a_page_has_an_icon_of_its_own_so_that_no_browser_asks_the_upstream_for_one(site, browser):
    answer = await browser.get("/error-page?reason=route-missing&status=404")
    assert ("link", {"rel": "icon", "href": "data:,"}) in Page(await answer.text()).tags
    assert "img-src data:;" in answer.headers["Content-Security-Policy"]
