"""An upstream that records byte by byte what it is sent, complains about anything that is not clean, and answers by script.

Every request head is held against the same rule, whatever the test is about (promise 8): origin-form target, exactly one
Host, at most one framing field, CRLF only, no control bytes, no hop-by-hop field but our own. `Recorder.complaints` collects
what breaks it; the fixture that hands the recorder out looks there after each test.
"""

from __future__ import annotations

import contextlib
import re
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.wire import Ended, Line, Malformed, Reader, read_lines, values

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\nContent-Type: text/plain\r\n\r\nrecorded"
_REQUEST_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+) (/[\x21-\x7e]*|\*) HTTP/1\.1\Z")
_ONE_HOP = ("keep-alive", "proxy-connection", "proxy-authenticate", "proxy-authorization", "te", "http2-settings")


@dataclass
class Recorded:
    """One request as it came.

    Attributes:
        head: The exact bytes, with the empty line.
        complete: True once the body came whole, by its own framing.
        connection: Counts the connections from 1; equal numbers mean a reused connection.
    """

    head: bytes
    method: str
    target: str
    lines: list[Line]
    connection: int
    body: bytes = b""
    trailers: list[Line] = field(default_factory=list)
    complete: bool = False

    def all(self, name: str) -> list[str]:
        """All values of a header."""
        return [value.decode("latin-1") for value in values(self.lines, name)]

    def one(self, name: str) -> str | None:
        """The only value of a header, or None; more than one is a mistake."""
        found = self.all(name)
        assert len(found) <= 1, f"{name} was sent {len(found)} times: {found}"
        return found[0] if found else None


class Exchange:
    """What a script gets: the request, and the connection to answer on."""

    def __init__(self, request: Recorded, reader: Reader) -> None:
        self.request = request
        self.reader = reader
        self.sock = reader.sock
        self.open = True

    def read_body(self) -> bytes:
        """Take the request's body; `request.complete` tells whether it came whole."""
        if self.request.complete:
            return self.request.body
        if values(self.request.lines, "transfer-encoding"):
            while data := self.reader.chunk():
                self.request.body += data
            self.request.trailers = self.reader.trailers()
        elif length := values(self.request.lines, "content-length"):
            try:
                self.request.body = self.reader.exactly(int(length[0]))
            except Ended as ended:
                self.request.body = ended.got
                raise
        self.request.complete = True
        return self.request.body

    def send(self, data: bytes) -> None:
        """Write; the gateway may have left already."""
        with contextlib.suppress(OSError):
            self.sock.sendall(data)

    def close(self) -> None:
        """End the connection cleanly."""
        self.open = False
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()

    def reset(self) -> None:
        """End the connection with RST: unsent data is thrown away and the peer is told of an error."""
        self.open = False
        with contextlib.suppress(OSError):
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def left(self, timeout: float) -> bool:
        """True if the gateway closes the connection within the time; what it still sends is thrown away."""
        self.sock.settimeout(timeout)
        try:
            while self.sock.recv(65536):
                pass
        except TimeoutError:
            return False
        except OSError:
            pass
        return True


Script = Callable[[Exchange], None]


def plainly(answer: bytes = OK) -> Script:
    """A script that reads the body and answers with these bytes."""

    def script(exchange: Exchange) -> None:
        exchange.read_body()
        exchange.send(answer)

    return script


