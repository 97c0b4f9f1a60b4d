"""What holds for every input, tried on a running gateway with inputs that nobody wrote (promises 7, 8, 11, 16 to 18, 23, 25)."""

from __future__ import annotations

import os
import re
from urllib.parse import unquote

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.gateway_process import GatewayProcess
from tests.recorder import Recorder, plainly
from tests.web.raw.cases import lines_of, toml_cases
from tests.wire import Connection, Ended, Malformed

#: Few hundred examples, or as many as `LIVE_EXAMPLES` says; no deadline: the gateway is another process on a busy machine.
LIVE = settings(
    max_examples=int(os.environ.get("LIVE_EXAMPLES", "300")),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

_pieces = st.sampled_from(
    [
        "/",
        "//",
        ".",
        "..",
        "%2e",
        "%2E",
        "%2f",
        "%5c",
        "%25",
        "%00",
        "%3b",
        ";",
        "\\",
        "admin",
        "public",
        "private",
        "x",
        "%61dmin",
        "%c0%ae",
        "%252e",
        "%32%65",
        "a;b",
        "..;",
        "%",
        "?",
        "??x=/../",
        "~",
        "%20",
        "%7e",
        "%ef%bc%8f",
        "%e2%80%a5",
        "%zz",
        "*",
        "(",
        "@",
        ":",
        "&",
        "=",
        "+",
    ]
)
targets = st.builds(
    lambda start, rest: start + "".join(rest),
    st.sampled_from(["/", "/public/", "/public", "/optional/", "//"]),
    st.lists(_pieces, max_size=8),
)


def readings(target: str) -> set[str]:
    """What upstreams of many kinds may take a path for. Written without a look at the gateway's own reader."""
    paths = {target.partition("?")[0]}
    for _ in range(2):  # once is what a server does; twice is what a careless one behind a careful one does
        paths |= {unquote(path, errors="replace") for path in paths}
    paths |= {path.replace("\\", "/") for path in paths}
    paths |= {re.sub(r";[^/]*", "", path) for path in paths}
    paths |= {path.partition("\0")[0] for path in paths}
    paths |= {re.sub("/+", "/", path) for path in paths}
    return {resolved(path) for path in paths}


def resolved(path: str) -> str:
    """Dot segments taken out (RFC 3986 5.2.4), as a file system does."""
    out: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            out = out[:-1]
        elif segment != ".":
            out.append(segment)
    return "/" + "/".join(segment for segment in out if segment)


@LIVE
@given(target=targets)
def test_what_is_decided_is_what_is_forwarded(target: str, gateway: GatewayProcess, upstream: Recorder) -> None:
    """Promise 23: nobody is signed in, so whatever arrives must lie in a public place, however the upstream reads it."""
    upstream.reset()
    answer = gateway.get(target)
    assert answer.status < 500, (target, answer)
    if not upstream.requests:
        return
    assert upstream.only().target == target
    for reading in readings(target):
        top = reading.split("/")[1]
        assert top in ("public", "optional", "stream", "small", "slashes", "get-only"), (target, reading)


_names = st.one_of(
    st.sampled_from(lines_of("identity_names.txt")),
    st.builds(
        lambda words, separators: "".join(word + separator for word, separator in zip(words, separators, strict=False)).rstrip("-_."),
        st.sampled_from(
            [["X", "Forwarded", "User"], ["X", "User", "Id"], ["X", "Department"], ["Remote", "User"], ["X", "Forwarded", "For"], ["Host"]]
        ),
        st.lists(st.sampled_from(["-", "_", ".", "--", "-_", "~", ""]), min_size=3, max_size=3),
    ).filter(bool),
    st.sampled_from(
        ["Connection", "Cookie", "Via", "Forwarded", "X-Real-IP", "Keep-Alive", "TE", "Trailer", "Upgrade", "X-Plain", "Accept"]
    ),
)
_values = st.one_of(
    st.just("mallory"),
    st.sampled_from(
        [
            "X-Forwarded-User",
            "close, X-User-Id",
            "Host, Cookie, Via",
            "keep-alive",
            "mallory, ada",
            "trailers",
            "a=mallory; authjs.session-token=x",
        ]
    ),
    st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=20).map(str.strip),
)


@LIVE
@given(headers=st.lists(st.tuples(_names, _values), max_size=12), path=st.sampled_from(["/private/x", "/optional/x", "/admin/x"]))
def test_no_mix_of_headers_forges_an_identity(
    headers: list[tuple[str, str]], path: str, gateway: GatewayProcess, upstream: Recorder, ada: str
) -> None:
    """Promises 9 and 16 to 18: each identity header arrives once, with our value, whatever else was sent."""
    upstream.reset()
    headers = [(name, value) for name, value in headers if name.lower() != "host"]
    answer = gateway.get(path, f"Cookie: {ada}", *(f"{name}: {value}" for name, value in headers))
    assert answer.status in (200, 400), (headers, answer)
    if answer.status == 400:
        assert upstream.requests == []
        return
    request = upstream.only()
    folded = [(re.sub(rb"[^a-z0-9]", b"", name.lower()), value) for name, value in request.lines]
    for name, value in ((b"xforwardeduser", b"ada"), (b"xuserid", b"ada"), (b"xuserroles", b"admin"), (b"xdepartment", b"engines")):
        assert [found for key, found in folded if key == name] == [value], request.head
    assert not any(key.startswith((b"remoteuser", b"xauthrequest")) for key, _ in folded), request.head


