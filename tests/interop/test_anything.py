"""Any cookies, bodies and headers, at every endpoint: no 5xx, no traceback, and nobody is signed in.

`AUTHJS_INPUTS=10000` says how many of each flavour, `AUTHJS_SEED=1` repeats a run. The seed is in the message of a failure.
"""

from __future__ import annotations

import json
import logging
import os
import random
import sys
import types
from typing import Any
from urllib.parse import quote

import pytest
from aiohttp import DummyCookieJar
from aiohttp.test_utils import TestClient, TestServer
from yarl import URL

from gateway.sessions.flavour import FLAVOURS
from tests.interop.recorded import TRACES
from tests.web.auth.browser import HOST
from tests.web.auth.conftest import Site, make_site

INPUTS = int(os.environ.get("AUTHJS_INPUTS", "1500"))
SEED = int(os.environ.get("AUTHJS_SEED", "0")) or random.SystemRandom().randrange(1, 2**32)
PATHS = ("csrf", "providers", "session", "signin", "signin/credentials", "callback/credentials", "signout", "error", "_log", "", "nothing")
METHODS = ("GET", "GET", "POST", "POST", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH")
TYPES = (
    "application/x-www-form-urlencoded",
    "application/json",
    "application/json; charset=utf-8",
    "application/json; charset=utf-16",
    "text/plain",
    "multipart/form-data; boundary=x",
    "application/x-www-form-urlencoded; charset=",
    "",
)
ODD = (
    *("", "\0", "\r\nSet-Cookie: a=b", "ÿ", "山田", "\ud83e", "\u2028", "%", "%zz", "%ff%fe", "%00", '"', ";", "=", "a=b=c", "|", "||"),
    *("//evil.example", "/\\evil.example", "javascript:alert(1)", "http://", "https://[::1", "/api/auth/signin", "../..", "?", "#", " "),
    *("true", "null", "[]", "{}", "NaN", "1e999", "-0", "9" * 400, "x" * 5000, "\u0000" * 20, "dashboard", f"http://{HOST}/x"),
)


def fake_module() -> str:
    """Callbacks that believe what they are told."""
    name = "callbacks_of_anything"
    module = types.ModuleType(name)

    async def jwt(*, token, trigger, session):
        return token | session if trigger == "update" and isinstance(session, dict) else token

    def redirect(*, url, base_url):
        return url

    async def session(*, session, token):
        return session | {"token": token}

    module.jwt, module.redirect, module.session = jwt, redirect, session
    sys.modules[name] = module
    return name


class Made:
    """Made-up requests."""

    def __init__(self, dice: random.Random, site: Site) -> None:
        self._dice = dice
        self._site = site
        self._names = site.gateway.sessions.names
        self._tokens = [value for trace in TRACES for value in _tokens(trace)]

    def text(self) -> str:
        dice = self._dice
        kind = dice.random()
        if kind < 0.6:
            return dice.choice(ODD)
        if kind < 0.8:
            return "".join(
                chr(dice.choice((dice.randrange(128), dice.randrange(0x3000), dice.randrange(0x10FFFF)))) for _ in range(dice.randrange(30))
            )
        return dice.choice(ODD) + dice.choice(ODD)

    def value(self, depth: int = 0) -> Any:
        dice = self._dice
        kind = dice.randrange(8 if depth < 3 else 5)
        if kind < 3:
            return self.text()
        if kind < 5:
            return dice.choice((None, True, False, 0, -1, 1.5, 10**30))
        if kind == 5:
            return [self.value(depth + 1) for _ in range(dice.randrange(4))]
        return {self.text(): self.value(depth + 1) for _ in range(dice.randrange(4))}

    def cookies(self) -> tuple[str, str]:
        """A Cookie line, and the csrf token that it vouches for."""
        dice, names = self._dice, self._names
        token, vouched = self._site.gateway.csrf.issue()
        pieces = []
        for _ in range(dice.randrange(6)):
            name = dice.choice((names.session, names.csrf, names.callback_url, *(f"{names.session}.{n}" for n in range(6)), "theme", ""))
            value = dice.choice((quote(self.text(), errors="replace"), self.token(), dice.choice(ODD), vouched))
            pieces.append(f"{name}={value}")
        if dice.random() < 0.7:
            pieces.insert(dice.randrange(len(pieces) + 1), f"{names.csrf}={quote(vouched)}")
        return "; ".join(pieces), token

    def token(self) -> str:
        """Part of a recorded token with something changed in it; never one that opens here."""
        whole = self._dice.choice(self._tokens)
        at = self._dice.randrange(len(whole))
        return whole[:at] + self._dice.choice(".=_A0%;") + whole[at + self._dice.randrange(3) :]

    def fields(self, csrf: str) -> dict[str, Any]:
        dice = self._dice
        names = ("username", "password", "callbackUrl", "returnTo", "json", "redirect", "data", "filled", self.text() or "x")
        found: dict[str, Any] = {name: self.value() if dice.random() < 0.3 else self.text() for name in names if dice.random() < 0.5}
        if dice.random() < 0.8:
            found["csrfToken"] = csrf if dice.random() < 0.9 else self.value()
        if dice.random() < 0.3:
            found["json"] = "true"
        return found

    def body(self, csrf: str) -> bytes:
        dice, fields = self._dice, self.fields(csrf)
        kind = dice.random()
        if kind < 0.4:
            text = "&".join(f"{quote(str(name), errors='replace')}={quote(str(value), errors='replace')}" for name, value in fields.items())
        elif kind < 0.8:
            text = json.dumps(fields, ensure_ascii=dice.random() < 0.5)
        elif kind < 0.9:
            text = "[" * dice.choice((1, 50, 5000)) + self.text()
        else:
            return dice.randbytes(dice.randrange(200))
        data = text.encode("utf-8", "surrogatepass")
        return data if dice.random() < 0.9 else data[: dice.randrange(len(data) + 1)]

    def headers(self) -> dict[str, str]:
        dice = self._dice
        found = {"Host": HOST}
        for name, values in (
            ("Origin", (f"http://{HOST}", "null", "https://evil.example", "")),
            ("Sec-Fetch-Site", ("same-origin", "cross-site", "none", "same-site", "odd")),
            ("Sec-Fetch-Mode", ("navigate", "cors", "")),
            ("Accept", ("text/html", "application/json", "*/*", ";q=", "a/b;q=9e9")),
            ("X-Auth-Return-Redirect", ("1", "", "true")),
            ("Authorization", ("Bearer x", "Basic eDp5", "")),
            ("Content-Type", TYPES),
        ):
            if dice.random() < 0.5:
                found[name] = dice.choice(values)
        return found

    def path(self) -> str:
        dice = self._dice
        path = f"/api/auth/{dice.choice(PATHS)}"
        if dice.random() < 0.05:
            path += dice.choice(("/", "/x", ".json", "%2f", ";a"))
        names = ("callbackUrl", "error", "code", "csrf", "returnTo", "filled", "csrfToken")
        query = "&".join(f"{name}={quote(self.text(), errors='replace', safe='')}" for name in names if dice.random() < 0.25)
        return f"{path}?{query}" if query else path


def _tokens(trace: dict[str, Any]) -> list[str]:
    cookie = trace["request"]["headers"].get("cookie", "")
    return [piece.partition("=")[2] for piece in cookie.split("; ") if "session-token" in piece and len(piece) > 60]


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("flavour", FLAVOURS)
async def test_whatever_comes_is_answered_and_nobody_is_signed_in(flavour, caplog):
    caplog.set_level(logging.WARNING)
    site = make_site(settings={"session": {"format": flavour}, "callbacks": {"module": fake_module()}})
    made = Made(random.Random(SEED), site)
    server = TestServer(site.app)
    await server.start_server(max_field_size=65536, max_line_size=65536)
    async with TestClient(server, cookie_jar=DummyCookieJar()) as client:
        for number in range(INPUTS):
            cookie, csrf = made.cookies()
            method, path, headers = made._dice.choice(METHODS), made.path(), made.headers()
            line = cookie.encode("utf-8", "surrogateescape" if cookie.isprintable() else "replace").decode("latin-1")
            headers["Cookie"] = "".join(char for char in line if char == "\t" or (" " <= char != "\x7f"))
            data = made.body(csrf) if method != "GET" else None
            answer = await client.request(
                method, URL(path, encoded=True), headers=headers, data=data, allow_redirects=False, skip_auto_headers=["Content-Type"]
            )
            text = await answer.text()
            what = f"seed {SEED}, input {number}: {method} {path} {headers} {data!r} -> {answer.status} {text[:200]}"
            assert answer.status < 500 or (answer.status == 500 and "error=Configuration" in path), what
            given = [c for c in answer.headers.getall("Set-Cookie", []) if "session-token" in c.partition("=")[0] and "Max-Age=0" not in c]
            assert not given, what
            if path.startswith("/api/auth/session") and answer.status == 200 and method != "HEAD":
                assert text in ("null", "{}"), what
            site.clock.monotonic += 60  # the limits on failures are somebody else's test
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR], caplog.text[-2000:]
