"""The judges are judged: the recorder complains where it must, the log search finds what it looks for, the reader reads strictly."""

from __future__ import annotations

import pytest

from tests.gateway_process import PASSWORDS, GatewayProcess
from tests.recorder import Recorder
from tests.web.raw.conftest import Start
from tests.wire import Connection, Ended, Malformed, unescape

GOOD = "GET /x HTTP/1.1\\r\\nHost: a\\r\\nX-Forwarded-For: 1\\r\\n\\r\\n"


@pytest.mark.parametrize(
    "head",
    [
        GOOD.replace("Host: a\\r\\n", ""),
        GOOD.replace("Host: a", "Host: a\\r\\nHost: b"),
        GOOD.replace("/x", "http://a/x"),
        GOOD.replace("HTTP/1.1", "HTTP/1.0"),
        GOOD.replace("\\r\\nX", "\\nX"),
        GOOD.replace("X-", "X\\0-"),
        GOOD.replace(": 1", ": \\x01"),
        GOOD.replace("Host", "Host "),
        GOOD.replace("X-Forwarded-For: 1", "Content-Length: 0\\r\\nTransfer-Encoding: chunked"),
        GOOD.replace("X-Forwarded-For: 1", "Content-Length: +0"),
        GOOD.replace("X-Forwarded-For: 1", "Transfer-Encoding: gzip"),
        GOOD.replace("X-Forwarded-For: 1", "Connection: X-Drop"),
        GOOD.replace("X-Forwarded-For: 1", "TE: trailers"),
        GOOD.replace("X-Forwarded-For: 1", "Upgrade: h2c"),
        GOOD.replace("X-Forwarded-For: 1", "Expect: 100-continue\\r\\nContent-Length: 0"),
        GOOD.replace("X-Forwarded-For: 1", "Cookie: authjs.session-token=x"),
    ],
)
def test_the_recorder_complains(head: str) -> None:
    recorder = Recorder()
    try:
        with Connection(("127.0.0.1", recorder.port), timeout=5) as connection:
            connection.send(unescape(head))
            connection.sock.shutdown(1)
            connection.reader.to_the_end()
    except Ended:
        pass
    finally:
        recorder.stop()
    assert recorder.complaints


def test_the_recorder_is_content_with_what_is_clean() -> None:
    recorder = Recorder()
    try:
        with Connection(("127.0.0.1", recorder.port), timeout=5) as connection:
            assert connection.request(unescape(GOOD)).status == 200
    finally:
        recorder.stop()
    assert recorder.complaints == []


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\nA: b\n\n\r\n\r\n",
        b"HTTP/2.0 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: \0\r\n\r\n",
    ],
)
def test_the_client_reads_strictly(answer: bytes) -> None:
    recorder = Recorder()
    recorder.script = lambda exchange: exchange.send(answer)
    try:
        with Connection(("127.0.0.1", recorder.port), timeout=5) as connection, pytest.raises(Malformed):
            connection.request(unescape(GOOD))
    finally:
        recorder.stop()


@pytest.mark.parametrize("line", [f"password={PASSWORDS['ada']}", "Traceback (most recent call last):", "x" * 9000, "\x1b[31mred"])
def test_the_log_search_finds(line: str, start: Start) -> None:
    gateway: GatewayProcess = start()
    gateway.stop()
    before = gateway.log_file.read_text()
    gateway.log_file.write_text(before + line + "\n")
    with pytest.raises(AssertionError):
        gateway.check_log()
    gateway.log_file.write_text(before)
