"""The inspector and `/api/auth/why`, from outside: what is drawn, for whom, and what is never in it."""

from __future__ import annotations

import html
import itertools
import re
import sys
import types
from datetime import timedelta

import pytest

from gateway.web.flows.memory import Flows
from tests.web.auth.browser import Browser, Page
from tests.web.auth.conftest import PASSWORD, Site

CALLBACK = "/api/auth/callback/credentials"
ON = {"inspector": {"enabled": True, "roles": ["admin"]}}
RULES = {"redirects": {"rules": [{"when": {"role": "admin"}, "to": "/admin"}], "after_sign_in": "/home"}}
_names = itertools.count()


@pytest.fixture
def watched(open_site):
    """Open a site whose inspector is on, with these functions as callbacks."""

    async def opened(*, more: dict | None = None, **functions) -> Site:
        settings = ON | RULES | (more or {})
        if functions:
            name = f"callbacks_of_a_watched_site_{next(_names)}"
            sys.modules[name] = module = types.ModuleType(name)
            vars(module).update(functions)
            settings |= {"callbacks": {"module": name}}
        return await open_site(settings=settings)

    return opened


async def text_of(browser: Browser, path: str, status: int = 200) -> str:
    answer = await browser.get(path)
    text = await answer.text()
    assert answer.status == status, text
    return text


async def seen_by_operator(site: Site, path: str = "/api/auth/inspector") -> str:
    """The page as somebody sees it whose own sign-in is not the newest."""
    flows = site.gateway.flows
    site.gateway.__dict__["flows"] = Flows()  # the operator's own sign-in is recorded elsewhere
    operator = site.browser()
    await operator.sign_in()
    site.gateway.__dict__["flows"] = flows
    return await text_of(operator, path)


def titles(page: str) -> list[str]:
    """The steps of the list, in order: lanes, then title."""
    steps = re.findall(r"<h3>(<span class=\"lanes\">.*?)</h3>", page, re.DOTALL)
    bare = (re.sub(r"<span class=\"hidden\">.*?</span>|<.*?>", "", step) for step in steps)
    return [html.unescape(" ".join(step.split())) for step in bare]


async def test_a_good_sign_in_is_told_step_by_step(watched):
    site = await watched()
    browser = site.browser()
    await browser.sign_in(path="/api/auth/signin?callbackUrl=/reports")
    page = await text_of(browser, "/api/auth/why")
    assert titles(page) == [
        "Browser → Gateway GET /api/auth/signin",
        "Gateway → Browser 200 the sign-in page",
        "Browser → Gateway POST /api/auth/callback/credentials",
        "Gateway from our own page",
        "Gateway csrf token fits",
        "Gateway within the limits",
        "Gateway → Provider authorize(username, password)",
        "Provider → Gateway yes: Ada Lovelace",
        "Gateway → Session claims of the user: 7",
        *[title for title in titles(page) if title.startswith("Session encrypt →")],
        "Gateway redirect → /reports",
        "Gateway → Browser 302 → /reports",
    ]
    text = Page(page).text
    assert "You signed in as Ada Lovelace, and were sent to /reports" in text
    assert "Because: it is the page that was asked for" in text
    assert re.search(r"sets\s+authjs.session-token · \d+\s+bytes · HttpOnly", text)
    assert "redirects.rules[1] (role admin) was not needed" in text
    assert "department not shown here" in text
    assert "engines" not in text


async def test_a_rule_that_wins_is_named_with_the_reasons_of_those_that_lost(watched):
    site = await watched()
    browser = site.browser()
    await browser.post(
        CALLBACK, await browser.open_form() | {"username": "ada", "password": PASSWORD, "callbackUrl": "https://evil.example/"}
    )
    text = Page(await text_of(browser, "/api/auth/why")).text
    assert "and were sent to /admin" in text
    assert "redirects.rules[1] (role admin) decided: /admin" in text
    assert "callbackUrl in the form was not taken: it leads to another site" in text
    assert "return-foreign-origin" in text


