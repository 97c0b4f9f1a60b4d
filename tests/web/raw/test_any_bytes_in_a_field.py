"""Promise 7: whatever stands in a field that the gateway reads itself, it is no fault of the gateway's."""

from __future__ import annotations

import pytest

from tests.gateway_process import GatewayProcess

READ = (
    *(b"Via", b"Max-Forwards", b"X-Forwarded-For", b"X-Forwarded-Host", b"Forwarded", b"Cookie", b"Origin", b"Accept", b"Sec-Fetch-Mode"),
    *(b"Sec-Fetch-Site", b"X-Requested-With", b"Content-Type", b"X-Auth-Return-Redirect", b"Referer", b"Authorization", b"Keep-Alive"),
    *(b"Connection", b"Upgrade", b"TE", b"Expect", b"Content-Length", b"Transfer-Encoding", b"User-Agent", b"Sec-WebSocket-Key"),
)
VALUES = {
    "8-bit": b"\xe9",
    "superscript-digit": b"\xb2",
    "broken-utf-8": b"a\xff\xfe",
    "digits": b"9" * 5000,
    "nan": b"text/html;q=nan, a/b;q=1e999",
    "percents": b"%" * 50 + b"%zz%00",
    "commas": b"," * 500,
    "quotes": b'"\\"' * 50,
    "address": b"[::1%25x]:99999999999",
}
STARTS = (b"GET /public/x", b"OPTIONS /public/x", b"GET /api/auth/signin", b"GET /api/auth/session", b"POST /api/auth/callback/credentials")


@pytest.mark.parametrize("value", VALUES.values(), ids=list(VALUES))
def test_no_value_of_a_field_is_answered_with_a_5xx(value: bytes, gateway: GatewayProcess) -> None:
    faults = []
    for start in STARTS:
        for name in READ:
            answer = gateway.raw(b"%b HTTP/1.1\r\nHost: gateway.test\r\nConnection: close\r\n%b: %b\r\n\r\n" % (start, name, value))
            if not b"200" <= answer[9:12] < b"500":
                faults.append((start, name, answer[:40]))
    assert not faults
