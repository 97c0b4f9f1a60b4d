"""Promise 30: whatever is asked, by whatever way in, a browser ends on our own origin.

`ada-url` parses as browsers do (WHATWG URL), and it is asked about the very string that stands in the answer.
"""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote, unquote_to_bytes

import ada_url
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.core.return_to import safe_return
from tests.web.auth.browser import HOST, Page
from tests.web.auth.conftest import PASSWORD

ORIGIN = f"http://{HOST}"
CALLBACK = "/api/auth/callback/credentials"
LINES = (Path(__file__).parents[2] / "corpus" / "callback_urls.txt").read_text("ascii").splitlines()
HOSTILE = [line for line in LINES if line and not line.startswith("# ")]
#: Bodies and sealed targets carry text; what is no text comes by the ways that carry bytes.
HOSTILE_TEXT = [line for line in HOSTILE if unquote_to_bytes(line).decode("utf-8", "ignore").encode() == unquote_to_bytes(line)]
hostile = pytest.mark.parametrize("asked", HOSTILE)
hostile_text = pytest.mark.parametrize("asked", HOSTILE_TEXT)


def ends_at_home(location: str) -> bool:
    """What a browser on a page of ours makes of a Location header."""
    return ada_url.URL(location, base=f"{ORIGIN}/api/auth/callback/credentials").origin == ORIGIN


def assert_harmless(answer) -> None:
    location = answer.headers["Location"]
    assert answer.status == 302
    assert location.isascii()
    assert location.isprintable()
    assert ends_at_home(location)
    assert not ada_url.URL(location, base=ORIGIN).pathname.lower().startswith("/api/auth")
    assert all(name not in answer.headers for name in ("X-Injected", "A"))
    lines = answer.headers.getall("Set-Cookie")
    assert all(line.startswith("authjs.") for line in lines)


def test_the_corpus_is_there():
    assert len(HOSTILE) > 100
    assert len(HOSTILE) == len(set(HOSTILE))


@hostile
async def test_in_the_query_of_the_page(browser, asked):
    answer = await browser.get(f"/api/auth/signin?callbackUrl={asked}")
    text = await answer.text()
    assert answer.status == 200
    assert "<script>" not in text
    form = Page(text).form_to(CALLBACK)
    cookie = unquote(browser.cookies.get("authjs.callback-url", ORIGIN))
    assert ends_at_home(cookie)
    assert_harmless(await browser.post(CALLBACK, form.values | {"username": "ada", "password": PASSWORD}))


@hostile
async def test_in_the_query_of_the_post(browser, asked):
    fields = await browser.open_form() | {"username": "ada", "password": PASSWORD}
    assert_harmless(await browser.post(f"{CALLBACK}?callbackUrl={asked}", fields))


@hostile_text
@pytest.mark.parametrize("kind", ["form", "json"])
async def test_in_the_body(browser, asked, kind):
    fields = await browser.open_form() | {"username": "ada", "password": PASSWORD, "callbackUrl": unquote(asked)}
    if kind == "form":
        assert_harmless(await browser.post(CALLBACK, fields))
    else:
        headers = {"Content-Type": "application/json", "Origin": browser.origin}
        assert_harmless(await browser.send("POST", CALLBACK, headers=headers, data=json.dumps(fields).encode()))


@hostile
async def test_in_the_cookie(browser, asked):
    fields = await browser.open_form() | {"username": "ada", "password": PASSWORD}
    del fields["returnTo"]
    browser.cookies["authjs.callback-url"] = asked
    assert_harmless(await browser.post(CALLBACK, fields))
    assert "authjs.callback-url" not in browser.cookies


@hostile_text
async def test_sealed_by_whoever_got_hold_of_the_sealer(site, browser, asked):
    fields = await browser.open_form() | {"username": "ada", "password": PASSWORD}
    expires = site.clock.now + timedelta(hours=1)
    fields["returnTo"] = site.gateway.sealer.seal(unquote(asked), purpose="return-to", expires=expires)
    assert_harmless(await browser.post(CALLBACK, fields))


@hostile
async def test_as_the_sealed_target_itself(browser, asked):
    answer = await browser.get(f"/api/auth/signin?returnTo={asked}&filled={asked}")
    assert answer.status == 200
    assert "continue" not in Page(await answer.text()).text


@hostile
async def test_at_sign_out(browser, asked):
    page = Page(await (await browser.get(f"/api/auth/signout?callbackUrl={asked}")).text())
    form = page.form_to("/api/auth/signout")
    assert_harmless(await browser.post(f"/api/auth/signout?callbackUrl={asked}", form.values))


@hostile_text
async def test_at_sign_out_for_clients_that_follow_addresses_themselves(browser, asked):
    fields = {"csrfToken": (await browser.open_form())["csrfToken"], "callbackUrl": unquote(asked)}
    answer = await browser.post("/api/auth/signout", fields, X_Auth_Return_Redirect="1")
    url = (await answer.json())["url"]
    assert answer.status == 200
    assert ada_url.URL(url).origin == ORIGIN


@hostile
async def test_on_the_error_page(browser, asked):
    text = await (await browser.get(f"/api/auth/error?error={asked}&callbackUrl={asked}")).text()
    assert "evil" not in text
    assert "<script>" not in text


_PARTS = st.sampled_from(
    [
        *(
            "/",
            "//",
            "\\",
            "\t",
            "\n",
            "\r",
            " ",
            "\x00",
            ".",
            "..",
            "@",
            ":",
            "?",
            "#",
            ";",
            "%2f",
            "%5c",
            "%09",
            "%00",
            "[",
            "]",
            "x",
            "80",
            "é",
        ),
        *("http:", "https:", "http://", "javascript:", "evil.example", HOST, HOST.upper(), "app", "api/auth"),
        *("\u3002", "\uff0f", "\u2028", "\xa0", "\ufeff"),
    ]
)


@given(st.one_of(st.lists(_PARTS, max_size=10).map("".join), st.text(max_size=40)))
@example("/\t/evil.example")
@example("http:\\\\evil.example")
def test_whatever_is_taken_a_browser_reads_as_ours(asked):
    """Property: a target that is not refused resolves to our own origin, as the very string that is sent."""
    target = safe_return(asked, own_origin=ORIGIN)
    assert ends_at_home(target.location)
    assert target.location.isascii()
    assert target.location.isprintable()
    assert " " not in target.location


@given(st.lists(_PARTS, max_size=10).map("".join))
def test_a_listed_origin_opens_no_other(asked):
    """Property: beside our own origin only the listed one is ever reached."""
    target = safe_return(asked, own_origin=ORIGIN, origins=frozenset({"https://evil.example"}))
    assert ada_url.URL(target.location, base=ORIGIN).origin in (ORIGIN, "https://evil.example")