async def test_what_the_sign_in_page_would_not_keep_is_named_with_the_reason(watched, caplog):
    """The random page: an app asked for one that may not be taken, and nothing told anybody."""
    site = await watched()
    browser = site.browser()
    await browser.sign_in(path="/api/auth/signin?callbackUrl=https://evil.example/")
    page = Page(await text_of(browser, "/api/auth/why")).text
    assert "callbackUrl in the address of the sign-in was not taken: it leads to another site" in page
    assert "redirects.rules[1] (role admin) decided: /admin" in page
    assert "not taken callbackUrl in the query: return-foreign-origin" in page
    other = site.browser()
    wrong = await other.sign_in("bob", "wrong", path="/api/auth/signin?callbackUrl=https://evil.example/")
    await other.sign_in("bob", path=wrong.headers["Location"])  # a slip in between does not lose it
    assert "what was asked for may not be taken, and the configuration says where else" in await text_of(other, "/api/auth/why")


async def test_it_is_named_also_where_the_cookie_of_an_earlier_visit_won(watched, caplog):
    site = await watched()
    browser = site.browser()
    await browser.get("/api/auth/signin?callbackUrl=/old")
    with caplog.at_level("INFO"):
        await browser.sign_in(path="/api/auth/signin?callbackUrl=https://evil.example/")
    page = Page(await text_of(browser, "/api/auth/why")).text
    assert "callbackUrl in the address of the sign-in was not taken: it leads to another site" in page
    assert "the callback-url cookie of this browser decided: /old" in page
    refused = [record.getMessage() for record in caplog.records if "return-target-refused" in record.getMessage()]
    assert len(refused) == 1


async def test_a_target_that_an_earlier_visit_left_behind_is_named_as_such(watched):
    """The random page: somebody asked for it once, and its cookie is still there."""
    site = await watched()
    browser = site.browser()
    await browser.get("/api/auth/signin?callbackUrl=/old")
    await browser.sign_in()
    text = Page(await text_of(browser, "/api/auth/why")).text
    assert "were sent to /old" in text
    assert "an earlier visit of this browser asked for it" in text
    assert "the callback-url cookie of this browser decided: /old" in text


async def test_a_wrong_password_tells_the_person_nothing_that_the_page_did_not_and_the_operator_why(watched):
    """Promise 45."""
    site = await watched()
    pages = []
    for name in ("ada", "nobody", "eve"):
        browser = site.browser()
        await browser.sign_in(name, "hunter2-hunter2")
        page = await text_of(browser, "/api/auth/why")
        assert titles(page)[-2:] == ["Provider → Gateway no: not these", "Gateway → Browser 302 → /api/auth/signin"]
        pages.append(re.sub(r"[\d.]+\s(?:ms|s)\b", "TIME", Page(page).text))
        assert "Lovelace" not in page
    assert len({len(page) for page in pages}) <= 2 and all(
        word not in "".join(pages) for word in ("wrong-password", "unknown-user", "disabled")
    )
    assert "disabled" in await seen_by_operator(site)


async def test_the_form_leads_to_the_explanation_after_a_failure_and_only_then(watched, site):
    for opened, shown in ((await watched(), True), (site, False)):
        browser = opened.browser()
        assert "/api/auth/why" not in await text_of(browser, "/api/auth/signin")
        failed = await browser.sign_in("ada", "wrong")
        assert ('href="/api/auth/why"' in await text_of(browser, failed.headers["Location"])) is shown


async def test_on_https_it_is_the_same_with_secure_cookies(open_site):
    site = await open_site(settings=ON, public_url="https://app.example.com")
    browser = site.browser()
    answer = await browser.sign_in()
    (line,) = [line for line in answer.headers.getall("Set-Cookie") if "auth-gateway.flow" in line]
    assert line.startswith("__Secure-auth-gateway.flow=")
    assert "; Secure" in line
    text = Page(await text_of(browser, "/api/auth/why")).text
    assert "You signed in as Ada Lovelace" in text
    assert "sets\xa0__Secure-authjs.session-token" in await text_of(browser, "/api/auth/why")


