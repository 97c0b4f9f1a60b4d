"""An app believes an assertion only if the gateway made it, for this app, and for now (promise 19)."""

from __future__ import annotations

import http.client
import json
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.assertion.keys import SigningKey, jwks
from gateway.assertion.signer import Assertions
from gateway.core.path_pattern import PathPattern
from gateway.core.routes import Access, Route
from gateway.sessions import base64url
from gateway.sessions.keys import new_secret
from gateway.upstream import IdentityReader, IdentityRefused, SignedAssertion, get_session
from tests.people import ADA, NOW, session_of

ISSUER = "https://gw.example"
ROUTE = Route(name="app", path=PathPattern.parse("/**"), access=Access.SIGNED_IN, upstream="app")
CLAIMS = {"name": "name", "email": "email", "image": "image", "roles": "roles", "groups": "groups", "department": "department"}
KEYS = {algorithm: SigningKey.of(new_secret(), algorithm) for algorithm in ("EdDSA", "ES256")}


class Gateway:
    """Its keys, and how often somebody asked for them."""

    def __init__(self, *keys: SigningKey) -> None:
        self.keys = keys
        self.asked: list[str] = []
        self.away = False

    def get(self, url: str) -> bytes:
        self.asked.append(url)
        if self.away:
            raise OSError("nobody there")
        return jwks(self.keys)


def signed(key: SigningKey, *, audience: str = "the-app", issuer: str = ISSUER) -> str:
    signer = Assertions("X-A", key, issuer=issuer, audiences={"app": audience}, claims=CLAIMS, life=timedelta(seconds=60))
    return signer.header(session_of(ADA), ROUTE, origin="https://app.example", now=NOW)[1]


def verifier(gateway: Gateway, algorithm: str = "EdDSA", *, later: float = 0.0) -> SignedAssertion:
    return SignedAssertion(ISSUER, "the-app", algorithm=algorithm, clock=lambda: NOW.timestamp() + later, get=gateway.get)


@pytest.mark.parametrize("algorithm", KEYS)
def test_whoever_the_gateway_vouches_for_comes_back_whole(algorithm: str) -> None:
    gateway = Gateway(KEYS[algorithm])
    assert verifier(gateway, algorithm).verify(signed(KEYS[algorithm])).user == ADA
    assert gateway.asked == [f"{ISSUER}/.well-known/jwks.json"]


def test_the_reader_asks_it_in_the_place_of_the_plain_headers() -> None:
    reader = IdentityReader(assertion=verifier(Gateway(KEYS["EdDSA"])))
    lines = [(b"x-gateway-assertion", signed(KEYS["EdDSA"]).encode()), (b"x-forwarded-user", b"mallory")]
    scope = {"type": "http", "headers": lines, "client": ("127.0.0.1", 1)}
    found = get_session(scope, reader=reader)
    assert found is not None
    assert found.user.id == ADA.id
    assert get_session({**scope, "headers": lines[1:]}, reader=reader) is None
    assert get_session({**scope, "headers": [lines[0], lines[0]]}, reader=reader) is None


@pytest.mark.parametrize(
    ("later", "good"), [(-15.0, True), (-16.0, False), (0.0, True), (59.0, True), (74.0, True), (75.0, False), (3600.0, False)]
)
def test_it_holds_for_its_minute_and_the_tolerance(later: float, good: bool) -> None:
    asked = verifier(Gateway(KEYS["EdDSA"]), later=later)
    if good:
        asked.verify(signed(KEYS["EdDSA"]))
    else:
        with pytest.raises(IdentityRefused, match="clocks"):
            asked.verify(signed(KEYS["EdDSA"]))


@pytest.mark.parametrize(
    ("assertion", "why"),
    [
        pytest.param(signed(KEYS["EdDSA"], audience="other"), "another app", id="audience"),
        pytest.param(signed(KEYS["EdDSA"], issuer="https://other.example"), "another gateway", id="issuer"),
        pytest.param(signed(SigningKey.of(new_secret(), "EdDSA")), "does not publish", id="key-of-somebody-else"),
        pytest.param(signed(KEYS["ES256"]), "EdDSA", id="another-algorithm"),
        pytest.param("", "no signed token", id="empty"),
        pytest.param("a.b", "no signed token", id="two-parts"),
        pytest.param("\xe9.a.b", "no signed token", id="not-ascii"),
        pytest.param("a" * 9000 + "..", "no signed token", id="long"),
        pytest.param("!.!.!", "base64url", id="not-base64url"),
        pytest.param("bm8.bm8.bm8", "JSON", id="no-json"),
    ],
)
def test_anything_else_is_refused_and_says_why(assertion: str, why: str) -> None:
    with pytest.raises(IdentityRefused, match=why):
        verifier(Gateway(KEYS["EdDSA"])).verify(assertion)


