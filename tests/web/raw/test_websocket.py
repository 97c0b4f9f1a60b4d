"""WebSockets through the gateway: a real server behind it, a real client in front, and what must not open one (promises 9, 35)."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.sync.server import ServerConnection, serve

from tests.gateway_process import ROUTES, GatewayProcess
from tests.recorder import Recorder, plainly
from tests.web.raw.conftest import QUICK, Start

HANDSHAKE = (
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)
WAIT_S = 10.0
IDLE_S = 2


class Server:
    """A WebSocket server that echoes, and remembers the handshakes and how the connections ended."""

    def __init__(self) -> None:
        self.handshakes: list[dict[str, str]] = []
        self.ended = threading.Semaphore(0)
        self._server = serve(self._handle, "127.0.0.1", 0, select_subprotocol=lambda _, offered: next(iter(offered), None), max_size=2**22)
        self.port: int = self._server.socket.getsockname()[1]
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def _handle(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        self.handshakes.append(dict(connection.request.headers.raw_items()))
        try:
            for message in connection:
                if message == "close":
                    connection.close(4001, "as asked")
                elif message == "vanish":
                    connection.socket.shutdown(2)
                else:
                    connection.send(message)
        except (ConnectionClosed, OSError):
            pass
        finally:
            self.ended.release()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join(5)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def sockets(start: Start, server: Server) -> GatewayProcess:
    """A gateway with a WebSocket app behind it."""
    routes = "".join(
        f'[[routes]]\npath = "/{path}"\naccess = "{access}"\nupstream = "ws"\n'
        for path, access in (("ws", "signed-in"), ("open-ws", "public"))
    )
    extra = f'[[upstreams]]\nname = "ws"\nurl = "http://127.0.0.1:{server.port}"\n'
    return start(limits={**QUICK, "websocket_idle": f"{IDLE_S}s"}, routes=routes + ROUTES, extra=extra)


@pytest.fixture(scope="module")
def cookie(sockets: GatewayProcess) -> str:
    return sockets.sign_in("ada")


def open_socket(
    gateway: GatewayProcess, cookie: str | None, *, path: str = "/ws", origin: str | None = "http://gateway.test", **more
) -> ClientConnection:
    headers = {"Cookie": cookie} if cookie else {}
    return connect(
        f"ws://gateway.test{path}",
        sock=gateway.connect().sock,
        origin=origin,  # type: ignore[arg-type]
        additional_headers={**headers, "X-Forwarded-User": "mallory", "X_User_Id": "mallory"},
        proxy=None,
        open_timeout=WAIT_S,
        close_timeout=WAIT_S,
        **more,
    )


def test_messages_of_all_kinds_come_back(sockets: GatewayProcess, server: Server, cookie: str) -> None:
    with open_socket(sockets, cookie, subprotocols=["chat"], max_size=2**22) as socket:
        assert socket.subprotocol == "chat"
        for message in ("hello", "", "grüße ☃", b"\x00\xff" * 10, b"x" * 1_000_000, "y" * 70_000):
            socket.send(message)
            assert socket.recv(WAIT_S) == message
        socket.send(["in ", "three ", "pieces"])
        assert socket.recv(WAIT_S) == "in three pieces"
        assert socket.ping().wait(WAIT_S)
    told = {name.lower(): value for name, value in server.handshakes[-1].items()}
    assert told["x-forwarded-user"] == "ada"
    assert told["x-user-id"] == "ada"
    assert "mallory" not in str(server.handshakes[-1])
    assert "authjs" not in str(server.handshakes[-1])
    assert told["host"] == "gateway.test"


def test_compression_is_agreed_between_the_ends(sockets: GatewayProcess, cookie: str) -> None:
    with open_socket(sockets, cookie, compression="deflate") as socket:
        assert socket.response is not None
        assert "permessage-deflate" in socket.response.headers.get("Sec-WebSocket-Extensions", "")
        socket.send("a" * 100_000)
        assert socket.recv(WAIT_S) == "a" * 100_000


def test_the_close_code_of_the_app_arrives(sockets: GatewayProcess, cookie: str) -> None:
    with open_socket(sockets, cookie) as socket:
        socket.send("close")
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(WAIT_S)
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4001, "as asked")


def test_an_app_that_vanishes_takes_the_socket_with_it(sockets: GatewayProcess, cookie: str) -> None:
    with open_socket(sockets, cookie) as socket:
        socket.send("vanish")
        with pytest.raises(ConnectionClosed):
            socket.recv(WAIT_S)


def test_a_client_that_vanishes_is_noticed_by_the_app(sockets: GatewayProcess, server: Server, cookie: str) -> None:
    """Promise 56."""
    with open_socket(sockets, cookie) as socket:
        socket.send("x")
        assert socket.recv(WAIT_S) == "x"
        while server.ended.acquire(blocking=False):
            pass
        socket.socket.shutdown(2)
        assert server.ended.acquire(timeout=WAIT_S)


def test_a_client_that_answers_no_ping_is_sent_away(sockets: GatewayProcess, cookie: str) -> None:
    """Limits: WebSocket idle. Promise 56."""
    lines = "".join(f"{line}\r\n" for line in ("Host: gateway.test", "Origin: http://gateway.test", f"Cookie: {cookie}", *HANDSHAKE))
    with sockets.connect() as connection:
        connection.send(f"GET /ws HTTP/1.1\r\n{lines}\r\n".encode())
        assert connection.head().status == 101
        assert connection.reader.to_the_end() == b"\x89\x00" + b"\x88\x02\x03\xe9", "a ping, and 1001: going away"


def test_a_client_that_answers_pings_stays(sockets: GatewayProcess, cookie: str) -> None:
    """Every browser does, and no script in it need say a word."""
    with open_socket(sockets, cookie, ping_interval=None) as socket:
        with pytest.raises(TimeoutError):
            socket.recv(2.5 * IDLE_S)
        socket.send("still there")
        assert socket.recv(WAIT_S) == "still there"


@pytest.mark.parametrize(
    "origin",
    [
        None,
        "null",
        "http://evil.test",
        "https://gateway.test",
        "http://gateway.test:8080",
        "http://gateway.test.evil.test",
        "http://evilgateway.test",
        "http://gateway.test/",
        "HTTP://GATEWAY.TEST",
        "http://gateway.test, http://evil.test",
        "",
    ],
)
def test_a_foreign_origin_opens_no_socket_with_a_session(origin: str | None, sockets: GatewayProcess, server: Server, cookie: str) -> None:
    """Promise 35."""
    before = len(server.handshakes)
    answer = sockets.get("/ws", *HANDSHAKE, f"Cookie: {cookie}", *([] if origin is None else [f"Origin: {origin}"]))
    assert (answer.status, answer.reason) == (403, "origin-foreign")
    assert len(server.handshakes) == before


def test_two_origins_open_no_socket(sockets: GatewayProcess, server: Server, cookie: str) -> None:
    answer = sockets.get("/ws", *HANDSHAKE, f"Cookie: {cookie}", "Origin: http://gateway.test", "Origin: http://evil.test")
    assert answer.status == 403


def test_nobody_gets_in_without_a_session(sockets: GatewayProcess) -> None:
    with pytest.raises(InvalidStatus) as refused:
        open_socket(sockets, None)
    assert refused.value.response.status_code == 401
    assert refused.value.response.headers["X-Gateway-Reason"] == "session-missing"


def test_a_public_socket_needs_neither(sockets: GatewayProcess, server: Server) -> None:
    with open_socket(sockets, None, path="/open-ws", origin="http://elsewhere.test") as socket:
        socket.send("x")
        assert socket.recv(WAIT_S) == "x"
    assert not any("x-forwarded-user" in name.lower() for name in server.handshakes[-1])


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(("Upgrade: websocket", "Upgrade: websocket, h2c"), id="two-protocols"),
        pytest.param(("Upgrade: websocket", "Upgrade: h2c"), id="other-protocol"),
        pytest.param(("Connection: Upgrade", "Connection: keep-alive"), id="not-named-in-connection"),
    ],
)
def test_what_is_no_handshake_is_an_ordinary_request(change: tuple[str, str], gateway: GatewayProcess, upstream: Recorder) -> None:
    """Promise 9: no tunnel is opened by half a handshake (h2c smuggling)."""
    answer = gateway.get("/public/x", *(change[1] if line == change[0] else line for line in HANDSHAKE))
    assert answer.status == 200
    assert upstream.only().all("upgrade") == []
    assert upstream.only().all("connection") == []


def test_an_app_that_refuses_the_handshake_answers_as_itself(gateway: GatewayProcess, upstream: Recorder) -> None:
    upstream.script = plainly(b"HTTP/1.1 426 Upgrade Required\r\nContent-Length: 2\r\nSec-WebSocket-Version: 13\r\n\r\nno")
    with gateway.connect() as connection:
        lines = "\r\n".join(["GET /public/ws HTTP/1.1", "Host: gateway.test", *HANDSHAKE, "", ""])
        answer = connection.request(lines.encode())
        assert (answer.status, answer.body) == (426, b"no")
        # What follows is a request again, not a frame.
        upstream.script = plainly()
        assert connection.request(b"GET /public/y HTTP/1.1\r\nHost: gateway.test\r\n\r\n").status == 200


def test_a_handshake_with_a_body_is_refused(gateway: GatewayProcess, upstream: Recorder) -> None:
    lines = "\r\n".join(["GET /public/ws HTTP/1.1", "Host: gateway.test", *HANDSHAKE, "Content-Length: 3", "", "abc"])
    assert gateway.request(lines.encode()).status == 400
    assert upstream.requests == []


def test_bytes_behind_the_handshake_are_not_lost(gateway: GatewayProcess, upstream: Recorder) -> None:
    """Both ends may send at once: early bytes of either side belong to the tunnel."""
    echoed: list[bytes] = []

    def script(exchange) -> None:
        exchange.read_body()
        exchange.send(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\nearly"
        )
        echoed.append(exchange.reader.exactly(7))
        exchange.send(b"bye")
        exchange.close()

    upstream.script = script
    with gateway.connect() as connection:
        lines = "\r\n".join(["GET /public/ws HTTP/1.1", "Host: gateway.test", *HANDSHAKE, "", ""])
        connection.send(lines.encode() + b"eager")
        assert connection.head().status == 101
        assert connection.reader.exactly(5) == b"early"
        connection.send(b"->")
        assert connection.reader.to_the_end() == b"bye"
    assert echoed == [b"eager->"]