async def test_a_callback_that_raises_is_named_with_its_traceback_for_operators_alone(watched):
    def jwt(*, token, **_):
        secret_of_the_callback = "local-" + token["sub"]
        raise LookupError(f"no row for {secret_of_the_callback}")

    site = await watched(jwt=jwt)
    browser = site.browser()
    await browser.sign_in()
    own = await text_of(browser, "/api/auth/why")
    assert "You could not sign in: a callback failed" in Page(own).text
    assert "Gateway jwt() gave no answer" in titles(own)
    assert "LookupError" not in own
    for flow in site.gateway.flows:
        private = [f"{fact.label} {fact.value}" for step in flow.steps for fact in step.private]
        assert "callback jwt" in private
        assert "raised LookupError" in private
        assert any(re.fullmatch(r"at test_pages.py:\d+ in jwt", line) for line in private)
        assert "local-ada" not in str(flow)


@pytest.mark.parametrize(("verdict", "words"), [(False, "not let in"), ("/sorry", "not let in")])
async def test_a_callback_that_refuses_is_told(watched, verdict, words):
    site = await watched(sign_in=lambda **_: verdict)
    browser = site.browser()
    await browser.sign_in()
    page = await text_of(browser, "/api/auth/why")
    assert f"You could not sign in: {words}" in Page(page).text
    assert "Gateway sign_in() says no" in titles(page)


async def test_too_many_attempts_are_told(watched):
    site = await watched(more={"limits": {"failed_sign_ins_per_address": 1}})
    browser = site.browser()
    await browser.sign_in("ada", "wrong")
    assert (await browser.sign_in("ada", "wrong")).status == 429
    page = await text_of(browser, "/api/auth/why")
    assert "Gateway too many attempts" in titles(page)
    assert "sign-in-limited" in page


@pytest.mark.parametrize(
    ("fields", "headers", "step", "reason"),
    [
        pytest.param({"csrfToken": "0" * 64}, {}, "Gateway csrf token does not fit", "csrf-mismatch", id="csrf"),
        pytest.param({}, {"Origin": "https://evil.example"}, "Gateway not taken", "cross-site", id="cross-site"),
        pytest.param({}, {"Content_Type": "text/plain"}, "Gateway not taken", "content-type-refused", id="content-type"),
    ],
)
async def test_what_is_refused_before_anybody_is_asked_is_told(watched, fields, headers, step, reason):
    site = await watched()
    browser = site.browser()
    await browser.post(CALLBACK, await browser.open_form() | {"username": "ada", "password": PASSWORD} | fields, **headers)
    page = await text_of(browser, "/api/auth/why")
    assert step in titles(page)
    assert reason in page
    assert not site.provider.asked


async def test_a_provider_that_gives_no_answer_is_no_wrong_password(watched):
    site = await watched()
    browser = site.browser()
    await browser.sign_in("unavailable")
    page = await text_of(browser, "/api/auth/why")
    assert "Provider → Gateway no answer" in titles(page)
    assert "provider-unavailable" in page


async def test_a_fault_of_ours_is_told_and_its_words_are_not(watched):
    site = await watched()

    async def authorize(credentials):
        raise RuntimeError(f"can't look up {credentials.fields['password']}")

    site.provider.authorize = authorize
    browser = site.browser()
    assert (await browser.sign_in()).status == 500
    page = await text_of(browser, "/api/auth/why")
    assert "Gateway a fault of the gateway" in titles(page)
    assert "internal-error" in page
    assert "RuntimeError" not in page
    (flow,) = site.gateway.flows
    assert "RuntimeError" in str(flow)
    assert PASSWORD not in str(flow)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("", ["redirects.after_sign_out decided: /bye"]),
        ("/later", ["callbackUrl in the form decided: /later", "redirects.after_sign_out was not needed"]),
        (
            "https://evil.example/",
            ["callbackUrl in the form was not taken: it leads to another site", "redirects.after_sign_out decided: /bye"],
        ),
    ],
)
async def test_where_a_sign_out_ends_is_told(watched, asked, words):
    site = await watched(more={"redirects": {"after_sign_out": "/bye"}})
    browser = site.browser()
    await browser.sign_in()
    token = Page(await text_of(browser, "/api/auth/signout")).form_to("/api/auth/signout").values["csrfToken"]
    await browser.post("/api/auth/signout", {"csrfToken": token} | ({"callbackUrl": asked} if asked else {}))
    page = await text_of(browser, "/api/auth/why")
    assert [said for said in words if said not in Page(page).text] == []
    assert any(title.startswith("Gateway redirect →") for title in titles(page))


