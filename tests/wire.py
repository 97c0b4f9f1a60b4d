"""HTTP/1.1 on a plain socket, for tests: read strictly, send anything. Shared by the recording upstream and the raw client.

No HTTP library is used on purpose: a library repairs what these tests must see.
"""

from __future__ import annotations

import contextlib
import re
import socket
from dataclasses import dataclass, field

Line = tuple[bytes, bytes]
TIMEOUT_S = 15.0
_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_VALUE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*\Z")
_REPEAT = re.compile(r"<(.)\*(\d+)>")


class Malformed(Exception):
    """What came is not HTTP/1.1 as RFC 9112 writes it."""


class Ended(Exception):
    """The connection ended first; `got` is what came before that, `reset` says whether it ended by a reset."""

    def __init__(self, got: bytes, *, reset: bool) -> None:
        self.got = got
        self.reset = reset
        super().__init__(f"the connection {'was reset' if reset else 'ended'} after {got!r}")


def unescape(text: str) -> bytes:
    r"""Read the bytes of a corpus case: line breaks are ignored, `\r \n \t \0 \\ \xHH` mean a byte, `<A*100>` means a hundred."""
    joined = _REPEAT.sub(lambda match: match[1] * int(match[2]), text.replace("\n", ""))
    return joined.encode("latin-1", "backslashreplace").decode("unicode_escape").encode("latin-1")


def read_lines(block: bytes) -> list[Line]:
    """Read header or trailer lines strictly.

    Raises:
        Malformed: A line end that is not CRLF, a name that is no token, space around it, or a control byte.
    """
    lines: list[Line] = []
    for line in block.split(b"\r\n") if block else []:
        name, colon, value = line.partition(b":")
        if not colon or not _TOKEN.match(name):
            raise Malformed(f"no header line: {line!r}")
        if not _VALUE.match(value):
            raise Malformed(f"control byte in {line!r}")
        lines.append((name, value.strip(b" \t")))
    return lines


def values(lines: list[Line], name: str) -> list[bytes]:
    """All values of a field, in order."""
    return [value for key, value in lines if key.lower() == name.lower().encode()]


class Reader:
    """Buffered reads from a socket, each of which ends: with the bytes, with `Ended`, or with `TimeoutError`."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.buffer = b""

    def more(self) -> bool:
        """Take in what comes next; False at a clean end. Raises `Ended` at a reset."""
        try:
            data = self.sock.recv(262144)
        except ConnectionError as error:
            raise Ended(self.buffer, reset=True) from error
        self.buffer += data
        return bool(data)

    def until(self, mark: bytes) -> bytes:
        """Everything up to the mark, which is taken away too."""
        while mark not in self.buffer:
            if not self.more():
                raise Ended(self.buffer, reset=False)
        found, _, self.buffer = self.buffer.partition(mark)
        return found

    def exactly(self, count: int) -> bytes:
        """So many bytes."""
        pieces = [self.buffer[:count]]
        self.buffer = self.buffer[count:]
        missing = count - len(pieces[0])
        while missing:
            if not self.more():
                raise Ended(b"".join(pieces), reset=False)
            pieces.append(self.buffer[:missing])
            self.buffer = self.buffer[missing:]
            missing -= len(pieces[-1])
        return b"".join(pieces)

    def chunk(self) -> bytes:
        """The data of one chunk; empty for the last one, behind which the trailers stand."""
        size = self.until(b"\r\n").partition(b";")[0]
        if not re.fullmatch(rb"[0-9A-Fa-f]{1,16}", size):
            raise Malformed(f"chunk size {size!r}")
        data = self.exactly(int(size, 16))
        if data and self.exactly(2) != b"\r\n":
            raise Malformed("chunk data is longer than its size")
        return data

    def trailers(self) -> list[Line]:
        """The lines behind the last chunk."""
        block = b""
        while line := self.until(b"\r\n"):
            block += (b"\r\n" if block else b"") + line
        return read_lines(block)

    def to_the_end(self) -> bytes:
        """Everything until a clean end of the connection."""
        while self.more():
            pass
        data, self.buffer = self.buffer, b""
        return data


@dataclass
class Answer:
    """One response, with the informational ones that came before it."""

    status: int
    lines: list[Line]
    body: bytes = b""
    trailers: list[Line] = field(default_factory=list)
    informational: list[Answer] = field(default_factory=list)
    chunked: bool = False
    head: bytes = b""

    def all(self, name: str) -> list[str]:
        """All values of a header."""
        return [value.decode("latin-1") for value in values(self.lines, name)]

    def one(self, name: str) -> str | None:
        """The only value of a header, or None; more than one is a mistake."""
        found = self.all(name)
        assert len(found) <= 1, f"{name} came {len(found)} times"
        return found[0] if found else None

    @property
    def reason(self) -> str | None:
        """Why the gateway itself answered; None if the answer is the upstream's."""
        return self.one("x-gateway-reason")


class Connection:
    """A client that writes what it is told and reads strictly."""

    def __init__(self, address: tuple[str, int], *, timeout: float = TIMEOUT_S) -> None:
        self.sock = socket.create_connection(address, timeout=timeout)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.reader = Reader(self.sock)

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()

    def send(self, data: bytes) -> None:
        """Write; a peer that has closed already is no error here, its answer may still be read."""
        with contextlib.suppress(ConnectionError):
            self.sock.sendall(data)

    def head(self, *, strict: bool = True) -> Answer:
        """The next response head, informational or final, without its body."""
        block = self.reader.until(b"\r\n\r\n")
        first, _, rest = block.partition(b"\r\n")
        match = re.fullmatch(rb"HTTP/1\.[01] ([1-9][0-9]{2}) ([\t\x20-\x7e\x80-\xff]*)", first)
        if match is None:
            raise Malformed(f"status line {first!r}")
        answer = Answer(int(match[1]), read_lines(rest), head=block)
        answer.chunked = bool(values(answer.lines, "transfer-encoding"))
        if strict and answer.chunked and values(answer.lines, "content-length"):
            raise Malformed("a length beside Transfer-Encoding")
        return answer

    def answer(self, method: str = "GET") -> Answer:
        """The next final response, complete.

        Raises:
            Ended: It was cut short.
            Malformed: It is not HTTP/1.1.
            TimeoutError: Nothing came.
        """
        early: list[Answer] = []
        while (answer := self.head()).status < 200 and answer.status != 101:
            early.append(answer)
        answer.informational = early
        self.body(answer, method)
        return answer

    def body(self, answer: Answer, method: str = "GET") -> None:
        """Read the body of a response whose head came."""
        if method == "HEAD" or answer.status in (101, 204, 304):
            return
        lengths = values(answer.lines, "content-length")
        if answer.chunked:
            while data := self.reader.chunk():
                answer.body += data
            answer.trailers = self.reader.trailers()
        elif lengths:
            assert len(lengths) == 1
            answer.body = self.reader.exactly(int(lengths[0]))
        else:
            answer.body = self.reader.to_the_end()

    def request(self, data: bytes) -> Answer:
        """Send one request and read its answer."""
        self.send(data)
        return self.answer(data.partition(b" ")[0].decode("latin-1"))

    def ends(self) -> bool:
        """True if the peer closes without another byte; waits for it as long as the timeout."""
        try:
            return not self.reader.buffer and not self.reader.more()
        except Ended:
            return not self.reader.buffer
