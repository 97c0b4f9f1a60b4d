"""The token against the real packages' tokens, against joserfc, and against whoever bends one. Promise 40."""

import json
import string

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jwe
from joserfc.jwk import OctKey
from joserfc.jwk import thumbprint as calculate_thumbprint

from gateway.sessions import base64url
from gateway.sessions.ciphers import CbcHmac512, Gcm256
from gateway.sessions.errors import SessionUnwritable
from gateway.sessions.keys import KeyRing
from gateway.sessions.token import MAX_DEPTH, MAX_TOKEN, Fault, Opened, TokenCodec, thumbprint
from tests.sessions.vectors import OTHER_SECRET, SECRET, cases, keys_for

SALT = "authjs.session-token"
INFO = f"Auth.js Generated Encryption Key ({SALT})"
KEYS = KeyRing.of([SECRET])
CODEC = TokenCodec(KEYS, SALT)
KEY = KEYS.derive(info=INFO, salt=SALT, length=64)[0]
GCM_KEY = KEYS.derive(info=INFO, salt=SALT, length=32)[0]
CLAIMS = {"sub": "ada", "name": "Ada Lovelace", "iat": 1767225600}

REGISTRY = jwe.JWERegistry(algorithms=["dir", "A256CBC-HS512", "A256GCM"])
_characters = st.characters(exclude_categories=["Cs"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | st.text(_characters),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(_characters), inner, max_size=4),
    max_leaves=12,
)
CLAIM_SETS = st.dictionaries(st.text(_characters), JSON, max_size=6)


def token_of(payload: bytes, header: dict[str, object] | None = None) -> str:
    """A well sealed token with any payload and header, as somebody with the key could make."""
    header = header or {"alg": "dir", "enc": "A256CBC-HS512", "kid": thumbprint(KEY)}
    protected = base64url.encode(json.dumps(header, separators=(",", ":")).encode())
    iv, ciphertext, tag = CbcHmac512(KEY).seal(payload, aad=protected.encode())
    return ".".join([protected, "", base64url.encode(iv), base64url.encode(ciphertext), base64url.encode(tag)])


@pytest.mark.parametrize("vector", cases("jwe"))
def test_tokens_of_the_real_packages_open_exactly_when_they_do_there(vector):
    keys = keys_for(vector["decode_with"]["secret"])
    found = TokenCodec(keys, vector["decode_with"]["salt"]).examine(vector["token"])
    if vector["claims"] is None:
        assert isinstance(found, Fault)
    else:
        assert isinstance(found, Opened)
        assert found.claims == vector["claims"]


@pytest.mark.parametrize("vector", [case for case in cases("jwe") if case.values[0]["claims"] is not None])
def test_the_keys_are_those_of_the_real_package(vector):
    length = len(vector["key_hex"]) // 2
    salt = vector["decode_with"]["salt"]
    derived = keys_for(vector["decode_with"]["secret"]).derive(info=f"Auth.js Generated Encryption Key ({salt})", salt=salt, length=length)
    assert vector["key_hex"] in [key.hex() for key in derived]


@pytest.mark.parametrize(
    "vector", [case for case in cases("jwe") if case.values[0]["claims"] is not None and "made_by" not in case.values[0]]
)
def test_what_we_seal_has_the_header_that_the_real_package_writes(vector):
    codec = TokenCodec(keys_for(vector["encoded_with"]["secret"]), vector["encoded_with"]["salt"])
    assert codec.seal(vector["claims"]).partition(".")[0] == vector["token"].partition(".")[0]


@given(CLAIM_SETS)
@settings(max_examples=60)
def test_what_we_seal_joserfc_opens(claims):
    found = jwe.decrypt_compact(CODEC.seal(claims), OctKey.import_key(KEY), registry=REGISTRY)
    assert json.loads(found.plaintext) == claims
    assert found.protected == {"alg": "dir", "enc": "A256CBC-HS512", "kid": thumbprint(KEY)}


@pytest.mark.parametrize(
    ("key", "enc", "with_kid"),
    [
        pytest.param(KEY, "A256CBC-HS512", True, id="cbc-with-kid"),
        pytest.param(KEY, "A256CBC-HS512", False, id="cbc-without-kid"),
        pytest.param(GCM_KEY, "A256GCM", True, id="gcm-with-kid"),
        pytest.param(GCM_KEY, "A256GCM", False, id="gcm-without-kid"),
    ],
)
@given(claims=CLAIM_SETS)
@settings(max_examples=30)
def test_what_joserfc_seals_we_open(key, enc, with_kid, claims):
    header = {"alg": "dir", "enc": enc} | ({"kid": thumbprint(key)} if with_kid else {})
    token = jwe.encrypt_compact(header, json.dumps(claims).encode(), OctKey.import_key(key), registry=REGISTRY)
    assert CODEC.open(token) == claims


