"""Which bodies are kept, and how the page that offers one behaves; how one gets there is in tests/web/raw and tests/e2e."""

from __future__ import annotations

from datetime import timedelta
from html.parser import HTMLParser

import pytest

from gateway.web.auth.kept_form import KeptForm, fields_of
from gateway.web.side_cookie import KEPT_FORM
from tests.web.auth.browser import HOST, Page

BODY = "title=Caf%C3%A9+%26+more&text=one%0D%0A%22two%22+%3Cb%3E&x=&x=2%7E*-._%09"
SIGN_IN = "/api/auth/signin"


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        pytest.param(BODY.encode(), True, id="what-browsers-send"),
        pytest.param(b"a=1", True, id="one-field"),
        pytest.param(b"a=", True, id="an-empty-value"),
        pytest.param(b"a", False, id="no-equals-sign"),
        pytest.param(b"", False, id="nothing"),
        pytest.param(b"=1", False, id="a-field-without-a-name-is-left-out-by-browsers"),
        pytest.param(b"a=1&", False, id="half-a-field"),
        pytest.param(b"a=%e4", False, id="lower-case-hex"),
        pytest.param(b"a=%E4", False, id="latin-1"),
        pytest.param(b"a=%C0%AF", False, id="overlong-utf-8"),
        pytest.param(b"a=b%0Ac", False, id="a-line-feed-alone-would-be-mended"),
        pytest.param(b"a=b%0Dc", False, id="a-carriage-return-alone-would-be-mended"),
        pytest.param(b"a%0D=%0Ab", False, id="a-line-break-in-two-halves"),
        pytest.param(b"a=%00", False, id="a-nul"),
        pytest.param(b"a=b~c", False, id="a-tilde-that-is-not-encoded"),
        pytest.param(b"a=b c", False, id="a-bare-space"),
        pytest.param(b"a=b%20c", False, id="a-space-in-another-spelling"),
        pytest.param("a=é".encode(), False, id="raw-bytes"),
        pytest.param(b"_charset_=UTF-8", False, id="a-field-that-browsers-fill-in"),
        pytest.param(b'{"a": 1}', False, id="json"),
    ],
)
def test_a_body_is_kept_if_a_browser_would_write_it_again_byte_for_byte(body, kept):
    assert (fields_of(body) is not None) is kept