class Recorder:
    """The upstream. `script` decides how it answers; `reset()` forgets and goes back to a plain 200."""

    def __init__(self, *, port: int = 0, idle_s: float = 30.0) -> None:
        self._idle_s = idle_s
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", port), backlog=512)
        self.port: int = self._listener.getsockname()[1]
        self.connections = 0
        self.reset()
        self._thread = threading.Thread(target=self._accept, name="recorder", daemon=True)
        self._thread.start()

    def reset(self) -> None:
        """Forget what was recorded."""
        self.requests: list[Recorded] = []
        self.complaints: list[str] = []
        self.script: Script = plainly()
        self._seen = threading.Condition()

    def stop(self) -> None:
        """Close everything."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for sock in self._open:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)

    def forwarded(self) -> list[str]:
        """Method and target of each request, in order of arrival."""
        return [f"{request.method} {request.target}" for request in self.requests]

    def only(self) -> Recorded:
        """The one request that came."""
        assert len(self.requests) == 1, self.forwarded()
        return self.requests[0]

    def wait_for(self, count: int = 1, timeout: float = 10.0) -> Recorded:
        """The request of this number, as soon as its head came."""
        with self._seen:
            assert self._seen.wait_for(lambda: len(self.requests) >= count, timeout), "no request reached the upstream"
        return self.requests[count - 1]

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.settimeout(self._idle_s)
            with self._lock:
                self.connections += 1
                self._open.add(sock)
                number = self.connections
            threading.Thread(target=self._serve, args=(sock, number), name=f"recorder-{number}", daemon=True).start()

    def _serve(self, sock: socket.socket, number: int) -> None:
        reader = Reader(sock)
        try:
            while self._one(reader, number):
                pass
        except Malformed as error:
            self.complaints.append(str(error))
        except Ended as ended:
            if ended.got and not ended.reset and b"\r\n\r\n" not in ended.got and ended.got.isascii() and self._is_head(ended.got):
                self.complaints.append(f"half a request head: {ended.got!r}")
        except (OSError, TimeoutError):
            pass
        finally:
            sock.close()
            with self._lock:
                self._open.discard(sock)

    @staticmethod
    def _is_head(data: bytes) -> bool:
        return re.match(rb"[A-Z]+ /", data) is not None

    def _one(self, reader: Reader, number: int) -> bool:
        block = reader.until(b"\r\n\r\n")
        first, _, rest = block.partition(b"\r\n")
        match = _REQUEST_LINE.match(first)
        if match is None:
            raise Malformed(f"request line {first!r}")
        lines = read_lines(rest)
        request = Recorded(block + b"\r\n\r\n", match[1].decode(), match[2].decode(), lines, number)
        self.complaints += complaints_about(request)
        exchange = Exchange(request, reader)
        script = self.script
        with self._seen:
            self.requests.append(request)
            self._seen.notify_all()
        script(exchange)
        if exchange.open and not request.complete:
            exchange.read_body()
        return exchange.open


def complaints_about(request: Recorded) -> list[str]:
    """Everything about a request head that no request from the gateway may have (promise 8)."""
    found = []
    if len(request.all("host")) != 1:
        found.append(f"{len(request.all('host'))} Host fields")
    lengths, codings = request.all("content-length"), request.all("transfer-encoding")
    if len(lengths) + len(codings) > 1:
        found.append(f"lengths {lengths} and codings {codings}")
    if any(not re.fullmatch("[0-9]+", length) for length in lengths) or any(coding != "chunked" for coding in codings):
        found.append(f"framing {lengths} {codings}")
    found += [f"hop-by-hop field {name}: {request.all(name)}" for name in _ONE_HOP if request.all(name)]
    tokens = [token.strip().lower() for value in request.all("connection") for token in value.split(",")]
    if any(token not in ("close", "keep-alive", "upgrade") for token in tokens):
        found.append(f"Connection: {tokens}")
    if request.all("upgrade") and "upgrade" not in tokens:
        found.append("Upgrade without Connection: upgrade")
    if request.all("upgrade") not in ([], ["websocket"]):
        found.append(f"Upgrade: {request.all('upgrade')}")
    if request.all("expect") or request.all("trailer"):
        found.append("Expect or Trailer was forwarded")
    if "authjs." in " ".join(request.all("cookie")):
        found.append("a cookie of the gateway was forwarded")
    if len(request.all("cookie")) > 1:
        found.append("more than one Cookie field")
    return [f"{complaint} in {request.head!r}" for complaint in found]