def test_the_thumbprint_is_joserfcs():
    key = OctKey.import_key(KEY)
    assert calculate_thumbprint({"kty": "oct", "k": key.as_dict(private=True)["k"]}, "sha512") == thumbprint(KEY)


@pytest.mark.parametrize("enc", ["A256CBC-HS512", "A256GCM"])
def test_no_token_with_one_character_changed_opens(enc):
    key = KEY if enc == "A256CBC-HS512" else GCM_KEY
    token = jwe.encrypt_compact({"alg": "dir", "enc": enc}, json.dumps(CLAIMS).encode(), OctKey.import_key(key), registry=REGISTRY)
    assert CODEC.open(token) == CLAIMS
    for place, character in enumerate(token):
        for other in string.ascii_letters[:3] + "-.=\x00é":
            if other != character:
                assert CODEC.open(token[:place] + other + token[place + 1 :]) is None, (place, other)


def test_no_token_with_one_bit_flipped_opens():
    token = CODEC.seal(CLAIMS)
    parts = token.split(".")
    for part in (2, 3, 4):
        data = base64url.decode(parts[part])
        for bit in range(len(data) * 8):
            flipped = bytearray(data)
            flipped[bit // 8] ^= 1 << bit % 8
            assert CODEC.open(".".join([*parts[:part], base64url.encode(bytes(flipped)), *parts[part + 1 :]])) is None, (part, bit)


@pytest.mark.parametrize("length", range(32))
def test_a_shortened_tag_is_refused(length):
    head, _, tag = CODEC.seal(CLAIMS).rpartition(".")
    assert CODEC.open(f"{head}.{base64url.encode(base64url.decode(tag)[:length])}") is None


def test_a_shortened_gcm_tag_is_refused():
    iv, aad = bytes(12), b"x"
    sealed = AESGCM(GCM_KEY).encrypt(iv, b"{}", aad)
    assert Gcm256(GCM_KEY).open(iv, sealed[:-16], sealed[-16:], aad=aad) == b"{}"
    assert Gcm256(GCM_KEY).open(iv, sealed[:-16], sealed[-16:-4], aad=aad) is None
    assert Gcm256(GCM_KEY).open(bytes(8), sealed[:-16], sealed[-16:], aad=aad) is None


@pytest.mark.parametrize(
    "extra",
    [
        pytest.param({"zip": "DEF"}, id="zip"),
        pytest.param({"crit": ["exp"]}, id="crit"),
        pytest.param({"p2c": 10_000_000, "p2s": "AAAA"}, id="p2c"),
        pytest.param({"jku": "https://evil.example/keys"}, id="jku"),
        pytest.param({"jwk": {"kty": "oct", "k": "AAAA"}}, id="jwk"),
        pytest.param({"x5u": "https://evil.example/cert"}, id="x5u"),
        pytest.param({"cty": "JWT"}, id="nested"),
        pytest.param({"typ": "JWT"}, id="any-other-member"),
        pytest.param({"kid": "nope"}, id="another-kid"),
        pytest.param({"alg": "A256KW"}, id="another-alg"),
        pytest.param({"alg": "PBES2-HS256+A128KW"}, id="password-based"),
        pytest.param({"enc": "A128CBC-HS256"}, id="another-enc"),
        pytest.param({"alg": "none"}, id="none"),
    ],
)
def test_a_header_with_anything_else_is_refused_though_its_seal_holds(extra):
    header = {"alg": "dir", "enc": "A256CBC-HS512", "kid": thumbprint(KEY)}
    assert CODEC.open(token_of(b'{"sub":"ada"}', header)) == {"sub": "ada"}
    assert CODEC.examine(token_of(b'{"sub":"ada"}', header | extra)) is Fault.HEADER


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("", id="nothing"),
        pytest.param("....", id="five-empty-parts"),
        pytest.param("a.b.c", id="a-jws"),
        pytest.param(CODEC.seal(CLAIMS) + ".", id="six-parts"),
        pytest.param(CODEC.seal(CLAIMS).replace("..", ".AA.", 1), id="an-encrypted-key"),
        pytest.param(CODEC.seal(CLAIMS) + "=", id="padding"),
        pytest.param(CODEC.seal(CLAIMS) + " ", id="a-space-behind"),
        pytest.param(".".join([*CODEC.seal(CLAIMS).split(".")[:3], "", "AA"]), id="no-ciphertext"),
        pytest.param("\udcff" * 20, id="lone-surrogates"),
        pytest.param("💥....", id="not-ascii"),
    ],
)
def test_what_is_no_token_is_refused(token):
    assert CODEC.open(token) is None


@given(st.text())
def test_any_text_is_refused_without_an_error(text):
    assert CODEC.open(text) is None


