"""Heads that leave the gateway: stripped first, then set, and never more lines than were meant."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.headers import Stripper
from gateway.proxy.fields import RawHeaders
from gateway.proxy.heads import VIA_NAME, Forwarded, Framing, request_head, response_head, response_lines, via_count

STRIPPER = Stripper(["X-Auth-User", "X-Tenant"])
FORWARDED = Forwarded(client="203.0.113.9", scheme="https", host="app.example.com")
OURS = [
    b"X-Forwarded-For: 203.0.113.9",
    b"X-Real-IP: 203.0.113.9",
    b"X-Forwarded-Proto: https",
    b"X-Forwarded-Host: app.example.com",
    b"X-Forwarded-Port: 443",
    b"Via: 1.1 auth-gateway",
]


def head(headers: RawHeaders = [], **changes) -> bytes:  # noqa: B006
    given_ = {
        "method": "GET",
        "target": "/a?b=c",
        "headers": headers,
        "host": "app.example.com",
        "cookie": "",
        "set_headers": (),
        "strips": STRIPPER.strips,
        "forwarded": FORWARDED,
        "framing": Framing.none(),
    }
    return request_head(**{**given_, **changes})


def passed(*headers: tuple[bytes, bytes], **changes) -> list[bytes]:
    """The lines that remain of a client's headers."""
    lines = head(list(headers), **changes).split(b"\r\n")
    assert lines[:2] == [b"GET /a?b=c HTTP/1.1", b"Host: app.example.com"]
    assert lines[-2:] == [b"", b""]
    assert [line for line in lines if line in OURS] == OURS
    return [line for line in lines[2:-2] if line not in OURS]


def test_a_plain_head_holds_what_is_needed_and_nothing_else() -> None:
    assert head() == b"GET /a?b=c HTTP/1.1\r\nHost: app.example.com\r\n" + b"\r\n".join(OURS) + b"\r\n\r\n"  # promise 11


def test_order_case_and_repetition_stay() -> None:
    headers = [(b"ACCEPT", b"a"), (b"x-b", b"1"), (b"X-B", b"2"), (b"Accept", b"b"), (b"x-b", b"1"), (b"Content-Encoding", b"gzip")]
    assert passed(*headers) == [name + b": " + value for name, value in headers]  # promise 11


@pytest.mark.parametrize(
    "name",
    [
        "Connection",
        "Keep-Alive",
        "Proxy-Connection",
        "Proxy-Authorization",
        "Proxy-Authenticate",
        "Proxy-Anything",
        "Proxy",
        "TE",
        "Trailer",
        "Transfer-Encoding",
        "Upgrade",
        "HTTP2-Settings",
        "Host",
        "Content-Length",
        "Expect",
        "Cookie",
        "Forwarded",
        "Via",
        "X-Real-IP",
        "X-Forwarded-For",
        "X-Forwarded-Proto",
        "X-Forwarded-Host",
        "X-Forwarded-Port",
        "X-Forwarded-Prefix",
        "X-Forwarded-Anything",
        "X_Forwarded_For",
        "X-Forwarded_For",
        "x.forwarded.for",
        "X_Real_IP",
        "Content_Length",
        "Transfer_Encoding",
        "Proxy_Anything",
        "X-Auth-User",
        "X_Auth_User",
        "x-auth_user",
        "X.Auth.User",
        "X-Tenant",
        "X-Remote-User",
        "X-Original-URL",
        "X-HTTP-Method-Override",
        "Remote-User",
        "X-Auth-Request-Groups",
        "___",
        "-",
    ],
)
def test_these_never_pass(name: str) -> None:
    for spelling in {name, name.lower(), name.upper()}:  # promises 8, 9, 16, 17, 20, 21
        assert passed((spelling.encode(), b"evil")) == []


@pytest.mark.parametrize(
    "name", ["Sec-WebSocket-Key", "Sec-WebSocket-Version", "Authorization", "Origin", "Referer", "Range", "If-Match", "X-Custom_Name"]
)
def test_these_pass(name: str) -> None:
    assert passed((name.encode(), b"value")) == [name.encode() + b": value"]


def test_what_connection_names_stops_here() -> None:
    headers = [(b"Connection", b"close, X-A ,x-b"), (b"X-A", b"1"), (b"x-B", b"2"), (b"connection", b"X-C"), (b"X-C", b"3"), (b"X-D", b"4")]
    assert passed(*headers) == [b"X-D: 4"]  # promise 9


