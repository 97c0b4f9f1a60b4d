"""What an assertion says, for whom, and for how long (promise 19)."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.assertion.keys import SigningKey
from gateway.assertion.signer import Assertions
from gateway.core.headers import ValueRefused
from gateway.core.path_pattern import PathPattern
from gateway.core.routes import Access, Route
from gateway.sessions import base64url
from gateway.sessions.keys import new_secret
from tests.people import ADA, NOW, session_of

LIFE = timedelta(seconds=60)
KEY = SigningKey.of(new_secret(), "EdDSA")
APP = Route(name="app", path=PathPattern.parse("/**"), access=Access.SIGNED_IN, upstream="app")
OTHER = replace(APP, name="other", upstream="other")
ASKED = replace(APP, name="asked", upstream=None)


def assertions(**claims: str) -> Assertions:
    count = itertools.count()
    return Assertions(
        "X-A", KEY, issuer="https://gw.example", audiences={"app": "the-app", "other": "other"}, claims=claims, life=LIFE,
        new_id=lambda: f"id-{next(count)}",
    )  # fmt: skip


def read(header) -> tuple[dict, dict]:
    head, body, _ = header[1].split(".")
    return json.loads(base64url.decode(head)), json.loads(base64url.decode(body))


def said(signer, session=None, route=APP, now=NOW) -> dict:
    return read(signer.header(session or session_of(ADA), route, origin="https://app.example", now=now))[1]


def test_it_says_who_for_whom_and_how_long():
    head, claims = read(assertions().header(session_of(ADA), APP, origin="https://app.example", now=NOW))
    assert head == {"alg": "EdDSA", "kid": KEY.kid, "typ": "JWT"}
    now = int(NOW.timestamp())
    expected = {"iss": "https://gw.example", "aud": "the-app", "sub": ADA.id, "iat": now, "nbf": now, "exp": now + 60, "jti": "id-0"}
    assert claims == expected


def test_each_upstream_gets_one_of_its_own():
    signer = assertions()
    assert said(signer)["aud"] == "the-app"
    assert said(signer, route=OTHER)["aud"] == "other"
    assert said(signer, route=ASKED)["aud"] == "https://app.example"
    assert len({said(signer, route=route)["jti"] for route in (APP, OTHER, ASKED)}) == 3


def test_chosen_claims_are_told_and_what_is_not_there_is_left_out():
    claims = said(assertions(mail="email", groups="groups", nobody="no-such-claim"))
    assert claims["mail"] == ADA.email
    assert claims["groups"] == list(ADA.groups)
    assert "nobody" not in claims


def test_what_identifies_it_can_not_be_claimed_otherwise():
    assert said(assertions(sub="email", aud="email"))["sub"] == ADA.id


@pytest.mark.parametrize(
    ("seconds", "same"), [(0, True), (29, True), (30, False), (-1, False)], ids=["at-once", "before-half", "at-half", "clock-went-back"]
)
def test_it_is_given_out_again_for_half_of_its_life(seconds, same):
    signer = assertions()
    first = said(signer)
    assert (said(signer, now=NOW + timedelta(seconds=seconds)) == first) is same


def test_whoever_keeps_one_as_long_as_it_may_be_kept_still_has_a_quarter_of_its_life():
    signer = assertions()
    latest = NOW + timedelta(seconds=29)
    signer.header(session_of(ADA), APP, origin="", now=NOW)
    claims = said(signer, now=latest)
    assert claims["exp"] - (latest + signer.may_be_kept).timestamp() >= (LIFE / 4).total_seconds()


def test_a_renewed_session_gets_a_new_one():
    signer, session = assertions(), session_of(ADA)
    assert said(signer, session)["jti"] != said(signer, replace(session, token_id="another"))["jti"]


@pytest.mark.parametrize("value", [{1, 2}, float("nan"), "x" * 9000], ids=["no-json", "no-number", "too-long"])
def test_what_can_not_be_said_is_refused(value):
    session = session_of(replace(ADA, claims={"odd": value}))
    with pytest.raises(ValueRefused):
        said(assertions(odd="odd"), session)
