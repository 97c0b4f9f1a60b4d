"""`POST callback/ID`, from outside."""

from __future__ import annotations

import asyncio
import json
import logging
from datetime import timedelta
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from tests.people import ADA, NOW
from tests.web.auth.browser import HOST, Page
from tests.web.auth.conftest import PASSWORD, People, session_in

CALLBACK = "/api/auth/callback/credentials"


async def test_the_right_password_makes_a_session(site, browser):
    answer = await browser.sign_in()
    assert answer.status == 302
    assert answer.headers["Location"] == "/"
    assert answer.headers["X-Gateway-Reason"] == "signed-in"
    assert answer.headers["Cache-Control"] == "private, no-cache, no-store"
    session = session_in(site, browser)
    assert (session.user.id, session.provider, session.signed_in_at) == ("ada", "credentials", NOW)


async def test_authorize_gets_every_posted_field_as_text(site, browser):
    fields = await browser.open_form() | {"username": "ada", "password": PASSWORD, "remember": "1"}
    await browser.post(f"{CALLBACK}?tenant=blue", fields, User_Agent="a test")
    asked = site.provider.asked[-1]
    assert asked.fields == fields
    assert asked.query == {"tenant": "blue"}
    assert asked.url == f"http://{HOST}{CALLBACK}?tenant=blue"
    assert asked.headers["user-agent"] == "a test"


async def test_json_is_read_as_well_as_a_form(site, browser):
    fields = await browser.open_form()
    body = {"username": "ada", "password": PASSWORD, "csrfToken": fields["csrfToken"], "redirect": False, "n": 7, "none": None}
    headers = {"Content-Type": "application/json; charset=UTF-8", "X-Auth-Return-Redirect": "1", "Sec-Fetch-Mode": "cors"}
    answer = await browser.send("POST", CALLBACK, headers=headers, data=json.dumps(body).encode())
    assert answer.status == 200
    assert await answer.json() == {"url": f"http://{HOST}/"}
    assert {key: site.provider.asked[-1].fields.get(key) for key in ("redirect", "n", "none")} == {
        "redirect": "false",
        "n": "7",
        "none": None,
    }


@pytest.mark.parametrize(
    ("name", "password"),
    [
        pytest.param("ada", "wrong", id="wrong-password"),
        pytest.param("nobody", PASSWORD, id="unknown-user"),
        pytest.param("eve", PASSWORD, id="disabled-user"),
        pytest.param("ada", "", id="empty-password"),
        pytest.param("ada", f"{PASSWORD} ", id="password-with-a-space-behind"),  # promise 47: exactly as sent
        pytest.param("ada", "p" * 1025, id="password-over-the-limit"),
        pytest.param("a" * 257, PASSWORD, id="user-name-over-the-limit"),
    ],
)
async def test_whatever_is_wrong_the_answer_is_the_same(site, browser, name, password):
    """Promise 45."""
    answer = await browser.sign_in(name, password, path="/api/auth/signin?callbackUrl=/reports")
    assert answer.status == 302
    location = urlsplit(answer.headers["Location"])
    query = parse_qs(location.query)
    assert location.path == "/api/auth/signin"
    assert (query["error"], query["code"]) == (["CredentialsSignin"], ["credentials"])
    assert sorted(query) == ["code", "error", "filled", "returnTo"]
    assert answer.headers["X-Gateway-Reason"] == "credentials-wrong"
    assert "Set-Cookie" not in answer.headers
    assert sorted(answer.headers) == sorted((await browser.sign_in("bob", "wrong")).headers)
    assert len(site.provider.asked) == (1 if len(name) > 256 or len(password) > 1024 else 2)