async def test_a_sign_out_is_told_and_the_sign_in_before_it_is_not_for_whoever_comes_next(watched):
    site = await watched()
    browser = site.browser()
    await browser.sign_in()
    form = Page(await text_of(browser, "/api/auth/signout")).form_to("/api/auth/signout").values
    await browser.post("/api/auth/signout", form)
    page = await text_of(browser, "/api/auth/why")
    assert "You signed out" in Page(page).text
    assert "Gateway → Session end the sign-in" in titles(page)
    assert "Ada" not in page
    await browser.sign_in("bob")
    text = Page(await text_of(browser, "/api/auth/why")).text
    assert "You signed in as Bob" in text
    assert "Ada" not in text


class TestWhoSeesWhat:
    async def test_two_persons_never_see_each_others(self, watched):
        site = await watched()
        ada, bob, stranger = site.browser(), site.browser(), site.browser()
        codes = {}
        for browser, name in ((ada, "ada"), (bob, "bob")):
            await browser.sign_in(name)
            codes[name] = next(iter(site.gateway.flows)).code
            # This site gives every request the same id; a running one makes 64 random bits for each.
        for browser, own, others in ((ada, "Ada Lovelace", "Bob"), (bob, "Bob", "Ada Lovelace")):
            for path in ("/api/auth/why", f"/api/auth/why?code={codes['ada']}", f"/api/auth/why?code={codes['bob']}"):
                text = Page(await text_of(browser, path)).text
                assert others not in text, path
                assert own in text, path
        for path in ("/api/auth/why", f"/api/auth/why?code={codes['ada']}"):
            text = Page(await text_of(stranger, path)).text
            assert "Nothing to tell yet" in text
            assert not {"Ada", "Bob"} & set(text.split())

    async def test_a_cookie_of_somebody_else_or_of_nobody_ties_to_nothing(self, watched):
        site = await watched()
        browser, other = site.browser(), site.browser()
        await browser.sign_in()
        tie = browser.cookies["auth-gateway.flow"]
        for value in (
            tie[:-2],
            tie.swapcase(),
            "x",
            "",
            "A" * 5000,
            site.gateway.sealer.seal("{}", purpose="return-to", expires=site.clock.now),
        ):
            other.cookies = {"auth-gateway.flow": value}
            assert "Nothing to tell yet" in Page(await text_of(other, "/api/auth/why")).text

    async def test_a_cookie_that_was_put_into_somebody_elses_browser_shows_nobody_anything(self, watched):
        """A sibling domain may do that; it can't put a csrf cookie there as well, which is `__Host-` on https."""
        site = await watched()
        mallory, victim = site.browser(), site.browser()
        await mallory.sign_in("bob")
        await victim.get("/api/auth/signin")
        victim.cookies["auth-gateway.flow"] = mallory.cookies["auth-gateway.flow"]
        await victim.sign_in("ada", "a-wrong-password", path="/api/auth/signin?callbackUrl=/secret-page")
        seen = await text_of(mallory, "/api/auth/why")
        assert "You signed in as Bob" in Page(seen).text
        assert "/secret-page" not in seen and "wrong name" not in seen
        own = Page(await text_of(victim, "/api/auth/why")).text
        assert "You could not sign in: wrong name or password" in own and "Bob" not in own

    async def test_the_cookies_are_short_lived_http_only_and_for_our_own_pages_alone(self, watched):
        site = await watched()
        answer = await site.browser().get("/api/auth/signin")
        (line,) = [line for line in answer.headers.getall("Set-Cookie") if line.startswith("auth-gateway.")]
        assert line.partition("; ")[2] == "Max-Age=900; Path=/api/auth; HttpOnly; SameSite=Lax"
        assert site.gateway.sessions.owns("auth-gateway.flow") and site.gateway.sessions.owns("__Secure-auth-gateway.note")

    @pytest.mark.parametrize(
        ("roles", "who", "status", "reason"),
        [
            pytest.param(["admin"], None, 401, "session-missing", id="nobody"),
            pytest.param(["admin"], "bob", 403, "role-missing", id="another-role"),
            pytest.param([], "ada", 403, "role-missing", id="no-role-is-named"),
            pytest.param(["admin"], "ada", 200, "own-endpoint", id="the-role"),
            pytest.param(["*"], "bob", 200, "own-endpoint", id="everybody"),
        ],
    )
    @pytest.mark.parametrize("path", ["/api/auth/inspector", "/api/auth/inspector/0123456789abcdef", "/api/auth/inspector/live"])
    async def test_only_the_roles_that_are_named_may_look(self, watched, roles, who, status, reason, path):
        site = await watched(more={"inspector": {"enabled": True, "roles": roles}})
        browser = site.browser()
        if who is not None:
            await browser.sign_in(who)
        if status == 200 and path.endswith("live"):
            return  # a stream: tests/web/flows/test_running.py
        answer = await browser.get(path)
        assert answer.status == (404 if status == 200 and path.endswith("f") else status)
        assert answer.headers.get("X-Gateway-Reason", "own-endpoint") == reason
        assert status == 200 or "Ada Lovelace" not in await answer.text()

    @pytest.mark.parametrize(
        "path", ["/api/auth/inspector", "/api/auth/inspector/0123456789abcdef", "/api/auth/inspector/live", "/api/auth/why"]
    )
    async def test_switched_off_it_says_what_to_switch_on(self, site, path):
        browser = site.browser()
        await browser.sign_in()
        text = await text_of(browser, path, 404)
        assert "enabled = true in the section [inspector]" in Page(text).text
        assert "inspector-off" in text


