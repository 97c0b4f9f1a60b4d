"""Each way in which `getToken()` comes to give null, and the cure that is named for it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.core.lifetime import Lifetime
from gateway.sessions.codec import claims_of
from gateway.sessions.cookie_header import CookieHeader
from gateway.sessions.cookies import SessionCookies
from gateway.sessions.doctor import App, examine
from gateway.sessions.flavour import AUTHJS_V4, AUTHJS_V5, FLAVOURS
from gateway.sessions.keys import KeyRing
from gateway.sessions.token import TokenCodec
from tests.people import ADA, NOW, session_of
from tests.sessions.vectors import OTHER_SECRET, SECRET

BOTH = pytest.mark.parametrize("flavour", FLAVOURS.values(), ids=FLAVOURS.keys())


def header(flavour, *, secure=False, claims=None) -> str:
    cookies = SessionCookies(KeyRing((SECRET,)), secure=secure, lifetime=Lifetime(), flavour=flavour)
    name = cookies.names.session
    token = TokenCodec(KeyRing((SECRET,)), flavour.salt(name), flavour=flavour).seal(claims_of(session_of(ADA)) | (claims or {}))
    if len(token) <= flavour.chunk:
        return f"{name}={token}"
    return "; ".join(
        f"{name}.{start // flavour.chunk}={token[start : start + flavour.chunk]}" for start in range(0, len(token), flavour.chunk)
    )


def bad(text: str, *, now=NOW, **app) -> tuple[str, str] | None:
    """The check that failed and its cure."""
    found = examine(CookieHeader.parse([text]), App(**{"secret": SECRET} | app), now=now)
    failed = [finding for finding in found if not finding.good]
    assert len(failed) <= 1
    assert all(finding.what for finding in found)
    return (failed[0].check, failed[0].cure) if failed else None


@BOTH
@pytest.mark.parametrize("secure", [True, False])
def test_nothing_is_wrong(flavour, secure):
    assert bad(header(flavour, secure=secure), flavour=flavour, secure=secure) is None
    assert bad(header(flavour, secure=secure)) is None


@BOTH
def test_chunks_are_joined(flavour):
    assert bad(header(flavour, claims={"notes": "x" * 9000})) is None


@BOTH
@pytest.mark.parametrize(
    ("change", "app", "check", "cure"),
    [
        pytest.param(lambda text: "theme=dark", {}, "name", "whole Cookie header", id="no-session-cookie"),
        pytest.param(lambda text: text, {"secret": OTHER_SECRET}, "secret", "--show-secret", id="another-secret"),
        pytest.param(lambda text: text, {"secret": f'"{SECRET}"'}, "secret", "quotes", id="quotes-around-the-secret"),
        pytest.param(lambda text: text, {"secret": f"{SECRET}\n"}, "secret", "line breaks", id="a-line-break-behind-the-secret"),
        pytest.param(lambda text: text[:-20], {}, None, "", id="cut-short"),
        pytest.param(lambda text: text.partition("=")[0] + "=nothing", {}, "token", "sign in again", id="no-token"),
        pytest.param(lambda text: f"{text}; {text.partition('=')[0]}-old=x", {}, "chunks", "another name", id="a-name-that-starts-so"),
        pytest.param(lambda text: f"{text}; {text.partition('=')[0]}.0=x", {}, "chunks", "delete the cookies", id="whole-and-in-chunks"),
        pytest.param(lambda text: text, {"secure": True}, "prefix", "http://", id="the-app-thinks-it-is-https"),
        pytest.param(lambda text: text, {"now": NOW + timedelta(hours=25)}, "expiry", "sign in again", id="expired"),
    ],
)
def test_what_is_wrong_is_named_with_its_cure(flavour, change, app, check, cure):
    found = bad(change(header(flavour)), **app)
    assert found is not None
    assert check in (None, found[0])
    assert cure in found[1]


@BOTH
@pytest.mark.parametrize(("age_s", "fails"), [pytest.param(14, False, id="within-the-tolerance"), pytest.param(15, True, id="beyond-it")])
def test_the_tolerance_is_that_of_the_packages(flavour, age_s, fails):
    assert (bad(header(flavour), now=NOW + timedelta(hours=24, seconds=age_s)) is not None) is fails


def test_a_missing_chunk_is_named():
    whole = header(AUTHJS_V5, claims={"notes": "x" * 9000}).split("; ")
    found = examine(CookieHeader.parse(["; ".join(whole[:1] + whole[2:])]), App(secret=SECRET), now=NOW)
    assert "authjs.session-token.1 is missing" in found[-1].what


@pytest.mark.parametrize(("cookie", "app"), [(AUTHJS_V4, AUTHJS_V5), (AUTHJS_V5, AUTHJS_V4)])
def test_the_other_flavour_is_named(cookie, app):
    assert bad(header(cookie), flavour=app) == ("flavour", f'session.format = "{app.format}" makes the gateway write the app\'s')


@BOTH
@pytest.mark.parametrize("secure", [True, False])
def test_cookies_of_other_days_are_not_the_ones_that_the_app_asks_for(flavour, secure):
    others = [f"{prefix}{other.session}=old" for other in FLAVOURS.values() for prefix in ("__Secure-", "")]
    text = "; ".join(name for name in others if not name.startswith(header(flavour, secure=secure).partition("=")[0] + "="))
    assert bad(f"{text}; {header(flavour, secure=secure)}", flavour=flavour, secure=secure) is None


def test_a_renamed_cookie_of_v5_has_the_wrong_salt():
    assert bad(f"__Secure-{header(AUTHJS_V5)}")[0] == "salt"


def test_a_token_from_the_future_is_not_to_be_used_yet():
    later = int((NOW + timedelta(minutes=5)).timestamp())
    assert bad(header(AUTHJS_V5, claims={"nbf": later})) == ("expiry", "set the clocks (NTP)")


@pytest.mark.parametrize("seconds", [1e300, 10**30, -(10**20), True, "soon", None])
def test_an_end_that_is_no_time_harms_nobody(seconds):
    examine(CookieHeader.parse([header(AUTHJS_V5, claims={"exp": seconds})]), App(secret=SECRET), now=NOW)