@pytest.mark.parametrize("length", [pytest.param(1023, id="below"), pytest.param(1024, id="at-the-limit")])
async def test_long_passwords_reach_the_provider_whole(site, browser, length):
    """Promise 47."""
    await browser.sign_in("ada", "é" * (length // 2) + "p" * (length % 2))
    assert len(site.provider.asked[-1].fields["password"].encode()) == length


async def test_a_client_that_asks_for_json_is_told_of_a_wrong_password_as_auth_js_does(site, browser):
    fields = await browser.open_form() | {"username": "ada", "password": "wrong"}
    answer = await browser.post(CALLBACK, {k: v for k, v in fields.items() if k != "returnTo"}, X_Auth_Return_Redirect="1")
    assert answer.status == 200
    assert await answer.json() == {"url": f"http://{HOST}/api/auth/signin?error=CredentialsSignin&code=credentials"}


async def test_after_a_failure_the_form_keeps_the_name_and_the_target_but_no_password(site, browser):
    failed = await browser.sign_in("ada", "hunter2", path="/api/auth/signin?callbackUrl=/reports%3Fx%3D1")
    page = Page(await (await browser.get(failed.headers["Location"])).text())
    form = page.form_to(CALLBACK)
    assert form.inputs["username"]["value"] == "ada"
    assert "value" not in form.inputs["password"]
    assert form.inputs["password"]["aria-describedby"] == "sign-in-error"
    assert "autofocus" in form.inputs["password"]
    assert page.with_id("sign-in-error")["role"] == "alert"
    assert "Check the details you provided" in page.text
    assert "hunter2" not in failed.headers["Location"] + page.text
    done = await browser.post(CALLBACK, form.values | {"password": PASSWORD})
    assert done.headers["Location"] == "/reports?x=1"


async def test_a_filled_form_opens_only_in_the_browser_that_typed_it(site, browser):
    failed = await browser.sign_in("ada", "wrong")
    other = site.browser()
    page = Page(await (await other.get(failed.headers["Location"])).text())
    assert "value" not in page.form_to(CALLBACK).inputs["username"]


class TestWhereItEnds:
    async def test_two_tabs_end_at_their_own_pages(self, site, browser):
        first = await browser.open_form("/api/auth/signin?callbackUrl=%2Ffirst")
        second = await browser.open_form("/api/auth/signin?callbackUrl=%2Fsecond")
        entered = {"username": "ada", "password": PASSWORD}
        assert (await browser.post(CALLBACK, first | entered)).headers["Location"] == "/first"
        assert (await browser.post(CALLBACK, second | entered)).headers["Location"] == "/second"

    async def test_a_tab_that_asked_for_nothing_does_not_end_at_another_tabs_page(self, site, browser):
        plain = await browser.open_form()
        await browser.open_form("/api/auth/signin?callbackUrl=%2Fother")
        answer = await browser.post(CALLBACK, plain | {"username": "ada", "password": PASSWORD})
        assert answer.headers["Location"] == "/"

    async def test_the_cookie_is_the_fallback_of_forms_that_carry_no_target(self, site, browser):
        fields = await browser.open_form("/api/auth/signin?callbackUrl=%2Freports")
        assert browser.cookies["authjs.callback-url"] == quote(f"http://{HOST}/reports", safe="")
        del fields["returnTo"]
        answer = await browser.post(CALLBACK, fields | {"username": "ada", "password": PASSWORD})
        assert answer.headers["Location"] == f"http://{HOST}/reports"
        assert "authjs.callback-url" not in browser.cookies

    @pytest.mark.parametrize(
        ("body", "query", "expected"),
        [
            pytest.param("/body", "/query", "/body", id="the-body-before-the-query"),
            pytest.param(None, "/query", "/query", id="the-query-before-the-form"),
            pytest.param("https://evil.example", "/query", "/query", id="a-refused-one-is-passed-over"),
            pytest.param("https://evil.example", None, "/form", id="then-the-form"),
        ],
    )
    async def test_the_first_that_may_be_taken_wins(self, site, browser, body, query, expected):
        fields = await browser.open_form("/api/auth/signin?callbackUrl=%2Fform") | {"username": "ada", "password": PASSWORD}
        if body:
            fields["callbackUrl"] = body
        answer = await browser.post(f"{CALLBACK}?callbackUrl={query}" if query else CALLBACK, fields)
        assert (answer.status, answer.headers["Location"]) == (302, expected)

    async def test_a_rule_about_the_page_that_was_asked_for_wins_over_it(self, open_site):
        upstream = {"name": "app", "url": "http://127.0.0.1:1"}
        route = {"name": "home", "path": "/home/**", "access": "signed-in", "upstream": "app"}
        rules = [{"when": {"role": "admin", "route": "home"}, "to": "/admin"}]
        site = await open_site(settings={"upstreams": [upstream], "routes": [route], "redirects": {"rules": rules}})
        for asked, location in (("/home/x", "/admin"), ("/other", "/other")):
            browser = site.browser()
            answer = await browser.sign_in(path=f"/api/auth/signin?callbackUrl={asked}")
            assert (answer.status, answer.headers["Location"]) == (302, location)

    @pytest.mark.parametrize(
        ("asked", "location"),
        [("https://a.preview.example.com/x", "https://a.preview.example.com/x"), ("https://preview.example.com/x", "/")],
    )
    async def test_an_origin_may_be_allowed_by_a_pattern(self, open_site, asked, location):
        site = await open_site(settings={"redirects": {"allowed_origins": ["https://*.preview.example.com"]}})
        answer = await site.browser().sign_in(path=f"/api/auth/signin?callbackUrl={asked}")
        assert (answer.status, answer.headers["Location"]) == (302, location)

    async def test_rules_and_the_default_come_last(self, open_site):
        redirects = {"after_sign_in": "/home", "rules": [{"when": {"role": "admin"}, "to": "/admin"}]}
        site = await open_site(settings={"redirects": redirects})
        assert (await site.browser().sign_in("ada")).headers["Location"] == "/admin"
        assert (await site.browser().sign_in("bob")).headers["Location"] == "/home"
        assert (await site.browser().sign_in("ada", path="/api/auth/signin?callbackUrl=/x")).headers["Location"] == "/x"

    async def test_an_allowed_origin_is_kept_and_the_policy_of_the_page_lets_the_form_end_there(self, open_site):
        site = await open_site(settings={"redirects": {"allowed_origins": ["https://other.example.com"]}})
        browser = site.browser()
        page = await browser.get("/api/auth/signin?callbackUrl=https://other.example.com/x")
        assert "form-action 'self' https://other.example.com" in page.headers["Content-Security-Policy"]
        answer = await browser.sign_in(path="/api/auth/signin?callbackUrl=https://other.example.com/x")
        assert answer.headers["Location"] == "https://other.example.com/x"

    async def test_a_sealed_target_that_is_out_of_date_is_not_used(self, site, browser):
        fields = await browser.open_form("/api/auth/signin?callbackUrl=%2Fold")
        browser.cookies.pop("authjs.callback-url")
        site.clock.forward(timedelta(hours=1))
        assert (await browser.post(CALLBACK, fields | {"username": "ada", "password": PASSWORD})).headers["Location"] == "/"


class TestCrossSite:
    """Promises 32 and 33."""

    @pytest.mark.parametrize(
        "headers",
        [
            pytest.param({"Origin": "https://evil.example"}, id="foreign-origin"),
            pytest.param({"Origin": f"https://{HOST}"}, id="own-host-with-another-scheme"),
            pytest.param({"Origin": f"http://{HOST}.evil.example"}, id="look-alike-origin"),
            pytest.param({"Origin": "null", "Sec-Fetch-Site": "cross-site"}, id="sandboxed"),
            pytest.param({"Origin": "null", "Sec-Fetch-Site": None}, id="null-origin-alone"),
            pytest.param({"Sec-Fetch-Site": "cross-site"}, id="cross-site"),
            pytest.param({"Sec-Fetch-Site": "same-site"}, id="sibling-subdomain"),
        ],
    )
    @pytest.mark.parametrize("path", [CALLBACK, "/api/auth/signout"])
    async def test_another_site_is_refused_even_with_a_good_token(self, site, browser, headers, path):
        fields = await browser.open_form() | {"username": "ada", "password": PASSWORD}
        answer = await browser.post(path, fields, **headers)
        assert answer.status == 403
        assert answer.headers["X-Gateway-Reason"] == "cross-site"
        assert "Set-Cookie" not in answer.headers
        assert site.provider.asked == []

    async def test_a_client_that_is_no_browser_needs_only_the_token(self, site, browser):
        fields = await browser.open_form() | {"username": "ada", "password": PASSWORD}
        answer = await browser.post(CALLBACK, fields, Origin=None, Sec_Fetch_Site=None, Sec_Fetch_Mode=None)
        assert (answer.status, answer.headers["X-Gateway-Reason"]) == (302, "signed-in")

    @pytest.mark.parametrize(
        "change",
        [
            pytest.param(lambda fields: fields.pop("csrfToken"), id="missing"),
            pytest.param(lambda fields: fields.update(csrfToken=""), id="empty"),
            pytest.param(lambda fields: fields.update(csrfToken="0" * 64), id="forged"),
            pytest.param(lambda fields: fields.update(csrfToken="é"), id="not-even-ascii"),
        ],
    )
    async def test_without_the_right_token_nobody_is_asked(self, site, browser, change):
        fields = await browser.open_form("/api/auth/signin?callbackUrl=/kept") | {"username": "ada", "password": PASSWORD}
        change(fields)
        answer = await browser.post(CALLBACK, fields)
        assert answer.status == 302
        assert answer.headers["X-Gateway-Reason"] == "csrf-mismatch"
        assert "error=MissingCSRF" in answer.headers["Location"]
        assert site.provider.asked == []
        page = Page(await (await browser.get(answer.headers["Location"])).text())
        assert "You will continue to /kept" in page.text
        assert "out of date" in page.text

    async def test_a_token_in_the_query_does_not_count(self, site, browser):
        fields = await browser.open_form() | {"username": "ada", "password": PASSWORD}
        token = fields.pop("csrfToken")
        answer = await browser.post(f"{CALLBACK}?csrfToken={token}", fields)
        assert answer.headers["X-Gateway-Reason"] == "csrf-mismatch"

    async def test_another_browsers_token_does_not_count(self, site, browser):
        await browser.open_form()
        fields = await site.browser().open_form() | {"username": "ada", "password": PASSWORD}
        assert (await browser.post(CALLBACK, fields)).headers["X-Gateway-Reason"] == "csrf-mismatch"

    async def test_a_token_given_twice_is_refused(self, site, browser):
        fields = await browser.open_form()
        data = f"csrfToken={fields['csrfToken']}&csrfToken={fields['csrfToken']}&username=ada&password=x".encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Origin": browser.origin}
        answer = await browser.send("POST", CALLBACK, headers=headers, data=data)
        assert (answer.status, answer.headers["X-Gateway-Reason"]) == (400, "credentials-malformed")


class TestNewSession:
    async def test_every_sign_in_makes_a_new_token_and_a_planted_one_does_not_survive(self, site, browser):
        """Promise 37."""
        await browser.sign_in("bob")
        planted = dict(browser.cookies)
        await browser.sign_in("ada")
        assert session_in(site, browser).user.id == "ada"
        assert browser.cookies["authjs.session-token"] != planted["authjs.session-token"]

    async def test_a_failed_attempt_leaves_the_session_alone(self, site, browser):
        await browser.sign_in("bob")
        before = browser.cookies["authjs.session-token"]
        await browser.sign_in("ada", "wrong")
        assert browser.cookies["authjs.session-token"] == before

    async def test_an_account_that_fits_no_cookie_is_refused_by_name(self, site, browser):
        """Promise 36."""
        answer = await browser.sign_in("large")
        assert (answer.status, answer.headers["X-Gateway-Reason"]) == (403, "session-too-large")
        assert session_in(site, browser) is None

    async def test_an_account_that_no_header_can_carry_is_refused_by_name(self, open_site):
        """Promise 18."""
        people = People(users={"ada": ADA.__class__(id="ada", claims={"nested": {"a": 1}})})
        site = await open_site(providers=[people], settings={"headers": {"set": {"X-Nested": "{user.nested}"}}})
        answer = await site.browser().sign_in()
        assert (answer.status, answer.headers["X-Gateway-Reason"]) == (403, "identity-unencodable")

    async def test_on_https_the_cookies_are_secure_and_prefixed(self, open_site):
        """Promise 36."""
        site = await open_site(public_url=f"https://{HOST}")
        browser = site.browser()
        answer = await browser.sign_in(path="/api/auth/signin?callbackUrl=/x")
        assert answer.status == 302
        lines = answer.headers.getall("Set-Cookie")
        assert any(line.startswith("__Secure-authjs.session-token=ey") for line in lines)
        assert all("; HttpOnly; Secure; SameSite=Lax" in line and "; Path=/" in line and "Domain" not in line for line in lines)
        assert "__Host-authjs.csrf-token" in browser.cookies
        assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"


class TestUnavailable:
    @pytest.mark.parametrize(
        ("name", "reason", "retry_after"),
        [pytest.param("unavailable", "provider-unavailable", "5", id="gone"), pytest.param("busy", "sign-in-busy", "7", id="queue-full")],
    )
    async def test_no_answer_is_503_and_no_failure(self, site, browser, name, reason, retry_after):
        for _ in range(12):
            answer = await browser.sign_in(name)
            assert (answer.status, answer.headers["X-Gateway-Reason"], answer.headers["Retry-After"]) == (503, reason, retry_after)
        assert "database" not in await answer.text()


class TestLimits:
    """Promise 46."""

    async def test_after_ten_failures_the_address_waits(self, site, browser, caplog):
        for _ in range(9):
            assert (await browser.sign_in("ada", "wrong")).headers["X-Gateway-Reason"] == "credentials-wrong"
        assert (await browser.sign_in("ada")).headers["X-Gateway-Reason"] == "signed-in"
        assert (await browser.sign_in("bob", "wrong")).headers["X-Gateway-Reason"] == "credentials-wrong"
        asked = len(site.provider.asked)
        answer = await browser.sign_in("ada")
        assert (answer.status, answer.headers["X-Gateway-Reason"], answer.headers["Retry-After"]) == (429, "sign-in-limited", "300")
        assert len(site.provider.asked) == asked
        site.clock.forward(timedelta(minutes=5))
        assert (await browser.sign_in("ada")).headers["X-Gateway-Reason"] == "signed-in"

    async def test_other_addresses_are_not_touched_and_ipv6_counts_by_its_64(self, site, browser):
        async def attempt(address: str, password: str = "wrong") -> str:
            fields = await browser.open_form() | {"username": "ada", "password": password}
            return (await browser.post(CALLBACK, fields, X_Forwarded_For=address)).headers["X-Gateway-Reason"]

        for host in range(10):
            assert await attempt(f"2001:db8:1:2::{host:x}") == "credentials-wrong"
        assert await attempt("2001:db8:1:2:ffff::1", PASSWORD) == "sign-in-limited"
        assert await attempt("2001:db8:1:3::1", PASSWORD) == "signed-in"

    async def test_a_burst_gets_no_more_tries_than_the_limit(self, site):
        browsers = [site.browser() for _ in range(30)]
        answers = await asyncio.gather(*(browser.sign_in("ada", "wrong") for browser in browsers))
        assert len(site.provider.asked) == 10
        assert sorted({answer.status for answer in answers}) == [302, 429]

    async def test_a_class_room_signs_in_at_once(self, site):
        browsers = [site.browser() for _ in range(30)]
        answers = await asyncio.gather(*(browser.sign_in("ada") for browser in browsers))
        assert {answer.headers["X-Gateway-Reason"] for answer in answers} == {"signed-in"}
        assert site.provider.most_at_once <= 10

    async def test_an_account_under_attack_is_slow_but_never_locked(self, site, browser):
        for number in range(20):
            fields = await browser.open_form() | {"username": "ada", "password": "wrong"}
            await browser.post(CALLBACK, fields, X_Forwarded_For=f"192.0.2.{number}")
        assert site.slept == []
        assert (await browser.sign_in("ada")).headers["X-Gateway-Reason"] == "signed-in"
        assert (await browser.sign_in("bob")).headers["X-Gateway-Reason"] == "signed-in"
        assert site.slept == [2.0]

    async def test_a_client_that_reads_addresses_gets_one_with_429(self, open_site):
        site = await open_site(settings={"limits": {"failed_sign_ins_per_address": 1}})
        browser = site.browser()
        await browser.sign_in("ada", "wrong")
        fields = await browser.open_form() | {"username": "ada", "password": PASSWORD}
        answer = await browser.post(CALLBACK, fields, X_Auth_Return_Redirect="1", Sec_Fetch_Mode="cors", Accept="*/*")
        body = await answer.json()
        assert answer.status == 429
        assert (body["error"], body["url"]) == ("sign-in-limited", f"http://{HOST}/api/auth/error?error=sign-in-limited")
        page = await browser.get("/api/auth/error?error=sign-in-limited")
        assert "Too many attempts" in await page.text()


@pytest.mark.parametrize("path", ["/api/auth/callback/nobody", "/api/auth/callback/CREDENTIALS"])
async def test_an_unknown_provider_is_404(site, browser, path):
    answer = await browser.post(path, await browser.open_form())
    assert (answer.status, answer.headers["X-Gateway-Reason"]) == (404, "provider-unknown")


async def test_what_happened_is_in_the_log_and_no_secret_is(site, browser, caplog):
    """Promises 63 to 65."""
    caplog.set_level(logging.INFO)
    await browser.sign_in("ada\r\nsign-in user=root", "hunter2")
    await browser.sign_in("mallory")
    await browser.sign_in("ada", path="/api/auth/signin?callbackUrl=//evil.example")
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("gateway")]
    assert [line.split()[0] for line in lines] == ["sign-in-failed", "sign-in", "return-target-refused", "sign-in"]
    assert "reason=credentials-wrong" in lines[0]
    assert "client=127.0.0.1" in lines[0]
    assert "user=ada" in lines[3]
    text = "\n".join(lines)
    assert len(text.splitlines()) == 4
    assert all(secret not in text for secret in ("hunter2", PASSWORD, "root", browser.cookies["authjs.session-token"], "evil"))
