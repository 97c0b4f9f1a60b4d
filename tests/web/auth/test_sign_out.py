"""`signout`, from outside."""

from __future__ import annotations

import pytest

from gateway.sessions.cookie_header import CookieHeader
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


async def signed_in(site, name: str) -> str:
    """The session cookies of somebody who has just signed in, as they stand in a header."""
    other = site.browser()
    await other.sign_in(name)
    return "; ".join(f"{cookie}={value}" for cookie, value in other.cookies.items() if "session-token" in cookie)


@pytest.mark.parametrize(
    "names", [pytest.param(["ada", "ada"], id="two-sign-ins-of-one"), pytest.param(["ada", "bob", "mallory"], id="of-three-people")]
)
async def test_every_session_that_the_request_carries_is_over(site, browser, names):
    """Promises 38 and 42: a sibling domain tossed one, or it lies at another path; the second must not be the session of whoever comes next."""
    jars = [await signed_in(site, name) for name in names]
    fields = await fields_of(browser)
    carried = f"authjs.csrf-token={browser.cookies['authjs.csrf-token']}; " + "; ".join(jars)
    answer = await browser.post(SIGN_OUT, fields, Cookie=carried)
    assert (answer.status, answer.headers["X-Gateway-Reason"]) == (302, "signed-out")
    for jar in jars:
        answer_to_a_copy = await browser.get("/api/auth/session", Cookie=jar)
        assert (await answer_to_a_copy.json()) is None
    cleared = [line for line in answer.headers.getall("Set-Cookie") if "Domain=" in line]
    assert {part.strip() for line in cleared for part in line.split(";") if "Domain" in part} == {
        "Domain=app.example.com",
        "Domain=example.com",
    }
    assert all("Max-Age=0" in line for line in cleared)


async def test_whoever_signs_in_anew_has_left_every_session_that_the_browser_had(site, browser):
    """Promise 37."""
    jars = [await signed_in(site, name) for name in ("bob", "mallory")]
    fields = await browser.open_form() | {"username": "ada", "password": "correct horse"}
    carried = f"authjs.csrf-token={browser.cookies['authjs.csrf-token']}; " + "; ".join(jars)
    answer = await browser.post("/api/auth/callback/credentials", fields, Cookie=carried)
    assert (answer.status, answer.headers["X-Gateway-Reason"]) == (302, "signed-in")
    for jar in jars:
        assert (await (await browser.get("/api/auth/session", Cookie=jar)).json()) is None
    assert (await (await browser.get("/api/auth/session")).json())["user"]["name"] == "Ada Lovelace"


async def test_what_is_no_session_of_ours_is_left_to_whose_it_is(site, browser):
    """Another app of the parent domain may speak Auth.js too: its cookie has the same name, and no secret of ours opens it."""
    fields = await fields_of(browser)
    own = await signed_in(site, "ada")
    carried = f"authjs.csrf-token={browser.cookies['authjs.csrf-token']}; authjs.session-token=somebody-elses; {own}"
    answer = await browser.post(SIGN_OUT, fields, Cookie=carried)
    assert answer.headers["X-Gateway-Reason"] == "signed-out"
    assert not [line for line in answer.headers.getall("Set-Cookie") if "Domain=" in line]
    assert (await (await browser.get("/api/auth/session", Cookie=own)).json()) is None


async def test_a_header_full_of_sessions_has_a_bound(site, browser):
    """What is looked at is bounded, whatever a client makes up; the one that this site knew the person by is always among it."""
    fields = await fields_of(browser)
    own = await signed_in(site, "ada")
    made_up = "; ".join(f"authjs.session-token=x{number}" for number in range(200))
    carried = f"authjs.csrf-token={browser.cookies['authjs.csrf-token']}; {own}; {made_up}"
    answer = await browser.post(SIGN_OUT, fields, Cookie=carried)
    assert answer.headers["X-Gateway-Reason"] == "signed-out"
    assert (await (await browser.get("/api/auth/session", Cookie=own)).json()) is None
    looked_at = site.gateway.sessions.carried_in(CookieHeader.parse([carried]))
    assert len(looked_at) <= 33
