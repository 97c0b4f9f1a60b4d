"""What the callbacks of `[callbacks]` make of a sign-in, a session and a sign-out: NextAuth's meaning, order and arguments, in both flavours."""

from __future__ import annotations

import itertools
import json
import sys
import types
from datetime import timedelta

import pytest

from gateway.providers.base import Rejected
from gateway.sessions.flavour import FLAVOURS
from tests.web.auth.browser import HOST, Page
from tests.web.auth.conftest import People, session_in

CALLBACK = "/api/auth/callback/credentials"
_names = itertools.count()
BOTH = pytest.mark.parametrize("flavour", FLAVOURS)


@pytest.fixture
def site_with(open_site):
    """Open a site with these functions as callbacks."""

    async def opened(
        *,
        flavour: str = "authjs-v5",
        session_settings: dict | None = None,
        people: People | None = None,
        more: dict | None = None,
        **functions,
    ):
        name = f"callbacks_of_a_site_{next(_names)}"
        module = types.ModuleType(name)
        vars(module).update(functions)
        sys.modules[name] = module
        settings = {
            "session": {"format": flavour, **(session_settings or {})},
            "callbacks": {"module": name} if functions else {},
            **(more or {}),
        }
        return await open_site(settings=settings, **({"providers": [people]} if people else {}))

    return opened


async def shown(browser) -> object:
    return await (await browser.get("/api/auth/session")).json()


@BOTH
async def test_order_and_arguments_of_a_sign_in(site_with, flavour):
    heard = []

    def noted(name, answer):
        def function(**arguments):
            heard.append((name, arguments))
            return answer(arguments)

        return function

    site = await site_with(
        flavour=flavour,
        redirect=noted("redirect", lambda given: given["url"]),
        sign_in=noted("sign_in", lambda given: True),
        jwt=noted("jwt", lambda given: given["token"]),
        on_sign_in=noted("on_sign_in", lambda given: None),
    )
    browser = site.browser()
    fields = await browser.open_form() | {"username": "ada", "password": "correct horse", "callbackUrl": "/reports"}
    heard.clear()
    done = await browser.post(CALLBACK, fields)
    assert (done.status, done.headers["Location"]) == (302, "/reports")
    assert [name for name, _ in heard] == ["redirect", "sign_in", "jwt", "on_sign_in"]
    (_, redirect), (_, sign_in), (_, jwt), (_, event) = heard
    account = {"provider": "credentials", "type": "credentials", "providerAccountId": "ada"}
    assert redirect == {"url": "/reports", "base_url": f"http://{HOST}"}
    assert (sign_in["account"], sign_in["credentials"]) == (account, fields)
    assert {key: sign_in["user"][key] for key in ("id", "name", "roles", "department")} == {
        "id": "ada", "name": "Ada Lovelace", "roles": ["admin"], "department": "engines",
    }  # fmt: skip
    assert (jwt["trigger"], jwt["session"], jwt["account"], jwt["user"]) == ("signIn", None, account, sign_in["user"])
    assert {key: jwt["token"][key] for key in ("sub", "name", "email", "picture", "roles")} == {
        "sub": "ada", "name": "Ada Lovelace", "email": "ada@example.com", "picture": "https://img.example.com/ada.png", "roles": ["admin"],
    }  # fmt: skip
    assert event == {"user": sign_in["user"], "account": account}


@BOTH
@pytest.mark.parametrize(
    ("verdict", "location"),
    [
        (False, "/api/auth/error?error=AccessDenied"),
        (None, "/api/auth/error?error=AccessDenied"),
        (1, "/api/auth/error?error=AccessDenied"),
        ({}, "/api/auth/error?error=AccessDenied"),
        ("", "/api/auth/error?error=AccessDenied"),
        ("/ask-for-access", "/ask-for-access"),
        ("https://evil.example/", "/"),
        ("//evil.example", "/"),
    ],
)
async def test_only_true_lets_in(site_with, flavour, verdict, location):
    site = await site_with(flavour=flavour, sign_in=lambda **_: verdict)
    browser = site.browser()
    answer = await browser.sign_in()
    assert (answer.status, answer.headers["Location"], answer.headers["X-Gateway-Reason"]) == (302, location, "sign-in-denied")
    assert session_in(site, browser) is None


