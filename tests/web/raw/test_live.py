"""Promise 38 for what runs already: streams and WebSockets end with the session that let them in, and nothing else does."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed

from tests.gateway_process import ROUTES, GatewayProcess, configuration
from tests.recorder import Exchange, Recorder
from tests.web.raw.test_authjs import ask, eventually, sign_out
from tests.web.raw.test_websocket import WAIT_S, Server, open_socket
from tests.wire import Connection

FRAMINGS = {
    "chunked": (b"Transfer-Encoding: chunked\r\n", lambda data: b"%x\r\n%b\r\n" % (len(data), data)),
    "length": (b"Content-Length: 1000000\r\n", bytes),
    "until-close": (b"", bytes),
}
_ROUTES = """
[[routes]]
path = "/ws"
access = "signed-in"
upstream = "ws"
[[routes]]
path = "/open-ws"
access = "public"
upstream = "ws"
[[routes]]
path = "/polls/**"
access = "signed-in"
streaming = true
upstream = "app"
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.stop()


@pytest.fixture
def make(tmp_path: Path, upstreams, server: Server) -> Iterator[Callable[..., GatewayProcess]]:
    running: list[GatewayProcess] = []

    def started(*, express: bool = True, session: str = "", store: bool = False, workers: int = 1) -> GatewayProcess:
        extra = f'[[upstreams]]\nname = "ws"\nurl = "http://127.0.0.1:{server.port}"\n'
        config = configuration(
            {"app": upstreams["app"].port, "other": upstreams["other"].port}, routes=_ROUTES + ROUTES, session=session,
            server=f"express = {str(express).lower()}\nworkers = {workers}\n",
            extra=extra + (f'[store]\nurl = "sqlite:///{tmp_path}/shared.db"\n' if store else ""),
        )  # fmt: skip
        running.append(GatewayProcess(tmp_path / f"gateway-{len(running)}", config))
        return running[-1]

    yield started
    for gateway in running:
        assert gateway.stop() == 0


class Events:
    """An upstream's script that sends an event every 100 ms for as long as somebody takes them, framed as the path ends."""

    def __init__(self) -> None:
        self.ended = threading.Semaphore(0)

    def __call__(self, exchange: Exchange) -> None:
        exchange.read_body()
        name = exchange.request.target.rpartition("/")[2]
        if name == "quick":
            exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            return
        head, frame = FRAMINGS[name]
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n" + head + b"\r\n")
        while not exchange.left(0.1):
            exchange.send(frame(b"data: 1\n\n"))
        exchange.open = False
        self.ended.release()


def listen(gateway: GatewayProcess, cookie: str, path: str = "/private/chunked") -> Connection:
    """Open a stream, on a connection and with a session that the express lane knows."""
    connection = gateway.connect()
    warm = path.rpartition("/")[0] + "/quick"
    for target in (warm, warm, path):
        connection.send(f"GET {target} HTTP/1.1\r\nHost: {gateway.host}\r\nCookie: {cookie}\r\n\r\n".encode())
        if target == path:
            assert connection.head().status == 200
        else:
            assert connection.answer("GET").status == 200
    return connection


def rest(connection: Connection, within_s: float = 5.0) -> bytes:
    """What still comes until the connection is cut; it has to be, within the time."""
    got = b""
    connection.sock.settimeout(within_s)
    until = time.monotonic() + within_s
    try:
        while piece := connection.sock.recv(65536):
            assert time.monotonic() < until, "the stream goes on"
            got += piece
    except ConnectionError:
        pass
    return got


def flows(connection: Connection) -> bool:
    """True if another event comes."""
    return bool(connection.sock.recv(65536))


