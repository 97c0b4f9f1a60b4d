"""Promise 50: an answer made for one person is not for shared caches."""

from __future__ import annotations

import pytest

from gateway.proxy.private import private_lines


@pytest.mark.parametrize(
    ("said", "control", "vary"),
    [
        pytest.param([], b"private", b"Cookie", id="nothing-said"),
        pytest.param([(b"Cache-Control", b"no-store")], b"no-store", b"Cookie", id="stricter-stays"),
        pytest.param([(b"cache-control", b"Private, max-age=3")], b"Private, max-age=3", b"Cookie", id="private-stays"),
        pytest.param([(b"Cache-Control", b"public, max-age=60, s-maxage=90")], b"private, max-age=60", b"Cookie", id="public-is-taken-back"),
        pytest.param([(b"Cache-Control", b"max-age=1"), (b"Cache-Control", b"must-revalidate")], b"private, max-age=1, must-revalidate", b"Cookie", id="two-lines"),
        pytest.param([(b"Cache-Control", b'public, private="set-cookie"')], b'private, private="set-cookie"', b"Cookie", id="private-but-for-one-field"),
        pytest.param([(b"Cache-Control", b'public, no-cache="a, private, b"')], b'private, no-cache="a, private, b"', b"Cookie", id="private-within-quotes"),
        pytest.param([(b"Cache-Control", b'no-cache="a, private, b')], b'private, no-cache="a, private, b', b"Cookie", id="quotes-without-an-end"),
        pytest.param([(b"CDN-Cache-Control", b"max-age=600"), (b"Netlify-CDN-Cache-Control", b"public")], b"private", b"Cookie", id="for-single-caches"),
        pytest.param([(b"Surrogate-Control", b"max-age=600"), (b"X-Accel-Expires", b"600"), (b"edge-control", b"x")], b"private", b"Cookie", id="in-its-place"),
        pytest.param([(b"Vary", b"Accept")], b"private", b"Accept, Cookie", id="vary-grows"),
        pytest.param([(b"Vary", b"cookie")], b"private", b"cookie", id="vary-has-it"),
        pytest.param([(b"Vary", b"*")], b"private", b"*", id="vary-says-everything"),
    ],
)  # fmt: skip
def test_private_lines(said: list[tuple[bytes, bytes]], control: bytes, vary: bytes) -> None:
    lines = private_lines([(b"ETag", b"1"), *said])
    assert lines == [(b"ETag", b"1"), (b"Cache-Control", control), (b"Vary", vary)]