@BOTH
@pytest.mark.parametrize("name", ["sign_in", "jwt", "session", "redirect", "on_sign_in", "on_session", "on_sign_out"])
async def test_one_that_raises_never_opens_anything_and_never_shows_its_words(site_with, flavour, name, caplog):
    def raises(**_):
        raise RuntimeError("words-of-the-callback")

    site = await site_with(flavour=flavour, **{name: raises})
    browser = site.browser()
    answer = await browser.sign_in(path="/api/auth/signin?callbackUrl=/reports")
    signed_in = session_in(site, browser)
    assert (signed_in is None) is (name in ("sign_in", "jwt"))
    seen = await (await browser.get("/api/auth/session")).text()
    assert ("ada@example.com" in seen) is (name not in ("sign_in", "jwt", "session"))
    assert session_in(site, browser) == signed_in  # a fault signs nobody out
    assert "words-of-the-callback" not in str(answer.headers) + await answer.text() + seen + caplog.text
    csrf = (await (await browser.get("/api/auth/csrf")).json())["csrfToken"]
    left = await browser.post("/api/auth/signout", {"csrfToken": csrf})
    assert (left.headers["X-Gateway-Reason"], session_in(site, browser)) == ("signed-out", None)
    assert f"callback-failed callback={name}" in caplog.text
    assert "words-of-the-callback" not in caplog.text


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("text", "it gave a str"),
        ({"name": "nobody"}, "describes no session: sub is missing"),
        ({"sub": ["ada"]}, "describes no session: sub is missing, or has the wrong type"),
        ({"sub": "ada", "email": 1}, "describes no session: email is"),
        ({"sub": "ada", "roles": ("admin",)}, "describes no session: roles is"),
        ({"sub": "ada", "groups": [1]}, "describes no session: groups is"),
        ({"sub": "ada", "nbf": "now"}, "describes no session: nbf is"),
        ({"sub": "ada", "when": timedelta(1)}, "no JSON value"),
        ({"sub": "ada", "n": float("nan")}, "not finite"),
    ],
)
async def test_a_token_that_can_not_be_signs_nobody_in(site_with, given, why, caplog):
    site = await site_with(jwt=lambda **_: given)
    browser = site.browser()
    answer = await browser.sign_in()
    assert (answer.status, answer.headers["Location"]) == (302, "/api/auth/error?error=Configuration")
    assert session_in(site, browser) is None
    assert "callback-failed callback=jwt" in caplog.text
    assert why in caplog.text


async def test_a_token_that_is_too_large_is_refused_by_name(site_with):
    site = await site_with(jwt=lambda *, token: token | {"notes": "x" * 20_000})
    browser = site.browser()
    answer = await browser.sign_in()
    assert (answer.status, answer.headers["X-Gateway-Reason"], session_in(site, browser)) == (403, "session-too-large", None)


@BOTH
@pytest.mark.parametrize("given", [None, 7, ["/a"], b"/a"])
async def test_a_redirect_that_is_no_text_is_named_in_the_log(site_with, flavour, given, caplog):
    site = await site_with(flavour=flavour, redirect=lambda **_: given)
    answer = await site.browser().sign_in(path="/api/auth/signin?callbackUrl=/reports")
    assert (answer.status, answer.headers["Location"]) == (302, "/")
    assert "callback-failed callback=redirect" in caplog.text
    assert f"it gave a {type(given).__name__}" in caplog.text


async def test_what_is_the_gateways_in_a_token_can_not_be_changed(site_with):
    ours = dict.fromkeys(("sid", "auth_time", "provider", "iat", "exp", "jti"), "mine")
    site = await site_with(jwt=lambda *, token: token | ours)
    browser = site.browser()
    await browser.sign_in()
    session = session_in(site, browser)
    assert session.provider == "credentials"
    assert "mine" not in (session.sign_in_id, session.token_id)


@BOTH
async def test_none_at_the_sign_in_ends_where_it_would_have_without_a_session(site_with, flavour):
    site = await site_with(flavour=flavour, jwt=lambda **_: None)
    browser = site.browser()
    answer = await browser.sign_in(path="/api/auth/signin?callbackUrl=/reports")
    assert (answer.headers["Location"], session_in(site, browser)) == ("/reports", None)