async def test_switched_off_nothing_is_recorded_and_nothing_is_set(site, browser):
    await browser.sign_in("ada", "wrong")
    await browser.sign_in()
    await browser.get("/error-page?reason=role-missing&status=403")
    assert list(site.gateway.flows) == []
    assert not [name for name in browser.cookies if name.startswith("auth-gateway")]


async def test_an_error_page_leads_to_its_own_explanation(watched):
    site = await watched()
    browser = site.browser()
    page = await text_of(browser, "/error-page?reason=role-missing&status=403&token=hunter2", 403)
    link = re.search(r'href="(/api/auth/why\?code=[0-9a-f]{16})"', page)
    assert link is not None
    text = await text_of(browser, link[1])
    assert "your account does not have the role" in text
    assert titles(text) == ["Browser → Gateway GET /error-page?reason=…&status=…&token=…", "Gateway → Browser 403 an error page"]
    assert "hunter2" not in text
    assert "Nothing to tell yet" in await text_of(site.browser(), link[1])


NOTE, TIE, CSRF = "__Secure-auth-gateway.note", "__Secure-auth-gateway.flow", "__Host-authjs.csrf-token"
HTTPS = {"server": {"public_url": "https://app.example.com"}}


async def plant(cookie: str, mallory: Browser, victim: Browser) -> None:
    """A sibling domain can set every cookie but those with the prefix __Host-, and its own comes first if its path is longer."""
    assert not cookie.startswith("__Host-")
    victim.cookies[cookie] = mallory.cookies[cookie]


@pytest.mark.parametrize("before", [False, True], ids=["a-new-browser", "one-that-was-here"])
async def test_a_note_of_another_browser_says_nothing_here(watched, before):
    """It would name a person who is not signed in here, and a page that nobody here asked for."""
    site = await watched(more=HTTPS)
    mallory, victim = site.browser(), site.browser()
    await mallory.sign_in("mallory")
    page = await text_of(mallory, "/error-page?reason=role-missing&status=403", 403)
    assert re.search(r"signed in as</dt><dd>Mallory", await text_of(mallory, f"/api/auth/why{code_in(page)}"))
    if before:
        await victim.open_form()
    await plant(NOTE, mallory, victim)
    for address in ("/api/auth/why", f"/api/auth/why{code_in(page)}"):
        text = await text_of(victim, address)
        assert "Mallory" not in text
        assert "/error-page" not in text
        assert "Nothing to tell yet" in text


