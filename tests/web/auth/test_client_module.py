"""`GET client.js`: a script as strict browsers want it, asked for again each time and sent again only if it changed."""

from __future__ import annotations

from pathlib import Path

import pytest

import gateway.web

SOURCE = Path(gateway.web.__file__).with_name("static").joinpath("client.js").read_bytes()


async def test_it_is_a_script_that_nobody_sniffs_and_no_other_site_loads(browser):
    answer = await browser.get("/api/auth/client.js")
    assert (answer.status, await answer.read()) == (200, SOURCE)
    assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert answer.headers["Cache-Control"] == "no-cache"
    assert not {"Pragma", "Expires", "Set-Cookie", "Access-Control-Allow-Origin"} & set(answer.headers)


async def test_what_the_browser_has_is_not_sent_again(browser):
    tag = (await browser.get("/api/auth/client.js")).headers["ETag"]
    for held in (tag, f'"other", W/{tag}', "*"):
        again = await browser.get("/api/auth/client.js", **{"If-None-Match": held})
        assert (again.status, await again.read(), again.headers["ETag"]) == (304, b"", tag)


@pytest.mark.parametrize("held", ['"other"', "nonsense", '"', "é", '"a" "b"'])
async def test_anything_else_gets_it_whole(browser, held):
    answer = await browser.get("/api/auth/client.js", **{"If-None-Match": held})
    assert (answer.status, await answer.read()) == (200, SOURCE)


async def test_only_the_exact_path_is_it(browser):
    for path in ("/api/auth/client.js/", "/api/auth/client.js/x", "/api/auth/Client.js", "/api/auth/client"):
        assert (await browser.get(path)).status == 404
    assert (await browser.post("/api/auth/client.js", {})).status == 405


def test_it_needs_nothing_and_evaluates_nothing():
    text = SOURCE.decode("ascii")
    for word in ("import ", "eval(", "new Function", "innerHTML", "document.cookie", "localStorage"):
        assert word not in text.replace("`import { signIn }", "")