@pytest.mark.parametrize("express", [True, False], ids=["express", "general"])
def test_a_stream_ends_with_the_sign_out_and_nobody_takes_it_for_complete(make, express, upstream: Recorder):
    gateway = make(express=express)
    upstream.script = events = Events()
    ada, other_ada, bob = gateway.sign_in("ada"), gateway.sign_in("ada"), gateway.sign_in("bob")
    with contextlib.ExitStack() as stack:
        ended = [stack.enter_context(listen(gateway, ada, f"/private/{framing}")) for framing in FRAMINGS]
        living = [stack.enter_context(listen(gateway, cookie)) for cookie in (other_ada, bob)]
        living.append(stack.enter_context(listen(gateway, ada, "/public/chunked")))
        assert all(map(flows, (*ended, *living)))
        time.sleep(2.2)  # the long way: each was seen running, and found good
        assert sign_out(gateway, ada).status == 302
        for stream in ended:
            assert not rest(stream).endswith(b"0\r\n\r\n")
            assert events.ended.acquire(timeout=WAIT_S)  # the upstream is free
        time.sleep(1.2)
        assert all(map(flows, living))
    eventually(lambda: gateway.log.count("answer-ended reason=session-revoked client=127.0.0.1") == 3)


@pytest.mark.parametrize("strategy", ["jwt", "server"])
def test_what_is_signed_out_at_one_replica_ends_at_the_other(make, strategy, upstream: Recorder):
    upstream.script = Events()
    session = f'strategy = "{strategy}"'
    one, two = make(store=True, session=session), make(store=True, session=session)
    ada = one.sign_in("ada")
    with listen(two, ada) as stream, open_socket(two, ada) as socket:
        socket.send("x")
        assert (socket.recv(WAIT_S), flows(stream)) == ("x", True)
        sign_out(one, ada)
        rest(stream)
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(5)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1008


def test_what_is_signed_out_in_one_worker_ends_in_the_other(make, upstream: Recorder):
    upstream.script = Events()
    gateway = make(workers=2)
    ada = gateway.sign_in("ada")
    with contextlib.ExitStack() as stack:
        streams = [stack.enter_context(listen(gateway, ada)) for _ in range(6)]
        sockets = [stack.enter_context(open_socket(gateway, ada)) for _ in range(6)]
        sign_out(gateway, ada)
        for stream in streams:
            rest(stream)
        for socket in sockets:
            with pytest.raises(ConnectionClosed) as closed:
                socket.recv(5)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1008


def test_a_socket_ends_with_the_session_and_others_stay(make, server: Server):
    gateway = make()
    ada, bob = gateway.sign_in("ada"), gateway.sign_in("bob")
    with open_socket(gateway, ada) as socket, open_socket(gateway, bob) as other, open_socket(gateway, ada, path="/open-ws") as public:
        while server.ended.acquire(blocking=False):
            pass
        sign_out(gateway, ada)
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(5)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1008
        assert server.ended.acquire(timeout=WAIT_S)  # the app is told, too
        for living in (other, public):
            living.send("still")
            assert living.recv(WAIT_S) == "still"


def test_what_runs_ends_when_the_session_expires(make, upstream: Recorder):
    """Sockets and streams alike; requests are let in until the tolerance for clocks has passed."""
    gateway = make(session='max_age = "3s"\nupdate_age = "2s"')
    upstream.script = Events()
    ada = gateway.sign_in("ada")
    with listen(gateway, ada) as stream, open_socket(gateway, ada) as socket:
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(8)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1008
        rest(stream, 3 + 5)
    eventually(lambda: "answer-ended reason=session-expired" in gateway.log)


@pytest.mark.parametrize("express", [True, False], ids=["express", "general"])
def test_a_request_that_waits_gets_its_answer_but_not_on_a_route_of_streams(make, express, upstream: Recorder):
    gateway = make(express=express)
    go = threading.Event()

    def script(exchange: Exchange) -> None:
        exchange.read_body()
        if b"/slow" in exchange.request.head.splitlines()[0]:
            go.wait(WAIT_S)
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    upstream.script = script
    ada = gateway.sign_in("ada")
    assert ask(gateway, ada, "/private/x").status == ask(gateway, ada, "/polls/x").status == 200
    with gateway.connect() as waiting, gateway.connect() as polling:
        for connection, path in ((waiting, "/private/slow"), (polling, "/polls/slow")):
            connection.send(f"GET {path} HTTP/1.1\r\nHost: {gateway.host}\r\nCookie: {ada}\r\n\r\n".encode())
        time.sleep(2.2)
        sign_out(gateway, ada)
        assert rest(polling) == b""
        go.set()
        assert waiting.answer("GET").body == b"ok"