async def test_an_attempt_that_came_without_a_csrf_cookie_is_found_by_its_browser_and_by_no_other(watched):
    site = await watched(more=HTTPS)
    mallory, victim = site.browser(), site.browser()
    fields = await mallory.open_form("/api/auth/signin?callbackUrl=/call-this-number") | {"username": "ada", "password": PASSWORD}
    del mallory.cookies[CSRF]
    assert (await mallory.post(CALLBACK, fields)).headers["X-Gateway-Reason"] == "csrf-mismatch"
    assert "form out of date" in await text_of(mallory, "/api/auth/why")
    await victim.open_form()
    await plant(TIE, mallory, victim)
    assert "Nothing to tell yet" in await text_of(victim, "/api/auth/why")
    del victim.cookies[CSRF]
    assert "Nothing to tell yet" in await text_of(victim, "/api/auth/why")


def code_in(page: str) -> str:
    """The query with the code in the link of an error page."""
    found = re.search(r'href="/api/auth/why(\?code=[0-9a-f]{16})', page)
    assert found is not None
    return found[1]


async def test_the_page_of_a_circle_leads_to_what_the_gateway_saw_in_it(watched):
    site = await watched()
    browser = site.browser()
    page = "/api/auth/signin?callbackUrl=%2Freports"
    for _ in range(2):
        assert (await browser.sign_in(path=page)).headers["Location"] == "/reports"
        del browser.cookies["authjs.session-token"]
        answer = await browser.get(page)
    assert answer.headers["X-Gateway-Reason"] == "sign-in-loop"
    text = await text_of(browser, f"/api/auth/why{code_in(await answer.text())}")
    assert "You could not sign in: the sign-in goes in circles" in Page(text).text
    assert titles(text) == [
        "Browser → Gateway POST /api/auth/callback/credentials",
        "Gateway → Browser 302 → /reports",
        "Browser → Gateway GET /api/auth/signin",
        "Gateway the session was lost twice in a row",
        "Gateway → Browser 400 an error page",
    ]
    assert "sets\N{NO-BREAK SPACE}authjs.session-token" in html.unescape(text)
    assert "Nothing to tell yet" in await text_of(site.browser(), f"/api/auth/why{code_in(await answer.text())}")


async def test_a_circle_without_any_cookie_is_found_by_the_link_alone(watched):
    """No cookie comes back that could say whose it is: the link proves it, for that one attempt and a quarter of an hour."""
    site = await watched()
    browser = site.browser()
    address = "/api/auth/signin?callbackUrl=%2Freports"
    for _ in range(2):
        fields = await browser.open_form(address) | {"username": "ada", "password": PASSWORD}
        browser.cookies.clear()
        answer = await browser.post(CALLBACK, fields)
        address = answer.headers.get("Location", "")
    browser.cookies.clear()
    assert answer.headers["X-Gateway-Reason"] == "sign-in-loop"
    found = re.search(r'href="(/api/auth/why\?code=[0-9a-f]{16})&amp;seen=([\w-]+)"', await answer.text())
    assert found is not None
    text = await text_of(browser, f"{found[1]}&seen={found[2]}")
    assert "You could not sign in: the sign-in goes in circles" in Page(text).text
    assert "Gateway no cookie came back" in titles(text)
    assert "Ada" not in text
    for changed in (found[1], f"{found[1]}&seen={found[2][:-4]}AAAA", f"{found[1]}&seen="):
        assert "Nothing to tell yet" in await text_of(browser, changed)
    site.clock.forward(timedelta(minutes=15))
    assert "Nothing to tell yet" in await text_of(browser, f"{found[1]}&seen={found[2]}")


async def test_each_page_says_by_which_setting_it_is_changed(watched):
    site = await watched()
    browser = site.browser()
    await browser.sign_in()
    text = Page(await text_of(browser, "/api/auth/why")).text
    for setting in ("callbackUrl", "redirects.after_sign_in", "[[redirects.rules]]", "redirects.allowed_origins", "session.max_age",
                    "session.absolute_max_age", "session.update_age", "session.strategy", "[session.expose]", "[headers]"):  # fmt: skip
        assert setting in text


async def test_a_code_of_another_browser_says_so(watched):
    site = await watched()
    browser = site.browser()
    await browser.sign_in("bob")
    text = Page(await text_of(browser, "/api/auth/why?code=ffffffffffffffff")).text
    assert "not of an attempt in this browser" in text
    assert "You signed in as Bob" in text
    text = Page(await text_of(site.browser(), "/api/auth/why?code=ffffffffffffffff")).text
    assert "not of an attempt in this browser" in text
    assert "Bob" not in text


