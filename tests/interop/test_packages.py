"""Tokens in both directions with the real next-auth 4, next-auth 5 and @auth/core, and every vector that they made."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest

from gateway.core.identity import Session, User
from gateway.core.lifetime import Lifetime
from gateway.core.return_to import safe_return
from gateway.sessions.codec import claims_of
from gateway.sessions.cookie_header import CookieHeader
from gateway.sessions.cookies import SessionCookies
from gateway.sessions.csrf import Csrf, csrf_secrets
from gateway.sessions.flavour import FLAVOURS, Flavour
from gateway.sessions.keys import KeyRing
from gateway.sessions.token import Opened, TokenCodec
from tests.interop.packages import Packages, packages
from tests.interop.recorded import DATA, SECRET
from tests.people import ADA, BOB

VECTORS: dict[str, Any] = json.loads((DATA / "vectors.json").read_text("utf-8"))
OLD_SECRET = "an-older-secret-that-is-not-in-use-3c1b9a7f"
UNICODE = User(
    id="u-2", name='Zoë "quote" \\ 山田 🦊', email="zoë@example.com", roles=("vérifié",), claims={"nested": {"a": [1, 2.5, None]}}
)
LARGE = replace(BOB, id="large", claims={"notes": "x" * 9000})
PEOPLE = {"ada": ADA, "bob": BOB, "unicode": UNICODE, "large": LARGE}


@pytest.fixture(scope="module")
def real() -> Packages:
    return packages()


def family_of(flavour: Flavour) -> str:
    return flavour.format.removeprefix("authjs-")


def flavour_of(vector: dict[str, Any]) -> Flavour:
    return FLAVOURS[f"authjs-{vector['family']}"]


def cookies_of(flavour: Flavour, *, secure: bool, keys: KeyRing | None = None) -> SessionCookies:
    return SessionCookies(keys or KeyRing((SECRET,)), secure=secure, lifetime=Lifetime(), flavour=flavour)


def sign_in(cookies: SessionCookies, user: User) -> tuple[Session, str]:
    """A session of now, and the Cookie header that a browser sends for it."""
    now = datetime.now(UTC)
    session = cookies.new(user, "credentials", now=now)
    lines = [line.partition(";")[0] for line in cookies.write(session, now=now) if "Max-Age=0" not in line]
    return session, "; ".join(lines)


@pytest.mark.parametrize("secure", [True, False], ids=["https", "http"])
@pytest.mark.parametrize("flavour", FLAVOURS.values(), ids=FLAVOURS.keys())
def test_get_token_of_the_real_packages_reads_our_cookies(real, flavour, secure):
    made = [sign_in(cookies_of(flavour, secure=secure), user) for user in PEOPLE.values()]
    questions = [
        {"family": family_of(flavour), "what": "getToken", "cookie": header, "secret": SECRET, "secureCookie": secure} for _, header in made
    ]
    assert real.ask(questions) == [json.loads(json.dumps(claims_of(session))) for session, _ in made]


@pytest.mark.parametrize("flavour", FLAVOURS.values(), ids=FLAVOURS.keys())
def test_get_token_gives_null_with_another_secret(real, flavour):
    _, header = sign_in(cookies_of(flavour, secure=False), ADA)
    question = {"family": family_of(flavour), "what": "getToken", "cookie": header, "secret": OLD_SECRET, "secureCookie": False}
    assert real.ask([question]) == [None]


@pytest.mark.parametrize("secure", [True, False], ids=["https", "http"])
@pytest.mark.parametrize("flavour", FLAVOURS.values(), ids=FLAVOURS.keys())
def test_what_the_real_packages_seal_is_a_session_here(real, flavour, secure):
    ours = cookies_of(flavour, secure=secure)
    claims = {"sub": "ada", "name": UNICODE.name, "email": None, "roles": ["admin"], "deep": {"a": [1, "é"]}}
    question = {
        "family": family_of(flavour),
        "what": "encode",
        "claims": claims,
        "secret": SECRET,
        "salt": ours.names.session,
        "maxAge": 3600,
    }
    session = ours.read(CookieHeader([f"{ours.names.session}={real.ask([question])[0]}"]))
    assert isinstance(session, Session)
    assert (session.user.id, session.user.name, session.user.roles) == ("ada", UNICODE.name, ("admin",))
    assert session.expires_at - session.issued_at == timedelta(hours=1)
    assert session.sign_in_id == session.token_id


@pytest.mark.parametrize("flavour", FLAVOURS.values(), ids=FLAVOURS.keys())
def test_a_token_of_an_older_secret_opens_here_in_v4_too_and_is_renewed_with_the_newest(real, flavour):
    """`several-secrets-in-v4`."""
    old = sign_in(cookies_of(flavour, secure=False, keys=KeyRing((OLD_SECRET,))), ADA)[1]
    rotated = cookies_of(flavour, secure=False, keys=KeyRing((SECRET, OLD_SECRET)))
    session = rotated.read(CookieHeader([old]))
    assert isinstance(session, Session)
    renewed = rotated.write(rotated.renewed(session, now=datetime.now(UTC)), now=datetime.now(UTC))[-1].partition(";")[0]
    question = {"family": family_of(flavour), "what": "getToken", "cookie": renewed, "secret": SECRET, "secureCookie": False}
    assert real.ask([question])[0]["sub"] == "ada"


def test_the_real_packages_take_their_vectors_as_recorded(real):
    """Otherwise the vectors would say nothing about these packages. Those that hang on the clock are left to our own tests."""
    vectors = [vector for vector in VECTORS["jwe"] if all(check["ok"] for check in vector["checks"]) and vector["claims"]]
    lasting = [vector for vector in vectors if vector["claims"].get("exp", 0) > datetime.now(UTC).timestamp()]
    assert len(lasting) >= 10
    answers = real.ask(
        [{"family": vector["family"], "what": "decode", "token": vector["token"], **vector["decode_with"]} for vector in lasting]
    )
    assert answers == [vector["claims"] for vector in lasting]


@pytest.mark.parametrize("vector", VECTORS["jwe"], ids=lambda vector: vector["name"])
def test_every_vector_opens_here_as_it_does_there(vector):
    asked, flavour = vector["decode_with"], flavour_of(vector)
    secrets = (asked["secret"],) if isinstance(asked["secret"], str) else tuple(asked["secret"])
    found = TokenCodec(KeyRing(secrets), asked["salt"], flavour=flavour).examine(vector["token"])
    if vector["claims"] is None:
        assert not isinstance(found, Opened)
    else:
        assert isinstance(found, Opened), found
        assert found.claims == vector["claims"]


@pytest.mark.parametrize("vector", [vector for vector in VECTORS["jwe"] if vector["claims"]], ids=lambda vector: vector["name"])
def test_every_key_is_derived_as_there(vector):
    asked, flavour = vector["decode_with"], flavour_of(vector)
    secrets = (asked["secret"],) if isinstance(asked["secret"], str) else tuple(asked["secret"])
    length = len(vector["key_hex"]) // 2
    keys = KeyRing(secrets).derive(info=flavour.info(asked["salt"]), salt=asked["salt"], length=length)
    assert vector["key_hex"] in [key.hex() for key in keys]


@pytest.mark.parametrize("vector", VECTORS["csrf"], ids=lambda vector: f"{vector['family']}-{str(vector['secret'])[:8]}")
def test_every_csrf_cookie_is_good_here(vector):
    secrets = (vector["secret"],) if isinstance(vector["secret"], str) else tuple(vector["secret"])
    csrf = Csrf(*csrf_secrets(KeyRing(secrets), flavour_of(vector)))
    assert csrf.verify(f"{vector['token']}|{vector['hash']}", vector["token"])


@pytest.mark.parametrize("case", VECTORS["redirects"], ids=lambda case: f"{case['baseUrl'][:5]}-{case['url']}"[:60])
def test_every_redirect_ends_where_it_does_there_or_is_refused(case):
    """`bad-targets-are-passed-over`: what is taken is taken to the same place; nothing leads to another origin."""
    judged = safe_return(case["url"], own_origin=case["baseUrl"])
    if judged.refused is None:
        ours = urlsplit(urljoin(f"{case['baseUrl']}/", judged.location))
        assert ours.scheme + "://" + ours.netloc == case["baseUrl"]
        theirs = urlsplit(case["result"])
        assert (ours.path or "/", ours.query, ours.fragment) == (theirs.path or "/", theirs.query, theirs.fragment)
