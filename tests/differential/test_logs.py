"""What the log says does not depend on the lane."""

from __future__ import annotations

import re
import time

import pytest

from tests.differential.lanes import Lane, Pair, numbered
from tests.differential.test_corpus import PLAIN, UPLOAD
from tests.recorder import Recorder, plainly
from tests.web.raw.test_upstream_faults import player

MARK = "refused reason=request-malformed"
FURTHER = "refused further="  # marks that were left out


def settled(lane: Lane) -> int:
    """The length of the log once everything so far is in it: a thread of the gateway writes it, and a last event shows that it has.

    Where others were refused just before, the lines of a second may be used up (promise 64), so it is tried more than once.
    """
    since = len(lane.gateway.log)
    until = time.monotonic() + 10
    while MARK not in lane.gateway.log[since:]:
        assert time.monotonic() < until, "the last event never came"
        with lane.gateway.connect() as connection:
            connection.send(b"nonsense\r\n\r\n")
            connection.head()
        seen_by = time.monotonic() + 1
        while MARK not in lane.gateway.log[since:] and time.monotonic() < seen_by:
            time.sleep(0.01)
    return len(lane.gateway.log)


def said(lane: Lane, since: int) -> list[str]:
    """The lines behind so many characters, without time and request id, and without the marks."""
    lines = lane.gateway.log[since : settled(lane)].splitlines()
    return [
        re.sub(r"request=[0-9a-f]{16}", "request=", line.partition(" ")[2]) for line in lines if MARK not in line and FURTHER not in line
    ]


@pytest.mark.parametrize(
    ("play", "event"),
    [
        pytest.param(["HTTP/1.1 200 OK\\r\\nContent-Length: 9\\r\\n\\r\\nhel", "!close"], "upstream-truncated", id="truncated"),
        pytest.param(["garbage\\r\\n\\r\\n", "!close"], "upstream-fault reason=upstream-invalid", id="garbage"),
        pytest.param(["!close"], "upstream-fault reason=upstream-invalid", id="unanswered"),
        pytest.param(["!hang"], "upstream-fault reason=upstream-timed-out", id="silent"),
        pytest.param(["HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\n\\r\\n"], None, id="allowed"),
    ],
)
@pytest.mark.parametrize("request_", [pytest.param(PLAIN % b"/public/x", id="read"), pytest.param(UPLOAD, id="upload")])
def test_both_lanes_log_the_same_lines(request_: bytes, play: list[str], event: str | None, both: Pair) -> None:
    """Promises 64 and 65: one line an event; nothing for a request that was passed on and answered."""
    before = [settled(lane) for lane in (both.express, both.general)]
    broken = player(play)
    outcomes = both.compare([request_], lambda: lambda exchange: (broken if exchange.request.one("x-number") else plainly())(exchange))
    assert outcomes[0] == outcomes[1]
    until = time.monotonic() + 10
    while True:  # on a busy machine the last line may be late
        express, general = (said(lane, since) for lane, since in zip((both.express, both.general), before, strict=True))
        if express == general or time.monotonic() > until:
            break
        time.sleep(0.2)
    assert express == general
    assert [event in line for line in express] == ([True] * both.tries if event else [])


def test_both_lanes_answer_with_the_same_page_when_nobody_is_there(both: Pair) -> None:
    """502 from a port where nobody listens."""
    ports = [lane.upstreams["other"].port for lane in (both.express, both.general)]
    for lane in (both.express, both.general):
        lane.upstreams["other"].stop()
    try:
        outcomes = both.compare([b"GET /x HTTP/1.1\r\nHost: other.test\r\nX-Number: 1\r\n\r\n"], lambda: numbered({}))
        assert outcomes[0] == outcomes[1]
        assert b" 502 " in outcomes[0].answers[0][0]
    finally:
        for lane, port in zip((both.express, both.general), ports, strict=True):
            lane.upstreams = {**lane.upstreams, "other": Recorder(port=port)}