def test_connection_cannot_name_what_we_add() -> None:
    named = b"X-User-Id, X-Forwarded-For, Cookie, Host, Via, Content-Length, X-Forwarded-Host, X-Real-IP"
    lines = passed(
        (b"Connection", named), set_headers=[("X-User-Id", "ada")], cookie="a=b", framing=Framing.length(5)
    )  # promise 9, CVE-2025-48865
    assert lines == [b"Cookie: a=b", b"X-User-Id: ada", b"Content-Length: 5"]


@pytest.mark.parametrize(
    ("framing", "line"),
    [
        pytest.param(Framing.none(), [], id="none"),
        pytest.param(Framing.length(0), [b"Content-Length: 0"], id="empty"),
        pytest.param(Framing.length(12), [b"Content-Length: 12"], id="length"),
        pytest.param(Framing.chunked(), [b"Transfer-Encoding: chunked"], id="chunked"),
    ],
)
def test_framing_is_ours_alone(framing: Framing, line: list[bytes]) -> None:
    client = [(b"Content-Length", b"99"), (b"Transfer-Encoding", b"gzip"), (b"content-length", b"1")]
    assert passed(*client, framing=framing) == line  # promise 8


def test_an_upgrade_says_so_once() -> None:
    client = [(b"Connection", b"Upgrade, X-A"), (b"Upgrade", b"websocket, h2c"), (b"Sec-WebSocket-Key", b"k")]
    assert passed(*client, upgrade=True) == [b"Sec-WebSocket-Key: k", b"Connection: Upgrade", b"Upgrade: websocket"]


def test_forwarding_headers_tell_the_whole_way() -> None:
    forwarded = Forwarded(
        client="10.0.0.1", scheme="http", host="a.example:81", port=81, chain=("2001:db8::1", "10.0.0.2"), via=("1.0 old", "2 edge")
    )
    assert forwarded.lines() == [
        "X-Forwarded-For: 2001:db8::1, 10.0.0.2, 10.0.0.1",
        "X-Real-IP: 2001:db8::1",
        "X-Forwarded-Proto: http",
        "X-Forwarded-Host: a.example:81",
        "X-Forwarded-Port: 81",
        "Via: 1.0 old, 2 edge, 1.1 auth-gateway",
    ]


def test_a_client_without_an_address_is_not_made_up() -> None:
    assert Forwarded(client="", scheme="http", host="a").lines()[0] == "X-Forwarded-Proto: http"


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"method": "GET /x HTTP/1.1\r\nA: b\r\n\r\nGET"}, id="method-line"),
        pytest.param({"method": "G ET"}, id="method-space"),
        pytest.param({"method": ""}, id="method-empty"),
        pytest.param({"method": "CONNECT"}, id="connect"),
        pytest.param({"target": "/a b"}, id="target-space"),
        pytest.param({"target": "/a\r\nX: y"}, id="target-line"),
        pytest.param({"target": "/a\n"}, id="target-line-feed"),
        pytest.param({"target": "http://evil/"}, id="target-absolute"),
        pytest.param({"target": "evil:80"}, id="target-authority"),
        pytest.param({"target": "/a#b"}, id="target-fragment"),
        pytest.param({"target": "/\xe9"}, id="target-8-bit"),
        pytest.param({"target": ""}, id="target-empty"),
        pytest.param({"target": "*x"}, id="target-star-and-more"),
        pytest.param({"host": "a\r\nX: y"}, id="host-line"),
        pytest.param({"host": "a@b"}, id="host-user"),
        pytest.param({"host": ""}, id="host-empty"),
        pytest.param({"cookie": "a=b\r\nX: y"}, id="cookie-line"),
        pytest.param({"cookie": "a=\0"}, id="cookie-nul"),
        pytest.param({"set_headers": [("X-User", "a\r\nX-Role: admin")]}, id="identity-line"),
        pytest.param({"set_headers": [("X-User", "a\nX-Role: admin")]}, id="identity-line-feed"),
        pytest.param({"set_headers": [("X-User", "a\rX-Role: admin")]}, id="identity-carriage-return"),
        pytest.param({"set_headers": [("X-User", "\xe9")]}, id="identity-8-bit"),
        pytest.param({"set_headers": [("X User", "a")]}, id="identity-name-space"),
        pytest.param({"set_headers": [("X-User: a\r\nX-Role", "admin")]}, id="identity-name-line"),
        pytest.param({"set_headers": [("", "a")]}, id="identity-name-empty"),
        pytest.param({"headers": [(b"A", b"b\r\nX-Auth-User: root")]}, id="value-line"),
        pytest.param({"headers": [(b"A", b"b\nX-Auth-User: root")]}, id="value-line-feed"),
        pytest.param({"headers": [(b"A", b"b\rX")]}, id="value-carriage-return"),
        pytest.param({"headers": [(b"A", b"b\0")]}, id="value-nul"),
        pytest.param({"headers": [(b"A", b"b\x7f")]}, id="value-del"),
        pytest.param({"headers": [(b"A: b\r\nX-Auth-User", b"root")]}, id="name-line"),
        pytest.param({"headers": [(b"X-Auth-User ", b"root"), (b"B C", b"d")]}, id="name-space"),
        pytest.param({"headers": [(b"A:", b"root")]}, id="name-colon"),
        pytest.param({"headers": [(b"A\xe9", b"root")]}, id="name-8-bit"),
        pytest.param({"forwarded": Forwarded(client="a\r\nb", scheme="http", host="a")}, id="client-line"),
        pytest.param({"forwarded": Forwarded(client="a", scheme="http", host="a", via=("1.1 a\r\nX: y",))}, id="via-line"),
    ],
)
def test_what_could_be_read_as_more_is_never_sent(changes) -> None:
    with pytest.raises(ValueError):
        head(**changes)


