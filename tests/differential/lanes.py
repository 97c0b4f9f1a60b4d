"""The same gateway twice, with and without the express lane, and what one input comes to in each.

Every input ends with a request that closes the connection, so that nobody has to wait for silence: whatever the gateway makes of the
input, the connection ends, and all that was said on both sides of the gateway is there to be compared.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.gateway_process import HOST, GatewayProcess, configuration
from tests.recorder import Exchange, Recorded, Recorder, Script, plainly
from tests.servers import free_port
from tests.wire import Connection, Ended, Malformed, Reader

#: Where the two lanes may differ, and why. Whatever is not named here has to be equal, byte by byte.
DIFFERENCES = {
    "the request id and the date": "each answer of our own has its own",
    "what is random in our own pages and cookies": "nonces, csrf tokens, sealed targets and tokens are made anew each time",
    "where chunks and writes begin and end": "framing of our own; the bytes inside are equal",
    "a request that the upstream let die comes once or twice": "it is repeated on a reused connection only, and which one is idle is chance",
    "whether an upload that is refused midway was begun": "head and body race; neither lane ever completes it",
    "how much of a cut answer arrives": "what was not sent yet when the connection is cut is lost; that it is cut shows in both",
}

LAST = b"GET /public/last HTTP/1.1\r\nHost: gateway.test\r\nConnection: close\r\n\r\n"
LIMITS: dict[str, str | int] = {
    "upstream_connect": "1s",
    "upstream_response_head": "1s",
    "upstream_body_idle": "1s",
    "upstream_wait": "500ms",
    "request_head_timeout": "1s",
    "request_body_idle": "1s",
    "sign_in_body_timeout": "1s",
    "failed_sign_ins_per_address": 100_000,
    "connections_per_address": 4096,
}
_METHOD = re.compile(rb"([A-Z]+) [^ \r\n]+ HTTP/1\.[01](?=\r\n)")
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: ([0-9]+)\r\n")
_OWN = re.compile(rb"(?i)\r\n(?:x-gateway-reason|server: auth-gateway)")
_RANDOM = (
    (re.compile(rb"(?i)\r\n(?:date|x-request-id): [^\r]*"), b""),
    (re.compile(rb"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z|[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} GMT"), b"<time>"),
    (re.compile(rb"nonce(-|=\")[A-Za-z0-9+/_=-]+"), b"<nonce>"),
    (re.compile(rb"[A-Za-z0-9_.%|-]{48,}"), b"<token>"),
    (re.compile(rb"[0-9a-f]{16}"), b"<id>"),
)
_SESSION_COOKIE = re.compile(rb"(authjs\.session-token(?:\.[0-9])?=)[^;]+; Path=/; Expires=[^;]+")


@dataclass(frozen=True)
class Outcome:
    """What an input came to.

    Attributes:
        answers: Head and body of each, without what is random.
        rest: What came behind them and was no whole answer; only whether there was something, once an answer was cut.
        requests: What each upstream was sent.
    """

    answers: tuple[tuple[bytes, bytes], ...]
    rest: bytes
    requests: Mapping[str, tuple[bytes, ...]]


@dataclass
class Lane:
    """One gateway with upstreams of its own."""

    gateway: GatewayProcess
    upstreams: Mapping[str, Recorder]

    def run(self, pieces: Sequence[bytes], script: Callable[[], Script]) -> Outcome:
        """Send the pieces, each in a packet of its own, and look at everything until the connection ends."""
        for upstream in self.upstreams.values():
            upstream.reset()
            upstream.script = script()
        with Connection(self.gateway.address) as client:
            for number, piece in enumerate(pieces):
                if number:
                    time.sleep(0.0005)
                client.send(piece)
            data = everything(client)
        answers, rest = answers_in(data, methods=methods_in(b"".join(pieces)))
        return Outcome(
            tuple(answers),
            b"<cut>" if rest else b"",
            {name: tuple(told(request) for request in once_each(upstream.requests)) for name, upstream in self.upstreams.items()},
        )


def methods_in(data: bytes) -> list[bytes]:
    """The methods of the requests, so that an answer to HEAD is read as one; what looks like a request in a body is none."""
    methods: list[bytes] = []
    at = 0
    while (found := _METHOD.search(data, at)) is not None:
        methods.append(found[1])
        end = data.find(b"\r\n\r\n", found.end())
        if end < 0:
            break
        length = _LENGTH.search(data, found.end(), end + 2)
        at = min(len(data), end + 4 + (int(length[1]) if length else 0))  # a length may say anything
    return methods


def everything(client: Connection) -> bytes:
    """All bytes until the end. Whether that is a reset says nothing: it is one whenever the client sent more than was read."""
    try:
        return client.reader.to_the_end()
    except Ended as ended:
        return ended.got
    except TimeoutError:
        return client.reader.buffer + b"<still open>"


def answers_in(data: bytes, *, methods: Sequence[bytes]) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """Take bytes apart into answers; the rest is no whole answer."""
    answers: list[tuple[bytes, bytes]] = []
    left = list(methods)
    while data:
        client = _Said(data)
        method = left[0].decode() if left else "GET"
        try:
            head = client.head()
            if head.status >= 200:
                client.body(head, method)
                del left[:1]
        except (Ended, Malformed, AssertionError):
            break
        answers.append(steady(head.head, head.body))
        data = client.reader.buffer
        if head.status == 101:
            break
    return answers, data


class _Said(Connection):
    """Bytes that came, read like a connection that has ended."""

    def __init__(self, data: bytes) -> None:
        self.reader = _Whole(data)


class _Whole(Reader):
    def __init__(self, data: bytes) -> None:
        self.buffer = data

    def more(self) -> bool:
        return False


def steady(head: bytes, body: bytes) -> tuple[bytes, bytes]:
    """An answer without what differs from one to the next; of an upstream's, nothing is taken away but the session that we renew."""
    if not _OWN.search(head):
        return _SESSION_COOKIE.sub(rb"\1<token>", head), body
    for pattern, instead in _RANDOM:
        head, body = pattern.sub(instead, head), pattern.sub(instead, body)
    return re.sub(rb"Content-Length: [0-9]+", b"Content-Length: <n>", head), body


