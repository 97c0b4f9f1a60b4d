"""`csrf`, `providers`, `session`, `error`, and everything that is none of them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from yarl import URL

from tests.web.auth.browser import HOST
from tests.web.auth.conftest import People

NO_STORE = "private, no-cache, no-store"


async def test_the_token_goes_with_its_cookie(site, browser):
    answer = await browser.get("/api/auth/csrf")
    token = (await answer.json())["csrfToken"]
    assert (answer.status, answer.headers["Cache-Control"]) == (200, NO_STORE)
    assert browser.cookies["authjs.csrf-token"].startswith(f"{token}%7C")
    again = await browser.get("/api/auth/csrf")
    assert (await again.json())["csrfToken"] == token
    assert "Set-Cookie" not in again.headers


async def test_providers_are_listed_in_order_with_absolute_addresses(open_site):
    site = await open_site(providers=[People(id="staff", name="Staff"), People(id="guests", name="Guests")])
    answer = await site.browser().get("/api/auth/providers")
    body = await answer.json()
    assert list(body) == ["staff", "guests"]
    assert body["staff"] == {
        "id": "staff",
        "name": "Staff",
        "type": "credentials",
        "signinUrl": f"http://{HOST}/api/auth/signin/staff",
        "callbackUrl": f"http://{HOST}/api/auth/callback/staff",
    }
    assert "Set-Cookie" not in answer.headers


class TestSession:
    async def test_nobody_is_null(self, site, browser):
        answer = await browser.get("/api/auth/session")
        assert (answer.status, await answer.json(), answer.headers["Cache-Control"]) == (200, None, NO_STORE)
        assert "Set-Cookie" not in answer.headers

    async def test_somebody_is_shown_by_name_address_and_image_only(self, site, browser):
        await browser.sign_in()
        answer = await browser.get("/api/auth/session")
        assert answer.status == 200
        assert await answer.json() == {
            "user": {"name": "Ada Lovelace", "email": "ada@example.com", "image": "https://img.example.com/ada.png"},
            "expires": "2026-11-24T12:00:00.000Z",
        }
        assert "Set-Cookie" not in answer.headers

    async def test_what_is_not_known_is_left_out(self, site, browser):
        await browser.sign_in("bob")
        assert (await (await browser.get("/api/auth/session")).json())["user"] == {"name": "Bob"}

    @pytest.mark.parametrize(("age_s", "renewed"), [pytest.param(299, False, id="young"), pytest.param(300, True, id="old-enough")])
    async def test_it_is_renewed_at_most_every_update_age(self, site, browser, age_s, renewed):
        await browser.sign_in()
        before = browser.cookies["authjs.session-token"]
        site.clock.forward(timedelta(seconds=age_s))
        answer = await browser.get("/api/auth/session")
        assert (await answer.json())["expires"] == ("2026-11-24T12:05:00.000Z" if renewed else "2026-11-24T12:00:00.000Z")
        assert (browser.cookies["authjs.session-token"] != before) is renewed

    @pytest.mark.parametrize("cookie", ["garbage", "a.b.c.d.e", "%ff", ".0"])
    async def test_a_bad_one_is_the_same_as_none_and_cleared(self, site, browser, cookie):
        """Promise 41."""
        browser.cookies["authjs.session-token"] = cookie
        answer = await browser.get("/api/auth/session")
        assert (answer.status, await answer.json()) == (200, None)
        assert "authjs.session-token" not in browser.cookies

    async def test_one_from_the_future_is_none_until_the_clocks_agree_again(self, site, browser):
        """Fault matrix: a clock that steps back; a page that asks meanwhile must not end the session."""
        await browser.sign_in()
        site.clock.forward(-timedelta(minutes=2))
        answer = await browser.get("/api/auth/session")
        assert (answer.status, await answer.json(), "Set-Cookie" in answer.headers) == (200, None, False)
        site.clock.forward(timedelta(minutes=2))
        assert (await (await browser.get("/api/auth/session")).json())["user"]["name"] == "Ada Lovelace"

    async def test_no_other_origin_can_read_it(self, site, browser):
        """Promise 34."""
        await browser.sign_in()
        answer = await browser.get("/api/auth/session", Origin="https://evil.example", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="cors")
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert not [name for name in answer.headers if name.lower().startswith("access-control")]


@pytest.mark.parametrize(
    ("code", "status", "said"),
    [
        ("Configuration", 500, "Server error"),
        ("AccessDenied", 403, "Access denied"),
        ("Verification", 403, "Unable to sign in"),
        ("CredentialsSignin", 200, "Error"),
        ("accessdenied", 200, "Error"),
        ("<b>", 200, "Error"),
        ("sign-in-busy", 200, "Sign-in is very busy"),
        ("", 200, "Error"),
    ],
)
async def test_the_error_page_has_words_for_codes_and_prints_none_it_does_not_know(site, browser, code, status, said):
    answer = await browser.get(f"/api/auth/error?error={code}")
    text = await answer.text()
    assert (answer.status, answer.content_type) == (status, "text/html")
    assert f">{said}</h1>" in text
    assert "<b>" not in text


class TestPaths:
    """Promise 27."""

    @pytest.mark.parametrize(
        "path",
        [
            "/api/auth", "/api/auth/", "/api/auth/nothing", "/api/auth/session/x.css", "/api/auth/session/", "/api/auth//session",
            "/api/auth/session.json", "/api/auth/Session", "/api/auth/sess%69on", "/api/auth/session;x", "/api/auth/callback",
            "/api/auth/callback/", "/api/auth/callback/credentials/", "/api/auth/callback/credentials/x", "/api/auth/static/pages.css",
        ],
    )  # fmt: skip
    @pytest.mark.parametrize("method", ["GET", "POST"])
    async def test_only_exact_paths_are_actions(self, site, browser, path, method):
        answer = await browser.send(method, URL(path, encoded=True), headers={"Accept": "text/html"})
        assert (answer.status, answer.headers["X-Gateway-Reason"]) == (404, "action-unknown")

    @pytest.mark.parametrize("path", ["signin", "signout", "csrf", "providers", "session", "error"])
    async def test_head_is_get_without_a_body(self, site, browser, path):
        head = await browser.send("HEAD", f"/api/auth/{path}", headers={})
        get = await browser.send("GET", f"/api/auth/{path}", headers={})
        assert (head.status, head.content_type) == (get.status, get.content_type)
        assert await head.read() == b""

    @pytest.mark.parametrize(
        ("method", "path", "allow"),
        [
            ("POST", "csrf", "GET, HEAD"),
            ("POST", "signin", "GET, HEAD"),
            ("POST", "error", "GET, HEAD"),
            ("PUT", "signout", "GET, HEAD, POST"),
            ("DELETE", "session", "GET, HEAD, POST"),
            ("OPTIONS", "session", "GET, HEAD, POST"),
            ("GET", "callback/credentials", "POST"),
            ("HEAD", "callback/credentials", "POST"),
        ],
    )
    async def test_other_methods_are_405(self, site, browser, method, path, allow):
        answer = await browser.send(method, f"/api/auth/{path}", headers={})
        assert (answer.status, answer.headers["Allow"], answer.headers["X-Gateway-Reason"]) == (405, allow, "method-refused")