@BOTH
async def test_a_session_that_jwt_ends_is_over_for_copies_of_its_token_too(site_with, flavour):
    verdict = ["go on"]
    site = await site_with(flavour=flavour, jwt=lambda *, token: token if verdict[0] else None)
    browser, thief = site.browser(), site.browser()
    await browser.sign_in()
    thief.cookies = dict(browser.cookies)
    verdict[0] = ""
    site.clock.forward(timedelta(minutes=5))
    assert not await shown(browser)
    verdict[0] = "go on"
    assert not await shown(thief)


@BOTH
class TestUpdate:
    """`POST session`: `update()` of the clients."""

    async def update(self, browser, body, **headers):
        csrf = (await (await browser.get("/api/auth/csrf")).json())["csrfToken"]
        text = f'{body}"{csrf}"}}' if isinstance(body, str) else json.dumps({"csrfToken": csrf} | body)
        return await browser.send("POST", "/api/auth/session", headers={"Content-Type": "application/json", **headers}, data=text.encode())

    @staticmethod
    def jwt(*, token, trigger, session):
        if trigger == "update" and isinstance(session, dict):
            token["name"] = session["name"]
        return token

    async def test_the_callback_hears_what_the_client_wants(self, site_with, flavour):
        site = await site_with(flavour=flavour, jwt=self.jwt)
        browser = site.browser()
        await browser.sign_in()
        answer = await self.update(browser, {"data": {"name": "Countess"}})
        assert (answer.status, (await answer.json())["user"]["name"]) == (200, "Countess")
        assert (await shown(browser))["user"]["name"] == "Countess"

    async def test_deep_data_reaches_the_callback(self, site_with, flavour):
        heard = []
        site = await site_with(flavour=flavour, jwt=lambda *, token, session: heard.append(session) or token)
        browser = site.browser()
        await browser.sign_in()
        data = json.loads("[" * 65 + "]" * 65)
        assert (await self.update(browser, {"data": data})).status == 200
        assert heard[-1] == data

    async def test_without_one_nothing_changes(self, site_with, flavour):
        site = await site_with(flavour=flavour)
        browser = site.browser()
        await browser.sign_in()
        answer = await self.update(browser, {"data": {"name": "Countess"}})
        assert (await answer.json())["user"]["name"] == "Ada Lovelace"

    async def test_nobody_stays_nobody(self, site_with, flavour):
        site = await site_with(flavour=flavour, jwt=self.jwt)
        answer = await self.update(site.browser(), {"data": {"name": "Countess"}})
        assert (answer.status, await answer.json()) == (200, {} if flavour == "authjs-v4" else None)

    @pytest.mark.parametrize(
        ("body", "headers", "status"),
        [
            ({"csrfToken": "0" * 64}, {}, 400),
            ({"csrfToken": None}, {}, 400),
            ({"csrfToken": ["a"]}, {}, 400),
            ({}, {"Origin": "https://evil.example"}, 403),
            ({}, {"Sec-Fetch-Site": "cross-site"}, 403),
            ({}, {"Content-Type": "text/plain"}, 415),
            ({"data": "x" * 20_000}, {}, 413),
            ('{"csrfToken": "x", "csrfToken": ', {}, 400),
            *(
                pytest.param('{"data": %s, "csrfToken": ' % ("[" * depth + "]" * depth), {}, 400, id=f"{depth}-deep")
                for depth in (66, 483, 6000)
            ),
        ],
    )
    async def test_what_is_refused_is_json_that_says_nobody(self, site_with, flavour, body, headers, status):
        """`always-json`, promise 32."""
        site = await site_with(flavour=flavour, jwt=self.jwt)
        browser = site.browser()
        await browser.sign_in()
        before = session_in(site, browser)
        answer = await self.update(browser, body, **headers)
        assert (answer.status, await answer.text()) == (status, "{}" if flavour == "authjs-v4" else "null")
        assert session_in(site, browser) == before


@BOTH
async def test_exposed_claims_are_shown_without_any_code(site_with, flavour):
    site = await site_with(
        flavour=flavour, session_settings={"expose": {"id": "sub", "roles": "roles", "from": "department", "no": "nothing"}}
    )
    browser = site.browser()
    await browser.sign_in()
    user = (await shown(browser))["user"]
    assert {key: user.get(key) for key in ("id", "roles", "from", "no")} == {"id": "ada", "roles": ["admin"], "from": "engines", "no": None}


