from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.sessions import base64url
from gateway.sessions.keys import KeyRing
from gateway.sessions.seal import MAX_SEALED, Sealer
from tests.people import NOW
from tests.sessions.vectors import OTHER_SECRET, SECRET

SEALER = Sealer(KeyRing.of([SECRET]))
LATER = NOW + timedelta(minutes=10)


@given(st.text(st.characters(exclude_categories=["Cs"])), st.text(st.characters(exclude_categories=["Cs"])))
def test_text_comes_back_for_its_purpose(text, purpose):
    assert SEALER.open(SEALER.seal(text, purpose=purpose, expires=LATER), purpose=purpose, now=NOW) == text


def test_it_opens_for_no_other_purpose():
    sealed = SEALER.seal("/reports", purpose="return", expires=LATER)
    assert SEALER.open(sealed, purpose="retur", now=NOW) is None
    assert SEALER.open(sealed, purpose="", now=NOW) is None


@pytest.mark.parametrize(("seconds", "opens"), [pytest.param(-1, True, id="last-second"), pytest.param(0, False, id="out-of-date")])
def test_it_opens_until_it_is_out_of_date(seconds, opens):
    sealed = SEALER.seal("/reports", purpose="return", expires=LATER)
    assert (SEALER.open(sealed, purpose="return", now=LATER + timedelta(seconds=seconds)) is not None) is opens


def test_no_sealed_text_with_one_bit_flipped_opens():
    data = base64url.decode(SEALER.seal("/reports", purpose="return", expires=LATER))
    for bit in range(len(data) * 8):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        assert SEALER.open(base64url.encode(bytes(flipped)), purpose="return", now=NOW) is None


@pytest.mark.parametrize(
    "sealed",
    [
        pytest.param("", id="nothing"),
        pytest.param("AAAA", id="too-short"),
        pytest.param("A" * 16, id="a-nonce-alone"),
        pytest.param("not base64!", id="not-base64"),
        pytest.param("💥", id="not-ascii"),
        pytest.param("A" * (MAX_SEALED + 4), id="too-long"),
    ],
)
def test_what_was_not_sealed_is_refused(sealed):
    assert SEALER.open(sealed, purpose="return", now=NOW) is None


def test_a_second_spelling_is_refused():
    assert SEALER.open(SEALER.seal("/", purpose="return", expires=LATER) + "=", purpose="return", now=NOW) is None


def test_older_secrets_still_open_and_removed_ones_do_not():  # promise 43
    sealed = SEALER.seal("/", purpose="return", expires=LATER)
    assert Sealer(KeyRing.of([OTHER_SECRET, SECRET])).open(sealed, purpose="return", now=NOW) == "/"
    assert Sealer(KeyRing.of([OTHER_SECRET])).open(sealed, purpose="return", now=NOW) is None


def test_the_text_can_not_be_read_in_it():
    sealed = SEALER.seal("/secret-report", purpose="return", expires=LATER)
    assert b"secret-report" not in base64url.decode(sealed)
    assert sealed != SEALER.seal("/secret-report", purpose="return", expires=LATER)