@pytest.mark.parametrize("head", [{"alg": "none"}, {"alg": "HS256", "kid": KEYS["EdDSA"].kid}, {"alg": "EdDSA"}, {"alg": "EdDSA", "kid": KEYS["EdDSA"].kid, "crit": ["x"]}])  # fmt: skip
def test_the_head_chooses_nothing(head: dict[str, object]) -> None:
    _, claims, signature = signed(KEYS["EdDSA"]).split(".")
    forged = ".".join((base64url.encode(json.dumps(head).encode()), claims, signature))
    with pytest.raises(IdentityRefused, match="EdDSA"):
        verifier(Gateway(KEYS["EdDSA"])).verify(forged)


@settings(max_examples=300)
@given(place=st.integers(0, 2000), letter=st.sampled_from("ABCxyz019-_=."))
def test_no_letter_may_be_another(place: int, letter: str) -> None:
    good = signed(KEYS["EdDSA"])
    place %= len(good)
    bent = good[:place] + letter + good[place + 1 :]
    if bent != good:
        with pytest.raises(IdentityRefused):
            verifier(Gateway(KEYS["EdDSA"])).verify(bent)


def test_a_new_key_is_fetched_once_and_strangers_make_nobody_fetch() -> None:
    gateway = Gateway(KEYS["EdDSA"])
    asked = verifier(gateway)
    asked.verify(signed(KEYS["EdDSA"]))
    new = SigningKey.of(new_secret(), "EdDSA")
    gateway.keys = (new, KEYS["EdDSA"])
    for _ in range(20):
        with pytest.raises(IdentityRefused):
            asked.verify(signed(new))  # it was fetched a moment ago
    assert len(gateway.asked) == 1
    asked._fetched_at -= 11
    asked.verify(signed(new))
    asked.verify(signed(KEYS["EdDSA"]))
    assert len(gateway.asked) == 2


def test_a_gateway_that_is_away_takes_nobodys_keys_away() -> None:
    gateway = Gateway(KEYS["EdDSA"])
    asked = verifier(gateway)
    gateway.away = True
    with pytest.raises(IdentityRefused, match="can't be had"):
        asked.verify(signed(KEYS["EdDSA"]))
    gateway.away = False
    asked._fetched_at -= 11
    asked.verify(signed(KEYS["EdDSA"]))
    gateway.away = True
    asked._fetched_at -= 400
    asked.verify(signed(KEYS["EdDSA"]))


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"\xff", b"[" * 100_000, b'{"keys":null}', b'{"keys":["x"]}', b'{"keys":[{"kid":"a","alg":"EdDSA"}]}']
    + [b'{"keys":[{"kid":"a","alg":"EdDSA","x":%b}]}' % x for x in (b"5", b'"AA"', b'"\xc3\xa9"', b"null")],
)
def test_keys_that_are_none_are_a_refusal(body: bytes) -> None:
    with pytest.raises(IdentityRefused, match=r"can't be had|no base64url"):
        SignedAssertion(ISSUER, "the-app", get=lambda _: body).fetch()


def test_an_answer_that_breaks_off_is_a_refusal() -> None:
    def breaks_off(_: str) -> bytes:
        raise http.client.IncompleteRead(b"")

    with pytest.raises(IdentityRefused, match="IncompleteRead"):
        SignedAssertion(ISSUER, "the-app", get=breaks_off).fetch()


def test_somebody_without_an_id_is_nobody() -> None:
    signer = Assertions("X-A", KEYS["EdDSA"], issuer=ISSUER, audiences={"app": "the-app"}, claims={}, life=timedelta(seconds=60))
    nobody = replace(session_of(ADA), user=replace(ADA, id=""))
    with pytest.raises(IdentityRefused, match="nobody"):
        verifier(Gateway(KEYS["EdDSA"])).verify(signer.header(nobody, ROUTE, origin="", now=NOW)[1])
