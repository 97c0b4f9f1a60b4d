"""A sign-in that goes in circles ends at a page that says why; nobody else ever sees that page."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from gateway.web.auth.filled import PURPOSE
from gateway.web.side_cookie import KEPT_FORM, TRAIL
from tests.web.auth.browser import Page

SESSION = "authjs.session-token"
CALLBACK = "/api/auth/callback/credentials"
PAGE = "/api/auth/signin?callbackUrl=%2Freports"


async def lose_a_sign_in(browser, name="ada"):
    """Sign in, forget the session cookie as a broken browser would, and come back to the sign-in page."""
    answer = await browser.sign_in(name, path=PAGE)
    assert answer.status == 302
    assert answer.headers["Location"] == "/reports"
    for cookie in [cookie for cookie in browser.cookies if "session-token" in cookie]:
        del browser.cookies[cookie]
    return await browser.get(PAGE)


async def lose_every_cookie(browser, path=PAGE):
    """Open the form, forget all cookies, and send it."""
    fields = await browser.open_form(path) | {"username": "ada", "password": "correct horse"}
    browser.cookies.clear()
    return await browser.post(CALLBACK, fields)


async def test_the_second_session_in_a_row_that_is_lost_ends_at_the_page(browser, site, caplog):
    assert (await lose_a_sign_in(browser)).status == 200
    answer = await lose_a_sign_in(browser)
    assert answer.status == 400
    assert answer.headers["X-Gateway-Reason"] == "sign-in-loop"
    assert answer.headers["Cache-Control"] == "private, no-cache, no-store"
    page = Page(await answer.text())
    assert "came back without the session cookie" in page.text
    assert "A server in between changes the cookie." in page.text
    assert "The clock of this device is ahead." in page.text
    assert re.search(r"Sent to the browser authjs\.session-token \(HttpOnly, SameSite=Lax, no Domain, \d{3,4} bytes\)", page.text)
    assert "Came back authjs.csrf-token" in page.text
    assert ("a", {"class": "button main", "href": "/api/auth/signin?callbackUrl=%2Freports"}) in page.tags
    logged = [record.getMessage() for record in caplog.records if record.getMessage().startswith("sign-in-loop")]
    assert len(logged) == 1
    assert "reason=sign-in-loop lost=session likely=proxy,clock" in logged[0]


async def test_the_page_is_left_by_trying_again_and_comes_back_with_the_next_loss(browser):
    await lose_a_sign_in(browser)
    assert (await lose_a_sign_in(browser)).status == 400
    assert (await browser.get(PAGE)).status == 200  # "Try again"
    assert (await lose_a_sign_in(browser)).status == 400


async def test_a_large_session_is_named_as_a_cause(open_site):
    from tests.people import ADA
    from tests.web.auth.conftest import People

    people = People()
    people.users = {"ada": ADA.__class__(id="ada", claims={"notes": "x" * 6000})}
    browser = (await open_site(providers=[people])).browser()
    await lose_a_sign_in(browser)
    text = Page(await (await lose_a_sign_in(browser)).text()).text
    assert text.index("The session cookie is very large.") < text.index("A server in between")
    assert "in the largest of 3" in text


async def test_whoever_opens_closed_pages_without_signing_in_never_sees_it(browser):
    for _ in range(5):
        assert (await browser.get(PAGE)).status == 200


async def test_reading_the_page_again_counts_nothing(browser):
    await lose_a_sign_in(browser)
    for _ in range(5):
        assert (await browser.get(PAGE)).status == 200


async def test_a_session_that_ends_in_a_way_that_we_know_is_not_lost(browser, site):
    """Sign in and out as often as you like."""
    for _ in range(3):
        assert (await browser.sign_in(path=PAGE)).status == 302
        page = Page(await (await browser.get("/api/auth/signout")).text())
        assert (await browser.post("/api/auth/signout", page.form_to("/api/auth/signout").values)).status == 302
        assert (await browser.get(PAGE)).status == 200
    assert not any("sign-in-trail" in name for name in browser.cookies)


async def test_a_session_that_did_come_back_ends_the_row(browser):
    await lose_a_sign_in(browser)
    assert (await browser.sign_in(path=PAGE)).status == 302
    assert "You are signed in" in await (await browser.get(PAGE)).text()
    assert (await lose_a_sign_in(browser)).status == 200


@pytest.mark.parametrize(
    ("before_s", "between_s", "status"), [(60, 240, 400), (61, 0, 200), (60, 301, 200)], ids=["just-in-time", "not-at-once", "not-in-a-row"]
)
async def test_only_what_is_lost_at_once_and_in_a_row_counts(site, browser, before_s, between_s, status):
    for _ in range(2):
        site.clock.forward(timedelta(seconds=between_s))
        await browser.sign_in(path=PAGE)
        del browser.cookies[SESSION]
        site.clock.forward(timedelta(seconds=before_s))
        answer = await browser.get(PAGE)
    assert answer.status == status


async def test_what_one_browser_lost_is_nothing_to_another(site, browser):
    """Not from the same address, nor with the same page: what counts is in the browser alone."""
    await lose_a_sign_in(browser)
    other = site.browser()
    assert (await other.get(PAGE)).status == 200
    assert (await lose_a_sign_in(other)).status == 200


async def test_a_forged_or_changed_trail_is_none(site, browser):
    await lose_a_sign_in(browser)
    for value in ("x", browser.cookies["authjs.sign-in-trail"][:-2] + "AA", browser.cookies["authjs.csrf-token"]):
        victim = site.browser()
        victim.cookies["authjs.sign-in-trail"] = value
        assert (await lose_a_sign_in(victim)).status == 200


@pytest.mark.parametrize("text", ['{"signed_in_at":1,"lost_since":2}', "[]", "x"], ids=str)
async def test_what_another_version_of_the_gateway_sealed_is_none(text, site, browser):
    """Promise 41: while replicas are brought up to date one by one, each reads what the others wrote."""
    await browser.get(PAGE)
    csrf = browser.cookies["authjs.csrf-token"].partition("%7C")[0].partition("|")[0]
    for cookie in (TRAIL, KEPT_FORM):
        sealed = site.gateway.sealer.seal(text, purpose=f"{cookie.suffix} {csrf}", expires=site.clock.now + timedelta(minutes=5))
        browser.cookies[cookie.name(site.gateway)] = sealed
    filled = site.gateway.sealer.seal("{}", purpose=PURPOSE, expires=site.clock.now + timedelta(minutes=5))
    assert (await browser.get(f"/api/auth/signin?kept=x&filled={filled}")).status == 200
    assert (await browser.get("/api/auth/kept-form?kept=x")).status == 410


async def test_a_trail_that_a_sibling_site_tosses_is_none(site, browser):
    """Somebody loses a sign-in, signs in, and puts what their browser carries into another one."""
    await lose_a_sign_in(browser)
    await browser.sign_in(path=PAGE)
    victim = site.browser()
    for _ in range(2):
        victim.cookies["authjs.sign-in-trail"] = browser.cookies["authjs.sign-in-trail"]
        assert (await victim.get(PAGE)).status == 200


async def test_scripts_get_it_as_data(browser):
    await lose_a_sign_in(browser)
    await browser.sign_in(path=PAGE)
    del browser.cookies[SESSION]
    answer = await browser.get(PAGE, Sec_Fetch_Mode="cors", Accept="application/json")
    assert answer.status == 400
    assert (await answer.json()).items() >= {"reason": "sign-in-loop", "lost": "session", "likely": "proxy,clock"}.items()


async def test_the_second_form_without_any_cookie_ends_at_the_page(browser):
    first = await lose_every_cookie(browser)
    assert first.status == 302
    form = first.headers["Location"]
    assert parse_qs(urlsplit(form).query)["returnTo"]
    second = await lose_every_cookie(browser, form)
    assert second.status == 400
    assert second.headers["X-Gateway-Reason"] == "sign-in-loop"
    page = Page(await second.text())
    assert "none of the cookies" in page.text
    assert page.text.index("A server in between") < page.text.index("keeps no cookies")
    assert ("a", {"class": "button main", "href": "/api/auth/signin?callbackUrl=%2Freports"}) in page.tags


async def test_a_form_that_was_out_of_date_once_is_good_the_second_time(browser):
    form = (await lose_every_cookie(browser)).headers["Location"]
    assert (await browser.sign_in(path=form)).headers["Location"] == "/reports"


async def test_a_link_with_somebody_elses_trail_shows_the_page_to_nobody(site, browser):
    """An attacker hands over a form that was lost once; in a browser that keeps its cookies that means nothing."""
    form = (await lose_every_cookie(browser)).headers["Location"]
    victim = site.browser()
    wrong = await victim.sign_in(password="wrong", path=form)
    assert wrong.status == 302
    assert (await victim.sign_in(path=wrong.headers["Location"])).headers["Location"] == "/reports"


async def test_a_csrf_cookie_that_came_and_is_no_good_is_no_loss(site, browser):
    form = PAGE
    for _ in range(3):
        fields = await browser.open_form(form) | {"username": "ada", "password": "correct horse", "csrfToken": "0" * 64}
        answer = await browser.post(CALLBACK, fields)
        assert answer.status == 302
        form = answer.headers["Location"]


async def test_a_form_opened_over_http_where_cookies_are_secure_says_so_at_once(open_site):
    site = await open_site(public_url="https://app.example.com")
    browser = site.browser()
    fields = await browser.open_form(PAGE) | {"username": "ada", "password": "correct horse"}
    browser.cookies.clear()  # Secure cookies are not kept over http
    answer = await browser.post(CALLBACK, fields, Origin="http://app.example.com", Sec_Fetch_Site=None, Sec_Fetch_Mode=None)
    assert answer.status == 403
    assert answer.headers["X-Gateway-Reason"] == "sign-in-loop"
    page = Page(await answer.text())
    assert "The page was opened over http." in page.text
    assert "https://app.example.com" in page.text
    assert site.provider.asked == []


@pytest.mark.parametrize("origin", ["http://evil.example", "https://evil.example", "http://app.example.com:8080", "null"])
async def test_another_sites_form_is_still_refused_as_that(open_site, origin):
    """Promise 32."""
    browser = (await open_site(public_url="https://app.example.com")).browser()
    fields = await browser.open_form(PAGE) | {"username": "ada", "password": "correct horse"}
    answer = await browser.post(CALLBACK, fields, Origin=origin, Sec_Fetch_Site="cross-site")
    assert answer.status == 403
    assert answer.headers["X-Gateway-Reason"] == "cross-site"


async def test_a_session_that_a_callback_ends_is_not_lost(open_site, tmp_path):
    (tmp_path / "ending_callbacks.py").write_text(
        "def jwt(*, token, user=None, account=None, trigger=None, session=None):\n    return token if user else None\n"
    )
    site = await open_site(
        settings={"callbacks": {"module": "ending_callbacks"}, "folder": tmp_path, "session": {"update_age": "1s"}},
    )
    browser = site.browser()
    for _ in range(3):
        await browser.sign_in(path=PAGE)
        site.clock.forward(timedelta(seconds=2))
        await browser.get("/api/auth/session", Sec_Fetch_Mode="cors", Accept="application/json")
        assert SESSION not in browser.cookies
        assert (await browser.get(PAGE)).status == 200
