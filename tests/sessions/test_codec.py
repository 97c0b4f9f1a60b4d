from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.identity import User
from gateway.core.lifetime import Lifetime
from gateway.core.reason import Reason
from gateway.sessions.codec import RESERVED, claims_of, session_of
from tests.people import ADA, BOB, NOW
from tests.people import session_of as session_for

IAT = int(NOW.timestamp())
AUTHJS = {"name": "Ada", "email": None, "picture": None, "sub": "1", "iat": IAT, "exp": IAT + 60, "jti": "j"}


def test_the_claims_have_the_names_of_authjs():
    claims = claims_of(session_for(ADA))
    assert claims == {
        "sub": "ada",
        "name": "Ada Lovelace",
        "email": "ada@example.com",
        "picture": "https://img.example.com/ada.png",
        "roles": ["admin"],
        "groups": ["staff", "maths"],
        "department": "engines",
        "provider": "credentials",
        "auth_time": IAT,
        "iat": IAT,
        "exp": IAT + 24 * 3600,
        "jti": "6f1c2e54-3a5b-4f57-9a43-0d9a2f6a4f10",
        "sid": "sign-in-of-ada",
    }


@pytest.mark.parametrize("user", [pytest.param(ADA, id="ada"), pytest.param(BOB, id="bob-who-has-nothing")])
def test_a_session_comes_back_as_it_was(user):
    session = replace(session_for(user, age=timedelta(hours=3)), issued_at=NOW, expires_at=NOW + timedelta(hours=24))
    assert session_of(claims_of(session)) == session


def test_a_provider_cannot_take_the_place_of_a_known_claim():
    user = User(id="bob", claims=dict.fromkeys(RESERVED, "forged") | {"roles": ["admin"], "exp": 9_999_999_999, "team": "x"})
    session = session_of(claims_of(session_for(user)))
    assert session is not None
    assert (session.user.id, session.user.roles, dict(session.user.claims)) == ("bob", (), {"team": "x"})
    assert session.expires_at == NOW + timedelta(hours=24)


def test_a_token_of_an_authjs_app_is_a_session_signed_in_when_it_was_issued():
    session = session_of(AUTHJS)
    assert session is not None
    assert (session.user, session.signed_in_at, session.provider) == (User(id="1", name="Ada"), NOW, "")


@pytest.mark.parametrize(
    "change",
    [
        *(pytest.param({name: None}, id=f"no-{name}") for name in ("sub", "iat", "exp", "jti")),
        pytest.param({"sub": ""}, id="empty-sub"),
        pytest.param({"sub": 7}, id="sub-is-a-number"),
        pytest.param({"sub": ["ada"]}, id="sub-is-a-list"),
        pytest.param({"jti": ""}, id="empty-jti"),
        pytest.param({"name": 7}, id="name-is-a-number"),
        pytest.param({"email": ["a"]}, id="email-is-a-list"),
        pytest.param({"picture": {}}, id="picture-is-an-object"),
        pytest.param({"provider": 1}, id="provider-is-a-number"),
        pytest.param({"roles": "admin"}, id="roles-is-text"),
        pytest.param({"roles": None}, id="roles-is-null"),
        pytest.param({"roles": {"admin": True}}, id="roles-is-an-object"),
        pytest.param({"roles": ["admin", 1]}, id="a-role-is-a-number"),
        pytest.param({"groups": [["staff"]]}, id="a-group-is-a-list"),
        pytest.param({"iat": True}, id="iat-is-true"),
        pytest.param({"iat": str(IAT)}, id="iat-is-text"),
        pytest.param({"exp": IAT + 0.5}, id="exp-is-a-fraction"),
        pytest.param({"exp": 10**30}, id="exp-beyond-the-calendar"),
        pytest.param({"exp": 253_402_300_800}, id="exp-in-the-year-10000"),
        pytest.param({"iat": -1}, id="iat-before-1970"),
        pytest.param({"auth_time": "long ago"}, id="auth-time-is-text"),
        pytest.param({"auth_time": None}, id="auth-time-is-null"),
        pytest.param({"nbf": "now"}, id="nbf-is-text"),
    ],
)
def test_a_claim_of_another_type_makes_it_no_session(change):
    assert session_of(AUTHJS) is not None
    assert session_of(AUTHJS | change) is None


@pytest.mark.parametrize("name", ["sub", "iat", "exp", "jti"])
def test_a_claim_that_must_be_there_is_missed(name):
    assert session_of({key: value for key, value in AUTHJS.items() if key != name}) is None


def test_the_last_second_of_the_calendar_is_read():
    session = session_of(AUTHJS | {"exp": 253_402_300_799})
    assert session is not None
    assert session.expires_at == datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


def test_a_token_not_to_be_used_yet_is_one_from_the_future():
    session = session_of(AUTHJS | {"nbf": IAT + 100, "exp": IAT + 1000})
    assert session is not None
    assert Lifetime().end_of(session, now=NOW + timedelta(seconds=84)) is Reason.SESSION_FROM_FUTURE
    assert Lifetime().end_of(session, now=NOW + timedelta(seconds=85)) is None


@given(
    st.dictionaries(st.sampled_from(sorted(RESERVED)) | st.text(max_size=5), st.none() | st.text() | st.integers() | st.lists(st.text()))
)
def test_any_claims_are_read_or_refused_without_an_error(claims):
    session_of(claims)
