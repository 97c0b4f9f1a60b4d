"""The csrf token against the real package's values. Promise 32."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.sessions.cookie_header import decode, encode
from gateway.sessions.csrf import Csrf, csrf_secrets
from gateway.sessions.flavour import AUTHJS_V5
from tests.sessions.vectors import OTHER_SECRET, SECRET, cases, keys_for

CSRF = Csrf(SECRET)


@pytest.mark.parametrize("vector", cases("csrf"))
def test_cookies_of_the_real_package_are_verified(vector):
    csrf = Csrf(*csrf_secrets(keys_for(vector["secret"]), AUTHJS_V5))
    assert decode(vector["cookie_value_on_the_wire"]) == vector["cookie_value"]
    assert encode(vector["cookie_value"]) == vector["cookie_value_on_the_wire"]
    assert csrf.token_of(vector["cookie_value"]) == vector["token"]
    assert csrf.verify(vector["cookie_value"], vector["token"]) is True
    assert csrf.verify(vector["cookie_value"], "0" * 64) is False


def test_what_is_issued_is_verified():
    token, cookie = CSRF.issue()
    assert len(token) == 64
    assert CSRF.token_of(cookie) == token
    assert CSRF.verify(cookie, token) is True


def test_each_token_is_another():
    assert CSRF.issue() != CSRF.issue()


TOKEN, COOKIE = CSRF.issue()


@pytest.mark.parametrize(
    ("cookie", "posted"),
    [
        pytest.param(None, TOKEN, id="no-cookie"),
        pytest.param(COOKIE, None, id="nothing-posted"),
        pytest.param(None, None, id="neither"),
        pytest.param("", "", id="both-empty"),
        pytest.param("|", "", id="a-bar-alone"),
        pytest.param(COOKIE, "", id="empty-posted"),
        pytest.param(COOKIE, TOKEN[:-1], id="cut-short"),
        pytest.param(COOKIE, TOKEN + " ", id="a-space-behind"),
        pytest.param(COOKIE, TOKEN.upper(), id="upper-case"),
        pytest.param(COOKIE, COOKIE, id="the-whole-cookie-posted"),
        pytest.param(COOKIE, CSRF.issue()[0], id="somebody-elses-token"),
        pytest.param(TOKEN, TOKEN, id="no-hash"),
        pytest.param(f"{TOKEN}|", TOKEN, id="empty-hash"),
        pytest.param(COOKIE + "0", TOKEN, id="hash-with-something-behind"),
        pytest.param(f"{TOKEN}|{Csrf(OTHER_SECRET).issue()[1].partition('|')[2]}", TOKEN, id="hash-of-another-token"),
        pytest.param(Csrf(OTHER_SECRET).issue()[1], None, id="another-gateways-cookie"),
        pytest.param(COOKIE, "é\ud800", id="posted-is-not-even-text"),
        pytest.param(f"{TOKEN}|é\ud800", TOKEN, id="hash-is-not-even-text"),
    ],
)
def test_what_does_not_fit_is_refused(cookie, posted):
    assert CSRF.verify(cookie, posted) is False


def test_a_cookie_of_another_secret_is_refused_with_its_own_token():
    token, cookie = Csrf(OTHER_SECRET).issue()
    assert CSRF.token_of(cookie) is None
    assert CSRF.verify(cookie, token) is False


@given(st.text(), st.text())
def test_any_text_is_refused_without_an_error(cookie, posted):
    assert CSRF.verify(cookie, posted) is False
