"""Promises 1 to 4: a head that can be read two ways, or not at all, is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.reason import Reason
from gateway.proxy.client.head import ClientHead, HeadLimits, Refusal, incomplete_refusal, read_head

LIMITS = HeadLimits()


def head(*lines: bytes, start: bytes = b"GET / HTTP/1.1", host: bytes = b"Host: a") -> bytes:
    return b"\r\n".join([start, *([host] if host else []), *lines])


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        pytest.param(head(b"Content-Length: 1", b"Transfer-Encoding: chunked"), Reason.FRAMING_AMBIGUOUS, id="length-and-coding"),
        pytest.param(head(b"Content-Length: 1", b"Transfer-Encoding:"), Reason.FRAMING_AMBIGUOUS, id="length-and-empty-coding"),
        pytest.param(head(b"Content-Length: 1", b"Content-Length: 1"), Reason.FRAMING_AMBIGUOUS, id="two-equal-lengths"),
        pytest.param(head(b"Content-Length: 1, 1"), Reason.FRAMING_AMBIGUOUS, id="list-of-lengths"),
        pytest.param(head(b"Content-Length: +1"), Reason.FRAMING_AMBIGUOUS, id="signed-length"),
        pytest.param(head(b"Content-Length: 0x1"), Reason.FRAMING_AMBIGUOUS, id="hex-length"),
        pytest.param(head(b"Content-Length:"), Reason.FRAMING_AMBIGUOUS, id="empty-length"),
        pytest.param(head(b"Transfer-Encoding: gzip, chunked"), Reason.FRAMING_AMBIGUOUS, id="two-codings"),
        pytest.param(head(b"Transfer-Encoding: xchunked"), Reason.FRAMING_AMBIGUOUS, id="unknown-coding"),
        pytest.param(head(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"), Reason.FRAMING_AMBIGUOUS, id="coding-twice"),
        pytest.param(head(b"Transfer-Encoding: chunked", start=b"POST / HTTP/1.0"), Reason.FRAMING_AMBIGUOUS, id="coding-in-1.0"),
        pytest.param(head(start=b"GET / HTTP/2.0"), Reason.VERSION_REFUSED, id="version-2"),
        pytest.param(head(start=b"GET / HTTP/1.2"), Reason.VERSION_REFUSED, id="version-1.2"),
        pytest.param(head(start=b"GET /"), Reason.REQUEST_MALFORMED, id="version-0.9"),
        pytest.param(head(start=b"GET  / HTTP/1.1"), Reason.REQUEST_MALFORMED, id="two-spaces"),
        pytest.param(head(start=b"GET / HTTP/1.1 "), Reason.REQUEST_MALFORMED, id="space-at-the-end"),
        pytest.param(head(start=b"G(T / HTTP/1.1"), Reason.REQUEST_MALFORMED, id="method-no-token"),
        pytest.param(head(b"X : 1"), Reason.REQUEST_MALFORMED, id="space-before-colon"),
        pytest.param(head(b" folded"), Reason.REQUEST_MALFORMED, id="folded-line"),
        pytest.param(head(b": empty"), Reason.REQUEST_MALFORMED, id="empty-name"),
        pytest.param(head(b"X"), Reason.REQUEST_MALFORMED, id="no-colon"),
        pytest.param(head(b"X: a\x00b"), Reason.REQUEST_MALFORMED, id="nul"),
        pytest.param(head(b"X: a\rb"), Reason.REQUEST_MALFORMED, id="bare-cr"),
        pytest.param(head(b"X: a\nY: b"), Reason.REQUEST_MALFORMED, id="bare-lf"),
        pytest.param(head(b"X: \x7f"), Reason.REQUEST_MALFORMED, id="delete"),
        pytest.param(head(host=b""), Reason.HOST_INVALID, id="no-host"),
        pytest.param(head(b"Host: b"), Reason.HOST_INVALID, id="two-hosts"),
        pytest.param(head(host=b"Host: a/b"), Reason.HOST_INVALID, id="host-with-slash"),
        pytest.param(head(host=b"Host: a@b"), Reason.HOST_INVALID, id="host-with-user"),
        pytest.param(head(host=b"Host: a:70000"), Reason.HOST_INVALID, id="port-too-large"),
        pytest.param(head(host=b"Host:"), Reason.HOST_INVALID, id="empty-host"),
        pytest.param(head(b"Expect: magic"), Reason.EXPECTATION_REFUSED, id="unknown-expectation"),
        pytest.param(
            head(b"Upgrade: websocket", b"Connection: upgrade", b"Content-Length: 3"), Reason.FRAMING_AMBIGUOUS, id="websocket-with-body"
        ),
    ],
)
def test_refused(raw: bytes, reason: Reason) -> None:
    refusal = read_head(raw, LIMITS)
    assert isinstance(refusal, Refusal)
    assert refusal.reason is reason
    assert 400 <= refusal.status < 600


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        pytest.param(head(), {"length": None, "chunked": False, "keep_alive": True, "upgrade": False}, id="plain"),
        pytest.param(head(b"Content-Length: 5", b"Expect: 100-Continue"), {"length": 5, "expects_continue": True}, id="length"),
        pytest.param(head(b"Expect: 100-continue"), {"expects_continue": False}, id="nothing-to-continue"),
        pytest.param(head(b"Transfer-Encoding: Chunked"), {"chunked": True, "has_body": True}, id="chunked"),
        pytest.param(head(b"Connection: Close"), {"keep_alive": False}, id="close"),
        pytest.param(head(start=b"GET / HTTP/1.0"), {"keep_alive": False, "minor": 0}, id="1.0"),
        pytest.param(head(b"Connection: keep-alive", start=b"GET / HTTP/1.0", host=b""), {"keep_alive": True}, id="1.0-keep-alive"),
        pytest.param(head(b"Upgrade: WebSocket", b"Connection: x, Upgrade"), {"upgrade": True}, id="websocket"),
        pytest.param(head(b"Upgrade: h2c", b"Connection: Upgrade"), {"upgrade": False}, id="other-upgrade"),
        pytest.param(head(b"X:\t a b \t"), {"headers": [(b"Host", b"a"), (b"X", b"a b")]}, id="white-space-around-a-value"),
    ],
)
def test_taken(raw: bytes, expected: dict[str, object]) -> None:
    taken = read_head(raw, LIMITS)
    assert isinstance(taken, ClientHead)
    assert {name: getattr(taken, name) for name in expected} == expected


SMALL = HeadLimits(line=20, field=20, count=3, total=120)


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        pytest.param(b"GET /" + b"a" * 6 + b" HTTP/1.1\r\nHost: a", 0, id="line-at-the-limit"),
        pytest.param(b"GET /" + b"a" * 7 + b" HTTP/1.1\r\nHost: a", 414, id="line-over"),
        pytest.param(head(b"X: " + b"a" * 17), 0, id="field-at-the-limit"),
        pytest.param(head(b"X: " + b"a" * 18), 431, id="field-over"),
        pytest.param(head(b"Cookie: " + b"a" * 50), 0, id="a-cookie-line-may-be-longer"),
        pytest.param(head(b"Cookie: " + b"a" * 120), 431, id="but-not-than-the-head"),
        pytest.param(head(b"A: 1", b"B: 2"), 0, id="count-at-the-limit"),
        pytest.param(head(b"A: 1", b"B: 2", b"C: 3"), 431, id="count-over"),
        pytest.param(head(*[b"A: 1"] * 30), 431, id="total-over"),
    ],
)
def test_limits_of_a_head(raw: bytes, status: int) -> None:
    result = read_head(raw, SMALL)
    assert (result.status if isinstance(result, Refusal) else 0) == status


@pytest.mark.parametrize(
    ("data", "status"),
    [
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r", 0, id="unfinished"),
        pytest.param(b"GET / HTTP/1.1\nHost: a\n\n", 400, id="bare-line-feeds"),
        pytest.param(b"\x16\x03\x01", 400, id="tls-to-a-plain-port"),
        pytest.param(b" GET", 400, id="leading-space"),
        pytest.param(b"G" * 8191, 414, id="endless-line"),
        pytest.param(b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 6000, 431, id="endless-head"),
        pytest.param(b"", 0, id="nothing"),
    ],
)
def test_what_can_not_become_a_head_is_refused_before_its_end(data: bytes, status: int) -> None:
    refusal = incomplete_refusal(data, LIMITS)
    assert (refusal.status if refusal else 0) == status


@given(st.binary(max_size=200))
def test_any_bytes_are_a_head_or_a_client_error(data: bytes) -> None:
    result = read_head(data, LIMITS)
    assert isinstance(result, ClientHead) or 400 <= result.status < 506
    incomplete_refusal(data, LIMITS)


LINE = st.sampled_from(
    [b"Content-Length: 3", b"Transfer-Encoding: chunked", b"Host: a", b"X: y", b"Connection: close", b"Expect: 100-continue"]
)


@given(st.lists(LINE, max_size=6))
def test_what_is_taken_has_one_end(lines: list[bytes]) -> None:
    taken = read_head(head(*lines), LIMITS)
    if isinstance(taken, ClientHead):
        names = [name.lower() for name, _ in taken.headers]
        assert names.count(b"content-length") + names.count(b"transfer-encoding") <= 1
        assert names.count(b"host") == 1