@BOTH
@pytest.mark.parametrize("given", ["text", {"when": timedelta(1)}, {"n": float("nan")}, {"half": "\ud83e"}])
async def test_a_session_that_is_no_json_shows_nobody(site_with, flavour, given, caplog):
    site = await site_with(flavour=flavour, session=lambda **_: given)
    browser = site.browser()
    await browser.sign_in()
    assert not await shown(browser)
    assert "what it gave is no JSON object" in caplog.text


async def test_a_sign_out_is_told_with_its_token(site_with):
    heard = []
    site = await site_with(on_sign_out=lambda *, token: heard.append(token["sub"]))
    browser = site.browser()
    await browser.sign_in()
    fields = Page(await (await browser.get("/api/auth/signout")).text()).form_to("/api/auth/signout").values
    await browser.post("/api/auth/signout", fields)
    await browser.post("/api/auth/signout", fields)
    assert heard == ["ada"]


async def post_as_a_client(browser, **more: str):
    """As `signIn()` of next-auth/react in either flavour."""
    token = (await (await browser.get("/api/auth/csrf")).json())["csrfToken"]
    fields = {"username": "ada", "password": "x", "csrfToken": token, "json": "true"} | more
    return await browser.post(CALLBACK, fields, X_Auth_Return_Redirect="1")


@BOTH
async def test_after_a_wrong_sign_in_a_client_goes_on_to_our_page_and_from_there_to_its_target(site_with, flavour):
    browser = (await site_with(flavour=flavour)).browser()
    failed = await post_as_a_client(browser, callbackUrl=f"http://{HOST}/reports")
    page = Page(await (await follow(browser, (await failed.json())["url"])).text())
    fields = page.form_to(CALLBACK).values | {"username": "ada", "password": "correct horse"}
    answer = await browser.post(CALLBACK, fields)
    assert (answer.status, answer.headers["Location"]) == (302, f"http://{HOST}/reports")


async def follow(browser, url: str):
    """Where a browser ends that opens an address."""
    answer = await browser.get(url.removeprefix(f"http://{HOST}"))
    while answer.status == 302:
        answer = await browser.get(answer.headers["Location"])
    return answer


class Locked(People):
    async def authorize(self, credentials):
        return Rejected("locked", self.id, code="account-locked")


@pytest.mark.parametrize(
    ("flavour", "url"),
    [
        ("authjs-v5", "/api/auth/signin?error=CredentialsSignin&code=account-locked"),
        ("authjs-v4", "/api/auth/error?error=account-locked"),
    ],
)
async def test_a_public_code_reaches_the_client(site_with, flavour, url):
    site = await site_with(flavour=flavour, people=Locked())
    browser = site.browser()
    answer = await post_as_a_client(browser)
    assert (await answer.json())["url"] == f"http://{HOST}{url}"


@BOTH
async def test_the_page_says_the_words_of_the_configuration_for_it_and_never_prints_it(site_with, flavour):
    providers = [{"id": "credentials", "type": "users", "file": "users.toml", "messages": {"account-locked": "Call the front desk."}}]
    site = await site_with(flavour=flavour, people=Locked(), more={"providers": providers})
    browser = site.browser()
    failed = await browser.sign_in()
    text = Page(await (await browser.get(failed.headers["Location"])).text()).text
    assert "Call the front desk." in text
    assert "account-locked" not in text
    failed = await post_as_a_client(browser)  # of next-auth, which goes to the address that it is given
    text = Page(await (await follow(browser, (await failed.json())["url"])).text()).text
    assert "Call the front desk." in text
    other = Page(await (await browser.get("/api/auth/signin?error=CredentialsSignin&code=unheard-of")).text()).text
    assert "Check the details you provided" in other


@BOTH
async def test_the_words_are_those_of_the_provider_whose_form_failed(open_site, flavour):
    declared = [
        {"id": id, "type": "users", "file": "users.toml", "messages": {"account-locked": f"Call {id}."}} for id in ("credentials", "guests")
    ]
    settings = {"session": {"format": flavour}, "providers": declared}
    browser = (await open_site(settings=settings, providers=[Locked(), Locked(id="guests")])).browser()
    for id in ("guests", "credentials"):
        fields = await browser.open_form(provider=id) | {"username": "ada", "password": "x"}
        failed = await browser.post(f"/api/auth/callback/{id}", fields)
        text = Page(await (await browser.get(failed.headers["Location"])).text()).text
        assert f"Call {id}." in text
