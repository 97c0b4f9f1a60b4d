"""What clients may send and upstreams may answer, made up: plain things mostly, odd ones among them, in any mix."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import strategies as st

from tests.recorder import OK, Exchange, Script
from tests.web.raw.cases import lines_of

#: More plain than odd: a request with ten oddities is refused for the first one.
PLAIN_LINES = (
    *(
        "Accept: text/html",
        "Accept: */*",
        "User-Agent: Mozilla/5.0 (X11; Linux x86_64)",
        "Accept-Encoding: gzip, br",
        "accept-language: en",
    ),
    *(
        "Connection: keep-alive",
        "Sec-Fetch-Mode: navigate",
        "X-Requested-With: XMLHttpRequest",
        'If-None-Match: "a:  b"',
        "Range: bytes=0-3",
    ),
    *("Referer: http://gateway.test/public/?a=b#c", "Cache-Control: no-cache", "X-Plain: 1", "X-Plain: 2", "Authorization: Basic YTpi"),
    *(
        "Upgrade-Insecure-Requests: 1",
        "DNT: 1",
        "Origin: http://gateway.test",
        "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    ),
)
ODD_LINES = (
    *(
        "Connection: close",
        "connection: Keep-Alive",
        "Connection: keep-alive, X-Plain",
        "Connection: X-Forwarded-User",
        "Connection: upgrade",
    ),
    *(
        "Connection: keep-alive ",
        "Connection:keep-alive",
        "Connection:  keep-alive",
        "Keep-Alive: timeout=5",
        "Proxy-Connection: keep-alive",
    ),
    *(
        "TE: trailers",
        "Trailer: X-T",
        "Upgrade: websocket",
        "Upgrade: h2c",
        "HTTP2-Settings: AAMAAABk",
        "Expect: 100-continue",
        "Expect: x",
    ),
    *("Via: 1.1 elsewhere", "Via: 1.1 auth-gateway", "Via: " + ", ".join(["1.1 auth-gateway"] * 6), "Max-Forwards: 0", "Max-Forwards: 3"),
    *(
        "Forwarded: for=1.2.3.4",
        "X-Forwarded-For: 1.2.3.4",
        "X-Forwarded-Host: other.test",
        "X-Forwarded-Proto: https",
        "X-Real-IP: 1.2.3.4",
    ),
    *(
        "X-Original-URL: /admin/x",
        "X-HTTP-Method-Override: DELETE",
        "X_Forwarded_User: mallory",
        "X-User-Id: mallory",
        "Proxy: http://evil/",
    ),
    *(
        "Content-Length: 0",
        "Content-Length: 00",
        "Content-Length: x",
        "Content-Length: +0",
        "Transfer-Encoding: chunked",
        "content_length: 3",
    ),
    *(
        "X-Empty:",
        "X-Empty: ",
        "X-Tab:\tb",
        "X-Trail: b ",
        "X-Trail: b\t",
        "X-Two:  b",
        "X-Inner: a \t b",
        "X-Colon: a: b",
        ":",
        "no colon",
        " folded",
    ),
    *(
        "X-High: \xe9",
        "X-Del: \x7f",
        "X-Nul: \0",
        "X-Lf: a\nX-B: c",
        "X-Cr: a\rb",
        "X Space: b",
        "X-Space : b",
        "X-User-Id : mallory",
        "*: x",
        "-: x",
    ),
    *(
        "X-Big: " + "b" * 8183,
        "X-Big: " + "b" * 8184,
        "X-Gateway-Reason: route-public",
        "X-Request-Id: 1",
        "Cookie:",
        "Cookie: ",
        "COOKIE: a=b",
    ),
    *("Host: gateway.test", "Host: other.test", "host_: evil", "Te: gzip", "Date: x", "Server: x", "X-" + "n" * 40 + ": x"),
)
HOSTS = (
    "gateway.test",
    "gateway.test:80",
    "GATEWAY.test",
    "gateway.test.",
    "other.test",
    "gateway.test:8080",
    "evil.test",
    "",
    "a b",
    "[::1]",
    "gateway.test:0",
)
TARGETS = (
    *(
        "/public/x",
        "/private/x",
        "/small/x",
        "/admin/x",
        "/optional/x",
        "/api/x",
        "/closed/x",
        "/get-only/x",
        "/stream/x",
        "/nowhere",
        "/",
        "/public",
        "/private/",
    ),
    *(
        "/private/a/b/c?d=e&f=%2e%2e",
        "/public/?",
        "/public/x?a=/../",
        "/public/~u/a;b=c/@x",
        "/private/a.b",
        "/private/.a",
        "/private/a..b",
    ),
)
ODD_TARGETS = (
    *(
        "/public/%78",
        "/public/../admin/x",
        "/public/%2e%2e/admin",
        "//public/x",
        "/public//x",
        "/public/./x",
        "/public/a%2fb",
        "/slashes/a%2fb",
    ),
    *(
        "/public/x#y",
        "/public/x\\y",
        "/public/%",
        "/public/\t",
        "/public/a b",
        "http://gateway.test/public/x",
        "http://other.test/x",
        "*",
        "x",
    ),
    *(
        "/api/auth/session",
        "/api/auth",
        "/api/auth/csrf",
        "/api/authx",
        "/api/auth/../x",
        "/API/auth/session",
        "/public/..;/admin/x",
        "/public/\xe9",
    ),
    *("/public/" + "a" * 8165, "/public/" + "a" * 8169, "/public/" + "a" * 8170, "/public/x?" + "q" * 9000),
)
METHODS = ("GET",) * 12 + ("HEAD", "POST", "PUT", "OPTIONS", "DELETE", "TRACE", "get", "PRI")
#: What the express lane takes; most of them come with a body.
USUAL_METHODS = ("POST",) * 4 + ("PUT", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "GET")
#: `/small/**` takes 1000 bytes. One body looks like a request, one like fields, one like chunks.
BODIES = (
    *(b"", b"a", b"abc", b"GET /public/inner HTTP/1.1\r\nHost: gateway.test\r\n\r\n", b"\r\nCookie: a=b\r\n\r\n", b"3\r\nabc\r\n0\r\n\r\n"),
    *(b"b" * 999, b"c" * 1000, b"d" * 1001, bytes(range(256)) * 20, b"e" * 70_000, b"f" * 300_000),
)
VERSIONS = ("HTTP/1.1",) * 12 + ("HTTP/1.0", "HTTP/2.0", "HTTP/1.2", "http/1.1", "HTTP/1.1 ", "")
COOKIES = (
    *(
        "",
        "",
        "ADA",
        "ADA",
        "ADA",
        "BOB",
        "a=b; ADA",
        "ADA; theme=dark",
        "theme=dark",
        "ADA; BOB",
        "BOB;ADA",
        " ADA",
        "ADA ",
        "a;ADA",
        "ADA;",
    ),
    *(
        "authjs.session-token=bad",
        "authjs.session-token=",
        "authjs.session-token.0=a; ADA",
        "authjs.csrf-token=x; a=b",
        "AUTHJS.session-token=x; ADA",
    ),
    *("authjs.callback-url=%2F", "=ADA", 'a="b; c"', "a=b, c=d", "ADA\r\nCookie: a=b", "a=b\r\nCookie: ADA", "ADAx"),
)


def _mostly(plain: tuple[str, ...], odd: tuple[str, ...], *, of: int = 8) -> st.SearchStrategy[str]:
    return st.integers(1, of).flatmap(lambda roll: st.sampled_from(odd if roll == 1 else plain))


@st.composite
def requests(draw: st.DrawFn, *, number: int, cookies: dict[str, str]) -> bytes:
    """One request, with the number by which its answer is found."""
    odd = draw(st.integers(0, 2)) == 0
    upload = not odd and draw(st.booleans())
    method = draw(st.sampled_from(METHODS if odd else USUAL_METHODS if upload else ("GET",)))
    version = draw(st.sampled_from(VERSIONS if odd else ("HTTP/1.1",)))
    target = draw(_mostly(TARGETS, ODD_TARGETS, of=3 if odd else 12))
    lines = draw(st.lists(st.sampled_from(PLAIN_LINES), max_size=5))
    if odd:
        lines += draw(
            st.lists(
                st.one_of(st.sampled_from(ODD_LINES), st.sampled_from(lines_of("identity_names.txt")).map("{}: mallory".format)), max_size=3
            )
        )
    cookie = draw(st.sampled_from(COOKIES))
    for name, value in cookies.items():
        cookie = cookie.replace(name, value)
    lines += [f"Cookie: {cookie}"] if cookie else []
    host = draw(_mostly(HOSTS[:2], HOSTS, of=4 if odd else 20))
    lines += [f"Host: {host}"] if host else []
    body = draw(st.sampled_from(BODIES)) if upload else b""
    if upload and (body or draw(st.booleans())):
        lines.append(f"Content-Length: {len(body)}")
        lines += draw(st.sampled_from(((),) * 8 + (("Connection: close",), ("Expect: 100-continue",))))
    lines = draw(st.permutations([*lines, f"X-Number: {number}"]))
    end = draw(st.sampled_from(("\r\n",) * 12 + ("\n", "\r\r\n", "\r\n\r\n")) if odd else st.just("\r\n"))
    if odd and method in ("POST", "PUT", "GET") and draw(st.booleans()):
        body = draw(st.sampled_from((b"", b"abc", b"3\r\nabc\r\n0\r\n\r\n", b"GET /public/inner HTTP/1.1\r\nHost: gateway.test\r\n\r\n")))
        framing = "Transfer-Encoding: chunked" if body[:1] == b"3" else f"Content-Length: {len(body)}"
        lines.append(framing)
    return (f"{method} {target} {version}" + end + "".join(line + "\r\n" for line in lines) + "\r\n").encode("latin-1") + body


@st.composite
def pipelines(draw: st.DrawFn, cookies: dict[str, str]) -> list[bytes]:
    """A few requests on one connection, in packets that end anywhere."""
    count = draw(st.integers(1, 4))
    data = b"".join(draw(requests(number=number, cookies=cookies)) for number in range(count))
    cuts = sorted(draw(st.lists(st.integers(1, max(1, len(data) - 1)), max_size=3, unique=True)))
    return [piece for piece in (data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)) if piece]


REPLY_LINES = (
    *("Content-Type: text/html", "X-A: b", "X-A: c", "Cache-Control: no-store", "Cache-Control: public, max-age=60", "cache-control: s-maxage=5", "X-Accel-Expires: 5"),
    *("Cache-Control: private", "Cache-Control: ", "Vary: Accept", "vary: cookie", "Vary: *", "Set-Cookie: a=b; Path=/", "Set-Cookie: c=d"),
    *("Set-Cookie: authjs.session-token=evil", "Set-Cookie: =authjs.session-token=evil", "set-cookie: __Secure-authjs.session-token.0=evil"),
    *("Connection: keep-alive", "Connection: close", "Connection: X-A", "connection: Content-Length, keep-alive", "Keep-Alive: timeout=5, max=9"),
    *("Keep-Alive: timeout=0", "Via: 1.0 inner", "Trailer: X-T", "Upgrade: h2c", "X-Gateway-Reason: route-public", "Location: http://evil.test/"),
    *("Proxy-Authenticate: Basic", "WWW-Authenticate: Basic", "X-Two:  b", "X-Trail: b ", "X-Empty:", "X-High: \xe9", "X-Long: " + "b" * 9000, "Date: x", "Server: x"),
)  # fmt: skip
BAD_REPLY_LINES = (
    "X-Nul: \0",
    "X Space: b",
    "no colon",
    " folded",
    "X-Cr: a\rb",
    "X-Lf: a\nb",
    "X-Space : b",
    "Content-Length: x",
    "Content-Length: 3",
    "Transfer-Encoding: gzip",
)
STATUSES = ("200 OK",) * 8 + (
    "404 Not Found",
    "500 No",
    "302 Found",
    "206 Partial Content",
    "200 ",
    "299 Odd",
    "204 No Content",
    "304 Not Modified",
)
BAD_STATUSES = ("101 Switching Protocols", "99 x", "600 x", "abc", "200", "1000 x")
BODY = b"recorded and played"


@dataclass(frozen=True)
class Reply:
    """What an upstream sends, in pieces, and how it ends."""

    pieces: tuple[bytes, ...]
    end: str = "keep"

    def __call__(self, exchange: Exchange) -> None:
        """Play it."""
        exchange.read_body()
        for number, piece in enumerate(self.pieces):
            if number:
                time.sleep(0.001)
            exchange.send(piece)
        if self.end == "close":
            exchange.close()
        elif self.end == "reset":
            time.sleep(0.02)  # or it overtakes what was sent
            exchange.reset()


@st.composite
def replies(draw: st.DrawFn) -> Script:
    """One answer: mostly a good one."""
    bad = draw(st.integers(0, 7)) == 0
    status = draw(_mostly(STATUSES, BAD_STATUSES, of=4) if bad else st.sampled_from(STATUSES))
    lines = draw(st.lists(st.sampled_from(REPLY_LINES), max_size=5))
    if bad:
        lines += draw(st.lists(st.sampled_from(BAD_REPLY_LINES), max_size=1))
    framing = draw(st.sampled_from(("length", "length", "length", "chunked", "chunked", "close", "none")))
    end = "keep"
    body = b""
    if framing == "length":
        lines.append(f"Content-Length: {len(BODY)}")
        body = BODY
    elif framing == "chunked":
        lines.append("transfer-encoding: chunked")
        body = (
            b"8;x=y\r\nrecorded\r\n4\r\n and\r\n7\r\n played\r\n0\r\n"
            + draw(st.sampled_from((b"", b"X-T: 1\r\n", b"Set-Cookie: a=b\r\n")))
            + b"\r\n"
        )
    elif framing == "close":
        body, end = BODY, "close"
    else:
        lines.append("Content-Length: 0")
    if status.startswith(("204", "304")) and draw(st.booleans()):
        body = b""
    early = draw(st.sampled_from((b"",) * 6 + (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 2)))
    version = draw(st.sampled_from(("HTTP/1.1",) * 8 + ("HTTP/1.0", "HTTP/2.0" if bad else "HTTP/1.1")))
    head = (f"{version} {status}\r\n" + "".join(line + "\r\n" for line in draw(st.permutations(lines))) + "\r\n").encode("latin-1")
    data = early + head + body
    if bad:
        data, end = draw(_breaks(data, len(early + head), end))
    cuts = sorted(draw(st.lists(st.integers(1, max(1, len(data) - 1)), max_size=2, unique=True)))
    return Reply(
        tuple(piece for piece in (data[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(data)], strict=True)) if piece), end
    )


def _breaks(data: bytes, head: int, end: str) -> st.SearchStrategy[tuple[bytes, str]]:
    """Ways for an answer to go wrong."""
    return st.one_of(
        st.just((data, end)),
        st.tuples(st.integers(0, len(data)).map(lambda place: data[:place]), st.sampled_from(("close", "reset"))),
        st.tuples(st.just(data[: head + 3]), st.sampled_from(("close", "reset"))),
        st.just((data + OK, end)),
        st.just((data + b"x", end)),
        st.just((b"garbage\r\n\r\n", "close")),
        st.just((b"", "close")),
        st.just((b"", "reset")),
        st.tuples(st.integers(0, len(data)), st.binary(min_size=1, max_size=2)).map(
            lambda edit: (data[: edit[0]] + edit[1] + data[edit[0] :], "close")
        ),
    )


def scripts(count: int = 4) -> st.SearchStrategy[dict[str, Script]]:
    """An answer for each request, by its number."""
    return st.fixed_dictionaries({str(number): replies() for number in range(count)})


Check = Callable[[list[bytes], dict[str, Script]], None]
