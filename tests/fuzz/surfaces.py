"""Every parser that bytes of strangers reach, with what must hold of it whatever they are."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import unquote_to_bytes

import ada_url

from gateway.core.credentials import Means
from gateway.core.host import read_host
from gateway.core.reason import Reason
from gateway.core.return_to import safe_return
from gateway.core.target import Target, is_plain, read_target
from gateway.proxy.client.body import ChunkedFraming
from gateway.proxy.client.head import ClientHead, HeadLimits, Refusal, framing_head, read_head
from gateway.proxy.client.plain import PlainReader, is_plain_value
from gateway.proxy.heads import FieldFilter, Forwarded, Framing, request_head
from gateway.proxy.upstream.body import ChunkReader
from gateway.proxy.upstream.exchange import ResponseReader
from gateway.proxy.upstream.head import Malformed, read_slowly, read_upstream_head
from gateway.proxy.upstream.limits import UpstreamLimits
from gateway.proxy.websocket_frames import FrameBoundary
from gateway.sessions.cookie_header import CookieHeader
from gateway.sessions.cookies import SessionCookies
from gateway.sessions.keys import KeyRing
from gateway.settings.model import Settings
from gateway.settings.policy import policy_of, stripper_of
from gateway.tokens.token import is_token, new_token
from gateway.web.auth.kept_form import fields_of
from gateway.web.machines.sent import goes_on, login_in, sent_in
from tests.fuzz.mutate import Mutator
from tests.people import ADA, session_of
from tests.web.raw.cases import lines_of

Check = Callable[[bytes], None]
LIMITS = HeadLimits()
UPSTREAM = UpstreamLimits(max_head=4096, max_field=1024)
OWN = "https://app.example.com"
LISTED = frozenset({"https://front.example.com:8443"})


@dataclass(frozen=True)
class Surface:
    """One parser: inputs to begin with, pieces to put into them, and the check."""

    seeds: Sequence[bytes]
    pieces: Sequence[bytes]
    check: Callable[[Mutator, random.Random], Check]


def _paths() -> list[bytes]:
    lines = [*lines_of("paths_refused.txt"), *lines_of("paths_passed.txt")]
    return [re.sub(rb"\\\\x([0-9A-Fa-f]{2})", lambda match: bytes.fromhex(match[1].decode()), line.encode()) for line in lines]


def _urls_of_strangers() -> list[bytes]:
    return [unquote_to_bytes(line) for line in lines_of("callback_urls.txt") if not line.startswith("#")]


# A request head: both readers take it alike, or one leaves it; what passes is one request (promises 1 to 4, 8, 9).

HEADS = [
    b"GET /app/x?y=%2f HTTP/1.1\r\nHost: app.example.com\r\nAccept: */*\r\nUser-Agent: Mozilla/5.0\r\nCookie: a=b; c=d\r\nX-A: b",
    b"POST /a/b HTTP/1.1\r\nHost: app.example.com:443\r\nContent-Length: 12\r\nContent-Type: application/json\r\nConnection: keep-alive",
    b"PUT / HTTP/1.1\r\nHost: [::1]:80\r\nTransfer-Encoding: chunked\r\nConnection: close, X-A\r\nX-A: b\r\nX_User_Id: mallory",
    b"OPTIONS * HTTP/1.1\r\nHost: a\r\nMax-Forwards: 3\r\nVia: 1.1 x\r\nExpect: 100-continue",
    b"GET http://app.example.com/x HTTP/1.0\r\nHost: app.example.com\r\nConnection: keep-alive\r\nUpgrade: websocket\r\nTE: trailers",
]
HEAD_PIECES = [
    *(b"\r\n", b"\n", b"\r", b" ", b"\t", b":", b": ", b"\0", b"\x7f", b"\xe9", b"/", b"//", b"/.", b"..", b"%2e", b"%00", b"#", b"?", b"\\"),
    *(b"HTTP/1.1", b"HTTP/2.0", b"GET ", b"HEAD ", b"TRACE ", b"CONNECT ", b"Host: b\r\n", b"Content-Length: 0\r\n", b"Content-Length: 5\r\n"),
    *(b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding:\r\n", b"\r\nCookie: x=y", b"\r\ncookie: z", b"Connection: Host\r\n", b"close"),
    *(b"keep-alive", b"\r\n\r\n", b"\r\n folded", b"X-Forwarded-User: mallory\r\n", b"Upgrade: h2c\r\n", b"A" * 300, b"+1", b"0x5", b"chunked, chunked"),
]  # fmt: skip


def _heads(mutator: Mutator, chance: random.Random) -> Check:
    stripper = stripper_of(Settings.model_validate({"server": {"public_url": OWN}}))
    plain_reader = PlainReader(FieldFilter(stripper.strips).drops, LIMITS)

    def check(data: bytes) -> None:
        read = read_head(data, LIMITS)
        assert isinstance(read, (ClientHead, Refusal))
        plain = plain_reader.read(data + b"\r\n\r\n")
        if plain is not None:
            method, path, _, ahead, behind, cookie = plain
            if cookie is not None and not is_plain_value(cookie):
                plain = None  # the judge leaves it
            elif isinstance(read, Refusal):
                assert read.reason is Reason.HOST_INVALID, read
                assert read_host((ahead.host or behind.host or b"").decode("latin-1"), scheme="") is None
            else:
                length = ahead.length if behind.length is None else behind.length
                assert (read.method, read.target.partition(b"?")[0], read.minor) == (method, path, 1)
                assert (read.host, read.cookie, read.length) == (ahead.host or behind.host, cookie, length)
                assert (read.chunked, read.upgrade, read.expects_continue) == (False, False, False)
                assert read.keep_alive is not (ahead.closes or behind.closes)
                assert is_plain(path.decode())
        if isinstance(read, ClientHead):
            _passes_as_one(read, stripper.strips)

    return check


def _passes_as_one(read: ClientHead, strips: Callable[[str], bool]) -> None:
    again = read_head(framing_head(read)[:-4], LIMITS)
    assert isinstance(again, ClientHead)
    assert (again.method, again.length if not read.chunked else None, again.chunked, again.keep_alive) == (
        read.method, read.length if not read.chunked else None, read.chunked, read.keep_alive,
    )  # fmt: skip
    target = read.target.decode("latin-1")
    if read.method == b"CONNECT" or not target.startswith("/"):
        return
    sent = request_head(
        method=read.method.decode(), target=target, headers=read.headers, host="a", cookie="", set_headers=[("X-User-Id", "ada")],
        strips=strips, forwarded=Forwarded(client="192.0.2.1", scheme="https", host="a"),
        framing=Framing.chunked() if read.chunked else Framing.none() if read.length is None else Framing.length(read.length),
    )  # fmt: skip
    told = read_head(sent[:-4], HeadLimits(line=1 << 20, field=1 << 20, count=1000, total=1 << 20))
    assert isinstance(told, ClientHead), told
    assert (told.target, told.length, told.chunked, told.upgrade) == (read.target, read.length, read.chunked, False)
    assert [value for name, value in told.headers if name.lower().replace(b"_", b"-") == b"x-user-id"] == [b"ada"]


# A chunked body: where it ends does not depend on packets (promise 1); whatever the upstream's reader takes ends at the same place.

CHUNKS = [
    b"5\r\nhello\r\n0\r\n\r\n",
    b"1;x=y\r\na\r\nA\r\n0123456789\r\n0\r\nX-T: 1\r\n\r\nGET /",
    b"0\r\n\r\n",
    b"000a\r\n0123456789\r\n0\r\nA:b\r\nC: d\r\n\r\n",
]
CHUNK_PIECES = [
    b"\r\n",
    b"\n",
    b"\r",
    b"0",
    b"5",
    b"ffff",
    b";",
    b" ",
    b"\t",
    b"-1",
    b"0x1",
    b"+",
    b"0\r\n\r\n",
    b"X: y\r\n",
    b"\0",
    b"\xe9",
    b"0" * 20,
]


def _chunks(mutator: Mutator, chance: random.Random) -> Check:
    def run(pieces: Sequence[bytes]) -> tuple[int, bool] | None:
        framing, taken = ChunkedFraming(), 0
        for piece in pieces:
            if framing.done:
                break
            found = framing.feed(piece)
            if isinstance(found, Refusal):
                return None
            taken += found
        return taken, framing.done

    def check(data: bytes) -> None:
        whole = run([data])
        assert run(mutator.cuts(data)) == whole
        reader = ChunkReader()
        try:
            reader.feed(data)
        except Malformed:
            return
        if whole is not None and whole[1] and reader.done:
            assert len(data) - len(reader.rest) == whole[0]

    return check


# A response: the quick reader and the slow one agree, and packets change nothing (RFC 9112 6.3).

RESPONSES = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Type: text/plain\r\nConnection: keep-alive\r\nCache-Control: public\r\n\r\nhello",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\nVary: Accept\r\n\r\n5\r\nhello\r\n0\r\nA: b\r\n\r\n",
    b"HTTP/1.0 301 Moved\r\nLocation: /x\r\nSet-Cookie: a=b\r\nKeep-Alive: timeout=5\r\n\r\nuntil the end",
    b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\nETag: x\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x05hello",
]
RESPONSE_PIECES = [
    *(b"\r\n", b"\n", b"\r", b" ", b"\t", b":", b"\0", b"\xe9", b"HTTP/1.1 ", b"HTTP/1.1 103 Early\r\n\r\n", b"204", b"000", b"\r\n\r\n"),
    *(b"Content-Length: 5\r\n", b"Content-Length: 6\r\n", b"Transfer-Encoding: chunked\r\n", b"Connection: close\r\n", b"X-Gateway-Reason: x\r\n"),
    *(b"\r\n folded", b"Content-Length : 5\r\n", b"A" * 300, b"-1", b"+5", b"5, 5"),
]  # fmt: skip


class _Heard:
    """A receiver that remembers."""

    def __init__(self) -> None:
        self.told: list[object] = []
        self.body = b""

    def on_whole(self, *_: object) -> None:
        raise AssertionError("only a connection tells a whole response")

    def on_informational(self, status: int, headers: object) -> None:
        self.told.append((status, headers))

    def on_head(self, head: object) -> None:
        self.told.append(repr(head))

    def on_data(self, data: bytes) -> None:
        self.body += data

    def on_pause(self) -> None: ...
    def on_end(self, *_: object) -> None: ...
    def on_tunnel(self, *_: object) -> None: ...
    def on_writable(self) -> None: ...
    def on_error(self, *_: object) -> None: ...


def _responses(mutator: Mutator, chance: random.Random) -> Check:
    def run(pieces: Sequence[bytes], method: str, *, upgrade: bool) -> tuple[object, ...] | None:
        heard = _Heard()
        reader = ResponseReader(heard, UPSTREAM, method=method, upgrade=upgrade)
        try:
            for piece in pieces:
                if piece:
                    reader.feed(piece)
        except Malformed:
            return None
        return heard.told, heard.body, reader.complete, reader.excess, reader.trailers

    def check(data: bytes) -> None:
        method, upgrade = chance.choice(("GET", "GET", "HEAD", "POST")), chance.random() < 0.2
        assert run(mutator.cuts(data), method, upgrade=upgrade) == run([data], method, upgrade=upgrade)
        raw = data.partition(b"\r\n\r\n")[0]
        assert _answer(read_upstream_head, raw, method, upgrade=upgrade) == _answer(read_slowly, raw, method, upgrade=upgrade)

    return check


def _answer(read: Callable[..., object], raw: bytes, method: str, *, upgrade: bool) -> str:
    try:
        return repr(read(raw, method=method, upgrade=upgrade, max_field=UPSTREAM.max_field))
    except Malformed:
        return "malformed"


# A target: read, or refused by name; one reading is never a surprise (promises 23, 24).

TARGET_PIECES = [b"/", b"//", b".", b"..", b"/..", b"%2e", b"%2f", b"%5c", b"%00", b"%25", b"%252e", b";", b";a", b"\\", b"?", b"#", b"%", b"%c0%ae", b"\xc3\xa9", b"admin", b"~"]  # fmt: skip


def _targets(mutator: Mutator, chance: random.Random) -> Check:
    def check(data: bytes) -> None:
        text = data.decode("latin-1")
        read = read_target(text)
        if isinstance(read, Target):
            assert read.raw == text
            assert read.path == text.partition("?")[0]
            for reading in read.readings:
                assert not {".", ".."} & set(reading.split("/")), reading
                assert "\\" not in reading and "\0" not in reading
            if is_plain(read.path):
                assert read.readings == (read.path,)
        else:
            assert read in (Reason.TARGET_MALFORMED, Reason.PATH_AMBIGUOUS)

    return check


# Cookies and tokens: only what we sealed is a session, and ours never pass (promises 22, 40 to 42).

COOKIE_PIECES = [
    b"; ",
    b";",
    b"=",
    b"authjs.session-token",
    b"__Secure-authjs.session-token",
    b".0",
    b".1",
    b"%41",
    b"%",
    b'"',
    b" ",
    b"\t",
    b"\xe9",
    b"\xff",
    b"eyJ",
    b".",
    b"A",
]


def _cookie_seeds() -> list[bytes]:
    cookies = _sessions()
    session = session_of(ADA)
    sealed = "; ".join(line.partition(";")[0] for line in cookies.write(session, now=session.issued_at, carried=CookieHeader.parse([])))
    return [
        sealed.encode(),
        b"theme=dark; " + sealed.encode(),
        b"a=b; c=d",
        b"authjs.session-token=x.y.z.a.b",
        b"authjs.session-token.0=a; " + sealed.encode(),
    ]


def _sessions() -> SessionCookies:
    policy = policy_of(Settings.model_validate({"server": {"public_url": "http://app.example.com"}}))
    return SessionCookies(KeyRing.of(["0123456789abcdef" * 4]), secure=False, lifetime=policy.lifetime)


def _cookies(mutator: Mutator, chance: random.Random) -> Check:
    sessions = _sessions()
    real = sessions.read(CookieHeader.parse([_cookie_seeds()[0]]))
    assert not isinstance(real, (Reason, type(None)))

    def check(data: bytes) -> None:
        header = CookieHeader.parse([data])
        found = sessions.read(header)
        if found is not None and not isinstance(found, Reason):
            assert found.token_id == real.token_id  # nobody else's seal exists
        rest = header.without(sessions.owns)
        left = CookieHeader.parse([rest.encode("utf-8", "surrogateescape")])
        assert sessions.read(left) is None
        assert not any(name.lower().startswith("authjs.session-token") for name in left.names)

    return check


# Where a sign-in ends: as a browser reads it, on our origin or a listed one (promise 30).

URL_PIECES = [b"/", b"//", b"\\", b"\t", b"\n", b"@", b":", b"#", b"?", b"https:", b"https://", b"app.example.com", b"evil.example", b".", b"%2f", b"\xe3\x80\x82", b"\x00", b"javascript:", b"api/auth", b":443", b"xn--"]  # fmt: skip


def _urls(mutator: Mutator, chance: random.Random) -> Check:
    def check(data: bytes) -> None:
        judged = safe_return(data.decode("utf-8", "surrogateescape"), own_origin=OWN, origins=LISTED, default="/")
        url = ada_url.URL(judged.location, base=OWN)
        assert url.origin == OWN or url.origin in LISTED, judged
        if url.origin == OWN:
            assert not url.pathname.startswith("/api/auth/")
        assert judged.location.isascii()
        assert judged.location.isprintable()

    return check


# WebSocket frames: where they end does not depend on packets (RFC 6455 5.2).


def _frames(mutator: Mutator, chance: random.Random) -> Check:
    def check(data: bytes) -> None:
        whole, cut = FrameBoundary(), FrameBoundary()
        whole.feed(data)
        for piece in mutator.cuts(data):
            cut.feed(piece)
        assert whole.between_frames == cut.between_frames

    return check


# A form that is kept: a browser writes the very bytes of its fields again (WHATWG URL 5.2).


def _kept_forms(mutator: Mutator, chance: random.Random) -> Check:
    def check(data: bytes) -> None:
        fields = fields_of(data)
        if fields is not None:
            assert str(ada_url.URLSearchParams(data.decode("ascii"))) == data.decode("ascii")
            assert all(name and not re.search("(?<!\r)\n|\r(?!\n)|\0", name + "|" + value) for name, value in fields)

    return check


FRAMES = [
    b"\x81\x05hello",
    b"\x82\x7e\x01\x00" + b"x" * 256,
    b"\x89\x00\x8a\x02ok",
    b"\x81\x85\x01\x02\x03\x04hello",
    b"\x82\x7f" + (70_000).to_bytes(8, "big") + b"y" * 300,
]

# An Authorization: what is for the gateway is read without an error, and is never among what goes on (docs/machines.md).

TOKEN = new_token()
AUTHORIZATIONS = [
    b"Bearer " + TOKEN.encode(), b"bearer  " + TOKEN.encode(), b"Bearer gwt_x", b"Basic YWRhOmxvdmVsYWNl", b"basic YTo=", b"Digest username=x",
    b"Bearer eyJhbGciOiJFUzI1NiJ9.e30.x",
]  # fmt: skip


def _authorizations(mutator: Mutator, chance: random.Random) -> Check:
    every = frozenset(Means)

    def check(data: bytes) -> None:
        value = data.replace(b"\r", b" ").replace(b"\n", b" ").replace(b"\0", b" ").strip(b" \t")
        sent = sent_in([(b"Authorization", value)], every)
        assert not goes_on(value, every) if sent is not None else goes_on(value, every) or b"gwt_" in value
        if TOKEN.encode() in value and value.lower().startswith(b"bearer gwt_"):
            assert not goes_on(value, frozenset())
        if sent is not None and sent.value is not None and sent.means is Means.BASIC:
            login = login_in(sent.value)
            assert login is None or ":" not in login[0]
        if sent is not None and sent.value is not None and sent.means is Means.BEARER and is_token(sent.value):
            assert re.fullmatch("gwt_[0-9A-Za-z]{49}", sent.value)
        assert sent_in([(b"authorization", value), (b"AUTHORIZATION", value)], every) in (None, sent and replace(sent, value=None))

    return check


SURFACES: Mapping[str, Surface] = {
    "authorization": Surface(
        AUTHORIZATIONS, [b" ", b"\t", b":", b"=", b"gwt_", b"Basic ", b"Bearer ", b"\xe9", b"\xff", b"A" * 60], _authorizations
    ),
    "request-head": Surface(HEADS, HEAD_PIECES, _heads),
    "chunked-body": Surface(CHUNKS, CHUNK_PIECES, _chunks),
    "response": Surface(RESPONSES, RESPONSE_PIECES, _responses),
    "target": Surface([b"/a/b?c=d", *_paths()], TARGET_PIECES, _targets),
    "cookies": Surface(_cookie_seeds(), COOKIE_PIECES, _cookies),
    "callback-url": Surface([b"/reports?x#y", b"https://app.example.com/a", *_urls_of_strangers()], URL_PIECES, _urls),
    "kept-form": Surface(
        [b"title=Caf%C3%A9+%26+more&text=one%0D%0Atwo&x=&x=2%7E*-._%09", b"a=1"],
        [
            b"&",
            b"=",
            b"+",
            b"%",
            b"%0D",
            b"%0A",
            b"%00",
            b"%C3",
            b"%A9",
            b"%c3%a9",
            b"~",
            b"%7E",
            b" ",
            b"\xe9",
            b"%EF%BB%BF",
            b"_charset_=",
        ],
        _kept_forms,
    ),
    "websocket-frames": Surface(FRAMES, [b"\x81", b"\x7e", b"\x7f", b"\x00\x00", b"\x80"], _frames),
}


def run(name: str, inputs: int, seed: int) -> int:
    """Try a surface; gives how many inputs were tried. The first that breaks a promise is in the error."""
    surface = SURFACES[name]
    chance = random.Random(f"{name} {seed}")  # to be repeated, not to be unguessable
    mutator = Mutator(surface.seeds, surface.pieces, chance=chance)
    check = surface.check(mutator, chance)
    for number in range(inputs):
        data = mutator.next()
        try:
            check(data)
        except Exception as error:  # whatever a parser raises is what is looked for
            raise AssertionError(f"{name}, seed {seed}, input {number}: {data!r}: {type(error).__name__}: {error}") from error
    return inputs