def test_a_star_is_a_target() -> None:
    assert head(method="OPTIONS", target="*").startswith(b"OPTIONS * HTTP/1.1\r\n")


names = st.one_of(
    st.from_regex(rb"[A-Za-z0-9_.-]{1,10}", fullmatch=True),
    st.sampled_from([b"Connection", b"X_Auth-User", b"Cookie", b"TE", b"Content-Length", b"x-forwarded-for", b"Via"]),
    st.binary(max_size=8),
)
values = st.one_of(st.from_regex(rb"[\x20-\x7e\x80-\xff]{0,12}", fullmatch=True), st.sampled_from([b"x-a, X-User"]), st.binary(max_size=8))


@given(
    st.lists(st.tuples(names, values), max_size=8),
    st.lists(st.tuples(st.text(max_size=8), st.text(max_size=8)), max_size=2),
    st.text(max_size=8),
    st.sampled_from([Framing.none(), Framing.length(7), Framing.chunked()]),
)
def test_a_head_reads_back_as_what_was_meant_or_is_refused(
    headers: RawHeaders, identity: list[tuple[str, str]], cookie: str, framing: Framing
) -> None:
    try:
        made = head(headers, set_headers=identity, cookie=cookie, framing=framing)
    except ValueError:
        return
    assert made.endswith(b"\r\n\r\n")
    assert made.count(b"\r\n\r\n") == 1
    assert not set(made) & {*range(9), 11, 12, *range(14, 32), 127}
    first, *lines = made[:-4].split(b"\r\n")
    assert b"\r" not in made.replace(b"\r\n", b"")
    assert b"\n" not in made.replace(b"\r\n", b"")
    assert first == b"GET /a?b=c HTTP/1.1"
    read = [tuple(line.split(b": ", 1)) for line in lines]
    added = [(b"Host", b"app.example.com"), *([(b"Cookie", cookie.encode())] if cookie else [])]
    added += [tuple(line.split(b": ", 1)) for line in OURS]
    added += [(name.encode(), value.encode()) for name, value in identity]
    added += [(b"Content-Length", b"7")] if framing.content_length else []
    added += [(b"Transfer-Encoding", b"chunked")] if framing.is_chunked else []
    for line in added:
        read.remove(line)  # each exactly once
    rest = iter(headers)
    assert all(line in rest for line in read)  # what is left is the client's, in its order
    assert not any(STRIPPER.strips(name.decode().lower()) for name, _ in read)


@pytest.mark.parametrize(
    ("values_", "count"),
    [
        pytest.param([], 0, id="none"),
        pytest.param([b"1.1 other"], 0, id="another"),
        pytest.param([b"1.1 auth-gateway"], 1, id="once"),
        pytest.param([b"1.0 a, 1.1 Auth-Gateway (x),HTTP/1.1 auth-gateway", b"1.1 auth-gateway"], 3, id="three-times"),
        pytest.param([b"1.1 auth-gateway-2, 1.1 my-auth-gateway"], 0, id="look-alikes"),
    ],
)
def test_how_often_a_request_passed_here(values_: list[bytes], count: int) -> None:
    assert VIA_NAME == "auth-gateway"
    assert via_count([(b"vIa", value) for value in values_]) == count  # promise 12


@dataclass
class Answer:
    status: int = 200
    reason: bytes = b"OK"
    version: str = "1.1"
    headers: RawHeaders = field(default_factory=list)