class Inputs(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        if tag == "input":
            found = dict(attributes)
            self.found.append((found["name"], found["value"]))


async def carry(site, browser, *, user=None, host=HOST, target="/notes/new?x=1"):
    """Put a form into a browser as the redirect to the sign-in does."""
    csrf = (await (await browser.get("/api/auth/csrf")).json())["csrfToken"]
    kept = KeptForm(host=host, target=target, body=BODY, user=user)
    line = KEPT_FORM.line(site.gateway, kept.sealed_text(), csrf=csrf, now=site.clock())
    name, _, rest = line.partition("=")
    browser.cookies[name] = rest.partition(";")[0]
    return kept


async def sign_in(browser, kept):
    return await browser.sign_in(path=f"{SIGN_IN}?kept={kept.id}")


async def test_after_the_sign_in_it_is_offered_once(site, browser):
    kept = await carry(site, browser)
    assert "The form that you sent is kept" in await (await browser.get(f"{SIGN_IN}?kept={kept.id}")).text()
    answer = await sign_in(browser, kept)
    assert answer.status == 302
    assert answer.headers["Location"] == f"/api/auth/kept-form?kept={kept.id}"
    offered = await browser.get(answer.headers["Location"])
    assert offered.status == 200
    assert offered.headers["Cache-Control"] == "private, no-cache, no-store"
    text = await offered.text()
    assert ("form", {"method": "post", "action": "/notes/new?x=1", "autocomplete": "off", "class": "send"}) in Page(text).tags
    assert Inputs(text).found == list(fields_of(BODY.encode()))
    again = await browser.get(answer.headers["Location"])
    assert again.status == 410
    assert again.headers["X-Gateway-Reason"] == "kept-form-gone"


async def test_it_survives_wrong_passwords(site, browser):
    kept = await carry(site, browser)
    wrong = await browser.sign_in(password="wrong", path=f"{SIGN_IN}?kept={kept.id}")
    assert (await browser.sign_in(path=wrong.headers["Location"])).headers["Location"].startswith("/api/auth/kept-form?")


async def test_another_tab_ends_at_its_own_page(site, browser):
    await carry(site, browser)
    assert (await browser.sign_in(path=f"{SIGN_IN}?callbackUrl=/reports")).headers["Location"] == "/reports"


async def test_a_form_that_was_replaced_by_another_is_not_mistaken_for_it(site, browser):
    first = await carry(site, browser)
    fields = await browser.open_form(f"{SIGN_IN}?kept={first.id}")
    await carry(site, browser)
    answer = await browser.post("/api/auth/callback/credentials", fields | {"username": "ada", "password": "correct horse"})
    assert answer.headers["Location"] == "/"


async def test_nobody_else_gets_it(site, browser):
    """The id is no secret: without the cookie of the browser that sent the form it opens nothing."""
    kept = await carry(site, browser)
    other = site.browser()
    assert (await sign_in(other, kept)).headers["Location"] == "/"
    answer = await other.get(f"/api/auth/kept-form?kept={kept.id}")
    assert answer.status == 410
    assert "Caf" not in await answer.text()


async def test_a_cookie_that_a_sibling_site_tosses_is_none(site, browser):
    """Somebody keeps a form of their own making and puts it into another browser, id and all: nothing is offered there."""
    kept = await carry(site, browser)
    victim = site.browser()
    await victim.get("/api/auth/csrf")
    victim.cookies["authjs.kept-form"] = browser.cookies["authjs.kept-form"]
    assert (await sign_in(victim, kept)).headers["Location"] == "/"
    assert (await victim.get(f"/api/auth/kept-form?kept={kept.id}")).status == 410


async def test_it_is_shown_to_the_user_whose_session_had_ended_and_to_no_other(site, browser):
    kept = await carry(site, browser, user="bob")
    answer = await browser.get((await sign_in(browser, kept)).headers["Location"])  # ada
    assert answer.status == 410
    assert "Caf" not in await answer.text()
    assert not any("kept-form" in name for name in browser.cookies)
    same = site.browser()
    kept = await carry(site, same, user="ada")
    assert (await same.get((await sign_in(same, kept)).headers["Location"])).status == 200


async def test_without_a_session_nothing_is_shown(site, browser):
    kept = await carry(site, browser)
    answer = await browser.get(f"/api/auth/kept-form?kept={kept.id}")
    assert (answer.status, answer.headers["Location"]) == (302, f"{SIGN_IN}?kept={kept.id}")


async def test_it_ends_with_ten_minutes_and_with_a_sign_out(site, browser):
    kept = await carry(site, browser)
    site.clock.forward(timedelta(minutes=10))
    assert (await sign_in(browser, kept)).headers["Location"] == "/"
    await carry(site, browser)
    page = Page(await (await browser.get("/api/auth/signout")).text())
    await browser.post("/api/auth/signout", page.form_to("/api/auth/signout").values)
    assert not any("kept-form" in name for name in browser.cookies)


async def test_a_forged_one_is_none(site, browser):
    browser.cookies["authjs.kept-form"] = "x" * 100
    assert (await browser.get("/api/auth/kept-form?kept=x")).status == 410


async def test_beside_a_session_in_several_cookies_there_is_no_room(open_site):
    from tests.people import ADA
    from tests.web.auth.conftest import People

    people = People(users={"ada": ADA.__class__(id="ada", claims={"notes": "x" * 6000})})
    site = await open_site(providers=[people])
    browser = site.browser()
    kept = await carry(site, browser)
    assert (await sign_in(browser, kept)).headers["Location"] == "/"
    assert not any("kept-form" in name for name in browser.cookies)


def test_its_repr_shows_nothing_of_it():
    assert "Caf" not in repr(KeptForm(host=HOST, target="/", body=BODY))