def once_each(requests: Sequence[Recorded]) -> list[Recorded]:
    """The requests that came whole, where one that came twice in a row counts once."""
    complete = [request for request in requests if request.complete]
    return [request for number, request in enumerate(complete) if not (number and repeats(complete[number - 1], request))]


def repeats(first: Recorded, second: Recorded) -> bool:
    """True if the second is the first again; those that a test numbers never are by themselves."""
    return first.head == second.head and bool(second.all("x-number"))


def told(request: Recorded) -> bytes:
    """All that an upstream learned of one request."""
    return request.head + request.body + b"".join(b"\r\n%b: %b" % line for line in request.trailers)


@dataclass(repr=False)
class Pair:
    """Both lanes. `again` counts the inputs whose outcomes were equal only when tried once more: time has a say in some faults."""

    express: Lane
    general: Lane
    cookies: dict[str, str]
    again: list[Sequence[bytes]] = field(default_factory=list)
    tries: int = 0  # how often the last input was run

    def compare(self, pieces: Sequence[bytes], script: Callable[[], Script] = plainly) -> tuple[Outcome, Outcome]:
        """Run an input through both lanes.

        Where packets race (a body and the answer that does not wait for it), one lane may come to either of two ends, and on a busy machine
        rarely to the same as the other. So a difference is believed only if in six tries no end of one was an end of the other.
        """
        pieces = [*pieces[:-1], pieces[-1] + LAST] if len(pieces) == 1 else [*pieces, LAST]
        ends: tuple[list[Outcome], list[Outcome]] = ([], [])
        for attempt in range(6):
            self.tries = attempt + 1
            for lane, seen in zip((self.express, self.general), ends, strict=True):
                seen.append(lane.run(pieces, script))
            if common := next((end for end in ends[0] if end in ends[1]), None):
                return common, common
            if not attempt:
                self.again.append(pieces)
            time.sleep(0.1 * attempt)
        return ends[0][-1], ends[1][-1]

    def complaints(self) -> list[str]:
        """What was not clean at an upstream (promise 8)."""
        return [
            complaint for lane in (self.express, self.general) for upstream in lane.upstreams.values() for complaint in upstream.complaints
        ]

    def stop(self) -> None:
        """End both, and look through their logs."""
        for lane in (self.express, self.general):
            for upstream in lane.upstreams.values():
                upstream.stop()
        assert [lane.gateway.stop() for lane in (self.express, self.general)] == [0, 0]


def pair(folder: Path) -> Pair:
    """Start both. They share a secret, so that a session of one is a session of the other; no session becomes due for renewal between them."""

    def lane(name: str, express: bool) -> Lane:
        upstreams = {"app": Recorder(), "other": Recorder(port=free_port())}  # a test stops the other one, and starts it again
        ports: dict[str, str | int] = {key: upstream.port for key, upstream in upstreams.items()}
        config = configuration(ports, limits=LIMITS, server=f"express = {str(express).lower()}", session='update_age = "6h"')
        return Lane(GatewayProcess(folder / name, config), upstreams)

    express, general = lane("express", True), lane("general", False)
    cookies = {name.upper(): general.gateway.sign_in(name) for name in ("ada", "bob")}
    express.gateway.secrets |= general.gateway.secrets
    return Pair(express, general, cookies)


def numbered(replies: Mapping[str, Script]) -> Script:
    """Answer each request by the reply of its `X-Number`, everything else plainly."""

    def script(exchange: Exchange) -> None:
        (replies.get(exchange.request.one("x-number") or "") or plainly())(exchange)

    return script


__all__ = ["DIFFERENCES", "HOST", "LAST", "Lane", "Outcome", "Pair", "numbered", "pair"]