def lines_of(*headers: tuple[bytes, bytes], status: int = 200, **more) -> RawHeaders:
    made = response_lines(Answer(status=status, headers=list(headers)), owns_cookie=lambda name: name == "authjs.session-token", **more)
    assert made[-1] == (b"Via", b"1.1 auth-gateway")
    return made[:-1]


def test_response_fields_pass_unchanged() -> None:
    headers = [(b"SET-Cookie", b"a=1"), (b"set-cookie", b"b=2"), (b"Content-Length", b"5"), (b"X-A", b"\xe9"), (b"Retry-After", b"3")]
    assert lines_of(*headers) == headers


@pytest.mark.parametrize(
    "name",
    [
        "Connection",
        "Keep-Alive",
        "Proxy-Authenticate",
        "Proxy-Connection",
        "TE",
        "Trailer",
        "Transfer-Encoding",
        "Upgrade",
        "HTTP2-Settings",
    ],
)
def test_hop_by_hop_response_fields_stop_here(name: str) -> None:
    assert lines_of((name.encode(), b"x"), (name.upper().encode(), b"x"), (b"A", b"b")) == [(b"A", b"b")]  # promise 9


def test_a_response_names_hop_by_hop_fields_too_but_not_its_length() -> None:
    assert lines_of((b"Connection", b"x-a, content-length"), (b"X-A", b"1"), (b"Content-Length", b"5")) == [(b"Content-Length", b"5")]


@pytest.mark.parametrize(
    ("cookie", "dropped"),
    [
        pytest.param(b"authjs.session-token=evil; Path=/", True, id="plain"),
        pytest.param(b"  authjs.session-token \t= evil", True, id="white-space"),
        pytest.param(b"authjs.session-token", True, id="no-equals"),
        pytest.param(b"=authjs.session-token=evil", True, id="nameless"),
        pytest.param(b" = authjs.session-token=evil; Path=/x", True, id="nameless-white-space"),
        pytest.param(b"authjs.session-token;=evil", True, id="semicolon-before-equals"),
        pytest.param(b"other=authjs.session-token=evil", False, id="value-only"),
        pytest.param(b"authjs.session-tokens=mine", False, id="longer-name"),
        pytest.param(b"session=mine; Comment=authjs.session-token=x", False, id="attribute"),
    ],
)
def test_an_upstream_cannot_set_our_cookies(cookie: bytes, dropped: bool) -> None:
    assert lines_of((b"Set-Cookie", cookie)) == ([] if dropped else [(b"Set-Cookie", cookie)])  # promise 22


@pytest.mark.parametrize(("status", "kept"), [(200, True), (304, True), (206, True), (204, False), (103, False)])
def test_a_length_stays_where_it_may_be(status: int, kept: bool) -> None:
    assert bool(lines_of((b"Content-Length", b"0"), status=status)) == kept


def test_further_names_can_be_left_out() -> None:
    assert lines_of((b"X-Gateway-Reason", b"forged"), drops=frozenset({b"x-gateway-reason"})) == []


@pytest.mark.parametrize(
    ("changes", "last"),
    [
        pytest.param({}, b"", id="keep-alive"),
        pytest.param({"keep_alive": False}, b"Connection: close\r\n", id="close"),
        pytest.param({"minor": 0}, b"Connection: keep-alive\r\n", id="keep-alive-1.0"),
        pytest.param({"chunked": True}, b"Transfer-Encoding: chunked\r\n", id="chunked"),
    ],
)
def test_a_response_head(changes, last: bytes) -> None:
    assert response_head(Answer(), [(b"A", b"b")], **changes) == b"HTTP/1.1 200 OK\r\nA: b\r\n" + last + b"\r\n"


def test_a_switching_response_head() -> None:
    made = response_head(Answer(status=101, reason=b"Switching Protocols"), [(b"Sec-WebSocket-Accept", b"x")])
    assert made == (b"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        pytest.param(Answer(reason=b"OK\r\nA: b"), (b"B", b"c"), id="reason-line"),
        pytest.param(Answer(), (b"B", b"c\r\nD: e"), id="value-line"),
        pytest.param(Answer(), (b"B", b"c\nD: e"), id="value-line-feed"),
        pytest.param(Answer(), (b"B c", b"d"), id="name-space"),
        pytest.param(Answer(), (b"B", b"\0"), id="nul"),
    ],
)
def test_a_response_head_is_never_more_than_meant(answer: Answer, line: tuple[bytes, bytes]) -> None:
    with pytest.raises(ValueError):  # promise 31
        response_head(answer, [line])
