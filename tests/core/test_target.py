"""Promises 23 and 24: one path, read in known ways only, forwarded as it came."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.reason import Reason
from gateway.core.target import Target, read_target


@pytest.mark.parametrize(
    ("raw", "readings"),
    [
        pytest.param("/", ("/",), id="root"),
        pytest.param("/reports/7?x=1&y=/../", ("/reports/7",), id="query-is-not-path"),
        pytest.param("/caf%C3%A9", ("/café",), id="utf-8"),
        pytest.param("/%61dmin", ("/admin",), id="encoded-letter-is-the-letter"),
        pytest.param("/a.b/..c/...", ("/a.b/..c/...",), id="dots-that-are-no-dot-segments"),
        pytest.param("/a//b", ("/a//b", "/a/b"), id="merged-slashes"),
        pytest.param("/admin;x=1/b", ("/admin;x=1/b", "/admin/b"), id="cut-parameters"),
        pytest.param("/a%2Fb", ("/a%2Fb", "/a/b"), id="encoded-slash"),
        pytest.param("/%2561dmin", ("/%61dmin", "/admin"), id="decoded-twice"),
        pytest.param("/100%25", ("/100%",), id="encoded-percent-before-nothing"),
    ],
)
def test_a_target_carries_every_reading(raw: str, readings: tuple[str, ...]) -> None:
    target = read_target(raw)
    assert isinstance(target, Target)
    assert target.readings == readings
    assert target.raw == raw


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        pytest.param("", Reason.TARGET_MALFORMED, id="empty"),
        pytest.param("a", Reason.TARGET_MALFORMED, id="no-slash"),
        pytest.param("*", Reason.TARGET_MALFORMED, id="asterisk"),
        pytest.param("/a#b", Reason.TARGET_MALFORMED, id="fragment"),
        pytest.param("/a?x#b", Reason.TARGET_MALFORMED, id="fragment-in-query"),
        pytest.param("/a b", Reason.TARGET_MALFORMED, id="space"),
        pytest.param("/a\x7f", Reason.TARGET_MALFORMED, id="control"),
        pytest.param("/é", Reason.TARGET_MALFORMED, id="raw-8-bit"),
        pytest.param("/a?é", Reason.TARGET_MALFORMED, id="raw-8-bit-in-query"),
        pytest.param("/%", Reason.TARGET_MALFORMED, id="bare-percent"),
        pytest.param("/%g0", Reason.TARGET_MALFORMED, id="bad-percent"),
        pytest.param("/a\\b", Reason.PATH_AMBIGUOUS, id="backslash"),
        pytest.param("/a%5Cb", Reason.PATH_AMBIGUOUS, id="encoded-backslash"),
        pytest.param("/a%00", Reason.PATH_AMBIGUOUS, id="encoded-nul"),
        pytest.param("/a%0d%0aX:1", Reason.PATH_AMBIGUOUS, id="encoded-line-break"),
        pytest.param("/..", Reason.PATH_AMBIGUOUS, id="climbs"),
        pytest.param("/a/../b", Reason.PATH_AMBIGUOUS, id="dot-segment"),
        pytest.param("/a/./b", Reason.PATH_AMBIGUOUS, id="single-dot"),
        pytest.param("/a/%2e%2E/b", Reason.PATH_AMBIGUOUS, id="encoded-dots"),
        pytest.param("/a/..;x/b", Reason.PATH_AMBIGUOUS, id="dots-with-parameters"),
        pytest.param("/a/..%2fb", Reason.PATH_AMBIGUOUS, id="dots-before-encoded-slash"),
        pytest.param("/a/%252e%252e/b", Reason.PATH_AMBIGUOUS, id="twice-encoded-dots"),
        pytest.param("/a/%25%32%65%25%32%65/b", Reason.PATH_AMBIGUOUS, id="twice-encoded-dots-with-encoded-digits"),
        pytest.param("/a%252fb", Reason.PATH_AMBIGUOUS, id="twice-encoded-slash"),
        pytest.param("/a%255cb", Reason.PATH_AMBIGUOUS, id="twice-encoded-backslash"),
        pytest.param("/%25252e", Reason.PATH_AMBIGUOUS, id="thrice-encoded-dot"),
        pytest.param("/%C0%AE%C0%AE/", Reason.PATH_AMBIGUOUS, id="overlong-dots"),
        pytest.param("/%25E9", Reason.PATH_AMBIGUOUS, id="not-utf-8-when-decoded-twice"),
        pytest.param("/%E9", Reason.PATH_AMBIGUOUS, id="not-utf-8"),
    ],
)
def test_what_can_be_read_two_ways_is_refused(raw: str, reason: Reason) -> None:
    assert read_target(raw) is reason


@given(st.text(alphabet="/.%25efF;a\\c0A?#&2 é\x00", min_size=1, max_size=24).map(lambda text: "/" + text))
def test_the_judged_path_is_the_forwarded_path(raw: str) -> None:
    target = read_target(raw)
    if isinstance(target, Reason):
        return
    assert target.raw == raw
    sent = target.raw.partition("?")[0]
    assert target.path == sent
    plain = unquote_to_bytes(sent).decode()
    assert target.readings[0].replace("%2F", "/") == plain or "%25" in sent
    for reading in target.readings:
        assert not {".", ".."} & set(reading.split("/"))


def test_a_long_path_is_read_in_one_pass() -> None:
    """A path of the longest kind that is almost plain: a pattern that tries every split would not end."""
    almost = "/" + "a" * 8000 + "%"
    assert read_target(almost) is Reason.TARGET_MALFORMED
    assert read_target("/a" * 4000 + "/.") is Reason.PATH_AMBIGUOUS
