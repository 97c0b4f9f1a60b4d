"""The keys of assertions: made once, kept to their owner, published with overlap (promise 19)."""

from __future__ import annotations

import json
import stat

import pytest
from joserfc import jws
from joserfc.jwk import KeySet

from gateway.assertion.keys import SigningKey, jwks, load_or_make
from gateway.core.errors import ConfigError
from gateway.sessions import base64url, key_file
from gateway.sessions.keys import new_secret

ALGORITHMS = pytest.mark.parametrize("algorithm", ["EdDSA", "ES256"])


@ALGORITHMS
def test_a_file_is_made_once_for_its_owner_alone(tmp_path, algorithm):
    [key] = load_or_make(tmp_path / "keys", algorithm)
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o600
    [again] = load_or_make(tmp_path / "keys", algorithm)
    assert again.kid == key.kid
    assert again.jwk == key.jwk


@ALGORITHMS
def test_the_id_of_a_key_is_its_thumbprint(algorithm):
    """RFC 7638, held against another implementation."""
    key = SigningKey.of(new_secret(), algorithm)
    [public] = KeySet.import_key_set(json.loads(jwks([key]))).keys
    assert public.thumbprint() == key.kid


@ALGORITHMS
def test_nothing_private_is_published(algorithm):
    [published] = json.loads(jwks([SigningKey.of(new_secret(), algorithm)]))["keys"]
    assert set(published) == {"kty", "crv", "x", "kid", "alg", "use"} | ({"y"} if algorithm == "ES256" else set())


@ALGORITHMS
@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
def test_a_signature_is_what_the_algorithm_says(algorithm):
    key = SigningKey.of(new_secret(), algorithm)
    head = base64url.encode(json.dumps({"alg": algorithm, "kid": key.kid}).encode())
    signed = f"{head}.{base64url.encode(b'payload')}"
    token = f"{signed}.{base64url.encode(key.sign(signed.encode()))}"
    keys = KeySet.import_key_set(json.loads(jwks([key])))
    assert jws.deserialize_compact(token, keys, algorithms=[algorithm]).payload == b"payload"


def test_an_older_key_stays_published_after_a_rotation(tmp_path):
    [old] = load_or_make(tmp_path / "keys", "EdDSA")
    key_file.add(tmp_path / "keys", new_secret(), limit=5)
    new, second = load_or_make(tmp_path / "keys", "EdDSA")
    assert second.kid == old.kid != new.kid
    assert [key["kid"] for key in json.loads(jwks((new, second)))["keys"]] == [new.kid, old.kid]


def test_each_algorithm_has_a_key_of_its_own():
    secret = new_secret()
    assert SigningKey.of(secret, "EdDSA").kid != SigningKey.of(secret, "ES256").kid


@pytest.mark.parametrize("text", ["", "short\n", "a" * 64 + "\n"], ids=["empty", "short", "guessable"])
def test_a_file_that_holds_no_secret_is_refused_by_the_name_of_its_setting(tmp_path, text):
    file = tmp_path / "keys"
    file.write_text(text)
    file.chmod(0o600)
    with pytest.raises(ConfigError) as caught:
        load_or_make(file, "EdDSA")
    assert {problem.key for problem in caught.value.problems} == {"headers.assertion.keys_file"}


def test_a_file_that_others_may_write_is_refused(tmp_path):
    load_or_make(tmp_path / "keys", "EdDSA")
    (tmp_path / "keys").chmod(0o666)
    with pytest.raises(ConfigError):
        load_or_make(tmp_path / "keys", "EdDSA")


def test_a_key_shows_nothing_to_sign_with():
    assert "sign" not in repr(SigningKey.of(new_secret(), "EdDSA")).replace("SigningKey", "").replace("'sig'", "")
