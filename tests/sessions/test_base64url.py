import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.sessions import base64url


@given(st.binary())
def test_bytes_come_back_as_they_were(data):
    assert base64url.decode(base64url.encode(data)) == data


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("QQ==", id="padding"),
        pytest.param("QR", id="spare-bits-that-are-not-zero"),
        pytest.param("Q", id="a-length-that-no-bytes-have"),
        pytest.param("QU JD", id="a-space"),
        pytest.param("QUJD\n", id="a-line-feed"),
        pytest.param("+/+/", id="the-standard-alphabet"),
        pytest.param("QUJDé", id="not-ascii"),
        pytest.param("QU=JD", id="padding-within"),
    ],
)
def test_a_second_spelling_is_refused(text):  # promise 40
    assert base64url.decode(text) is None


@given(st.text(max_size=30))
def test_any_text_is_read_exactly_or_not_at_all(text):
    data = base64url.decode(text)
    assert data is None or base64url.encode(data) == text