@pytest.mark.parametrize("format", ["authjs-v5", "authjs-v4"])
async def test_no_secret_is_in_any_page_or_flow(watched, format, caplog):
    """Promise 63: by type, so whatever becomes of a sign-in."""
    caplog.set_level("DEBUG")
    local = "local-of-the-callback-5551"

    def jwt(*, token, user=None, **_):
        return {**token, "access_token": "access-token-1234567890", "note": local}

    site = await watched(jwt=jwt, more={"session": {"format": format}})
    secrets = {PASSWORD, "wrong-password-98765", "access-token-1234567890", local, "query-secret-777"}
    browser = site.browser()
    await browser.sign_in("ada", "wrong-password-98765", path="/api/auth/signin?callbackUrl=/reports%3Ftoken%3Dquery-secret-777")
    form = await browser.open_form("/api/auth/signin?callbackUrl=/reports%3Ftoken%3Dquery-secret-777")
    before = dict(browser.cookies)
    await browser.post(CALLBACK, form | {"username": "ada", "password": PASSWORD})
    secrets |= {form["csrfToken"], form["returnTo"], *before.values(), *browser.cookies.values()}
    secrets |= {value.partition("%7C")[2] for value in before.values() if "%7C" in value} - {""}
    log = "\n".join(
        record.getMessage() for record in caplog.records if not record.name.startswith("aiohttp")
    )  # a running one has no such lines
    own, all_of_them = await text_of(browser, "/api/auth/why"), await text_of(browser, "/api/auth/inspector")
    for flow in site.gateway.flows:
        each = await text_of(browser, f"/api/auth/inspector/{flow.id}")
        for secret in (secret for secret in secrets if len(secret) > 8):
            for place in (own, all_of_them, each, repr(flow), log):
                assert secret not in place
    assert "access_token" in own


async def test_no_page_of_it_runs_a_script_that_is_not_its_own(watched):
    """Promise 49."""
    site = await watched()
    browser = site.browser()
    await browser.sign_in()
    answer = await browser.get("/api/auth/inspector")
    policy, text = answer.headers["Content-Security-Policy"], await answer.text()
    nonce = re.search(r"script-src 'nonce-([\w-]+)'; connect-src 'self'", policy)
    assert nonce is not None and re.findall(r"<script([^>]*)>", text) == [f' nonce="{nonce[1]}"']
    assert "default-src 'none'" in policy
    assert not re.search(r"\son\w+=|javascript:|style=", text)
    other = await browser.get("/api/auth/why")
    assert "script-src" not in other.headers["Content-Security-Policy"]
    assert "<script" not in await other.text()


async def test_what_a_user_is_called_is_text_and_nothing_else(watched):
    site = await watched()
    browser = site.browser()
    from dataclasses import replace

    site.provider.users = {"ada": replace(site.provider.users["ada"], name="<script>alert(1)</script>", email='"><svg onload=x>')}
    await browser.sign_in()
    for path in ("/api/auth/why", "/api/auth/inspector"):
        page = await text_of(browser, path)
        assert "<script>alert" not in page and "<svg onload" not in page
        assert "&lt;script&gt;" in page


async def test_the_picture_has_a_name_a_description_and_the_same_as_a_list(watched):
    site = await watched()
    browser = site.browser()
    await browser.sign_in()
    for path in ("/api/auth/why", "/api/auth/inspector"):
        text = await text_of(browser, path)
        page = Page(text)
        pictures = [attributes for tag, attributes in page.tags if tag == "svg" and attributes.get("role") == "img"]
        assert [picture["class"] for picture in pictures] == ["sequence wide", "sequence medium", "sequence narrow"]
        for picture in pictures:
            for name in (picture["aria-labelledby"], picture["aria-describedby"]):
                assert page.with_id(name) is not None
        steps = titles(text)
        numbers = re.findall(r'<g class="badge \w+"[^>]*><circle r="9.5"/><text y="3.8">(\d+)</text>', text)
        assert numbers == [str(number) for number in [*range(1, len(steps) + 1)] * 3]