_seeds = [case.sent(ADA="authjs.session-token=x", BOB="authjs.session-token=y", TRIPWIRE="1") for case in toml_cases()]
_edits = st.lists(
    st.tuples(
        st.integers(0, 400),
        st.integers(0, 3),
        st.binary(max_size=4),
        st.sampled_from([b"", b"\r\n", b"\n", b"\0", b" ", b":", b"%", b"\x80"]),
    ),
    max_size=4,
)


def edited(data: bytes, edits: list[tuple[int, int, bytes, bytes]]) -> bytes:
    """Cut out and put in, here and there."""
    for place, cut, random, odd in edits:
        place %= len(data) + 1
        data = data[:place] + random + odd + data[place + cut :]
    return data


@LIVE
@given(seed=st.sampled_from(_seeds), edits=_edits, split=st.integers(0, 400))
def test_no_input_is_answered_with_a_5xx(
    seed: bytes, edits: list[tuple[int, int, bytes, bytes]], split: int, gateway: GatewayProcess, upstream: Recorder
) -> None:
    """Promises 7 and 8: a client's mistakes are 4xx, in well-formed answers; the upstream's transcript is clean (the fixture looks)."""
    data = edited(seed, edits)
    with gateway.connect(timeout=0.25) as connection:
        connection.send(data[:split])
        connection.send(data[split:])
        for answer in answers_until_silence(connection):
            assert answer.status < 500 or answer.status in (505, 508), (data, answer)
            assert b"aiohttp" not in answer.head + answer.body, (data, answer)


def answers_until_silence(connection: Connection):
    """Every answer that comes, until the connection ends or nothing more is said."""
    while True:
        try:
            answer = connection.head()
            if answer.status == 101:
                return
            if answer.status >= 200:
                connection.body(answer)
        except (Ended, TimeoutError):
            return
        except Malformed as error:
            # HEAD answers have no body, so a mutated HEAD may put the reader out of step; everything else may not.
            if "status line" in str(error):
                return
            raise
        yield answer


def test_a_session_cookie_with_one_byte_changed_is_none(gateway: GatewayProcess, upstream: Recorder, ada: str) -> None:
    """Promises 40 and 41: every byte counts, and a bad cookie is the same as none."""
    name, _, token = ada.partition("=")
    with gateway.connect() as connection:
        for place in range(0, len(token), 3):
            other = "A" if token[place] != "A" else "B"
            cookie = f"{name}={token[:place]}{other}{token[place + 1 :]}"
            answer = connection.request(f"GET /api/x HTTP/1.1\r\nHost: gateway.test\r\nCookie: {cookie}\r\n\r\n".encode())
            assert answer.status == 401, place
            assert answer.reason in ("session-unreadable", "session-missing")
    assert upstream.requests == []


_replies = st.sampled_from(
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-A\r\n\r\n2\r\nok\r\n0\r\nX-A: 1\r\n\r\n",
        b"HTTP/1.1 404 Not There\r\nContent-Length: 0\r\nSet-Cookie: a=b\r\nset-cookie: authjs.session-token=evil\r\nSET-COOKIE: c=d\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncache-control: public, max-age=5\r\nVary: *\r\nContent-Length: 0\r\nX-Gateway-Reason: evil\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\nVary: Accept\r\nVary: cookie\r\n\r\n",
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\nETag: x\r\n\r\n",
        b"HTTP/1.1 302 \r\nLocation: //elsewhere\r\nConnection: X-Drop, keep-alive\r\nX-Drop: 1\r\nKeep-Alive: x\r\nVia: 1.1 other\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-8bit: \xe4\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    ]
)


@LIVE
@given(
    headers=st.lists(st.tuples(_names, _values), max_size=8),
    path=st.sampled_from(["/private/x", "/optional/x", "/public/x?a=b", "/admin/x", "/private/%41"]),
    cookie=st.sampled_from(["", "ADA", "BOB", "a=b; ADA", "ADA; c=d", "ADA; BOB", "a=b"]),
    reply=_replies,
)
def test_both_lanes_mean_the_same(
    headers: list[tuple[str, str]], path: str, cookie: str, reply: bytes, gateway: GatewayProcess, upstream: Recorder, ada: str, bob: str
) -> None:
    """A field that only the general lane knows what to do with changes nothing that upstream or client see, but for itself."""
    cookie = cookie.replace("ADA", ada).replace("BOB", bob)
    lines = [f"{name}: {value}" for name, value in headers if name.lower() not in ("host", "max-forwards")] + (
        [f"Cookie: {cookie}"] if cookie else []
    )
    seen = []
    for more in ([], ["Max-Forwards: 5"]):
        upstream.reset()
        upstream.script = plainly(reply)
        answer = gateway.get(path, *more, *lines)
        forwarded = [[line for line in request.lines if line[0] != b"Max-Forwards"] for request in upstream.requests]
        told = [line for line in answer.lines if line[0].lower() not in (b"date", b"x-request-id", b"content-security-policy")]
        body = re.sub(rb"[0-9a-f]{16}|nonce=\S+", b"", answer.body) if answer.reason else answer.body
        seen.append((forwarded, answer.status, told, body))
    assert seen[0] == seen[1]