@given(st.lists(st.text(string.ascii_letters + "-_", max_size=60), min_size=4, max_size=4))
def test_any_parts_behind_a_good_header_are_refused_without_an_error(parts):
    assert CODEC.open(".".join([CODEC.seal({}).partition(".")[0], *parts])) is None


def test_a_token_is_measured_before_it_is_parsed():
    empty = len(CODEC.seal({"a": ""}))
    fits = CODEC.seal({"a": "x" * ((MAX_TOKEN - empty) * 3 // 4 - 32)})
    assert len(fits) <= MAX_TOKEN
    assert isinstance(CODEC.examine(fits), Opened)
    assert CODEC.examine("a" * MAX_TOKEN) is Fault.FORM
    assert CODEC.examine("a" * (MAX_TOKEN + 1)) is Fault.SIZE


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"[]", id="a-list"),
        pytest.param(b'"text"', id="text"),
        pytest.param(b"null", id="null"),
        pytest.param(b"{", id="half-an-object"),
        pytest.param(b"{} {}", id="two-objects"),
        pytest.param(b'{"a":NaN}', id="nan"),
        pytest.param(b'{"a":-Infinity}', id="infinity"),
        pytest.param(b'{"a":"\xff"}', id="bytes-that-are-no-utf-8"),
        pytest.param(b'{"a":"\\ud800"}', id="half-a-character"),
        pytest.param(b'{"a":{"b":["\\udfff"]}}', id="half-a-character-deep-down"),
        pytest.param(b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}", id="nested-five-thousand-deep"),
        pytest.param(b'{"a":' + b"[" * MAX_DEPTH + b"]" * MAX_DEPTH + b"}", id="nested-one-too-deep"),
        pytest.param(b'{"a":' + b"9" * 5000 + b"}", id="a-number-of-five-thousand-digits"),
        pytest.param(b"eyJhbGciOiJkaXIifQ....", id="another-token"),
    ],
)
def test_a_well_sealed_payload_that_is_no_plain_object_is_refused(payload):
    assert CODEC.examine(token_of(payload)) is Fault.PAYLOAD


def test_nesting_is_fine_up_to_the_limit():
    claims = json.loads('{"a":' + "[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1) + "}")
    assert CODEC.open(CODEC.seal(claims)) == claims


def test_bad_padding_under_a_good_tag_is_refused():
    cipher = CbcHmac512(KEY)
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    for padded in (b"x" * 15 + b"\x00", b"x" * 15 + b"\x11", b"x" * 14 + b"\x03\x02"):
        encryptor = Cipher(algorithms.AES256(KEY[32:]), modes.CBC(bytes(16))).encryptor()
        ciphertext = encryptor.update(padded) + encryptor.finalize()
        assert cipher.open(bytes(16), ciphertext, cipher._tag(bytes(16), ciphertext, b""), aad=b"") is None


@pytest.mark.parametrize(
    "claims",
    [
        pytest.param({"a": object()}, id="an-object"),
        pytest.param({"a": {1, 2}}, id="a-set"),
        pytest.param({"a": float("nan")}, id="nan"),
        pytest.param({"a": "Ada\ud800"}, id="half-a-character"),
        pytest.param({"a": b"bytes"}, id="bytes"),
        pytest.param({"a": json.loads("[" * 20 + "]" * 20)}, id="too-deep"),
    ],
)
def test_claims_that_no_reader_would_take_are_not_sealed(claims):
    with pytest.raises(SessionUnwritable) as caught:
        CODEC.seal(claims)
    assert "Ada" not in str(caught.value)


def test_each_token_is_another():
    assert CODEC.seal(CLAIMS) != CODEC.seal(CLAIMS)


def test_a_token_for_another_cookie_name_does_not_open():  # purpose is bound: promise 40
    assert TokenCodec(KEYS, f"__Secure-{SALT}").open(CODEC.seal(CLAIMS)) is None


def test_removing_a_secret_retires_exactly_its_tokens():  # promise 43
    old, new = KeyRing.of([SECRET]), KeyRing.of([OTHER_SECRET, SECRET])
    before, after = TokenCodec(old, SALT).seal(CLAIMS), TokenCodec(new, SALT).seal(CLAIMS)
    assert TokenCodec(new, SALT).examine(before) == Opened(CLAIMS, 1)
    assert TokenCodec(new, SALT).examine(after) == Opened(CLAIMS, 0)
    retired = TokenCodec(KeyRing.of([OTHER_SECRET]), SALT)
    assert retired.open(before) is None
    assert retired.open(after) == CLAIMS


def test_a_token_without_kid_opens_with_the_newest_secret_only():
    token = token_of(b'{"sub":"ada"}', {"alg": "dir", "enc": "A256CBC-HS512"})
    assert TokenCodec(KeyRing.of([SECRET, OTHER_SECRET]), SALT).open(token) == {"sub": "ada"}
    assert TokenCodec(KeyRing.of([OTHER_SECRET, SECRET]), SALT).open(token) is None
