"""Inputs that nobody wrote, through both lanes. `tests/bench/differential.py` runs as many as one has time for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from gateway.proxy.client.head import HeadLimits
from gateway.proxy.client.plain import PlainReader
from tests.differential.inputs import pipelines, scripts
from tests.differential.lanes import DIFFERENCES, Outcome, Pair, methods_in, numbered
from tests.recorder import Script

END = b"\r\n\r\n"
#: Enough to meet every strategy's parts; no deadline, since the gateways are other processes on a busy machine.
FEW = settings(
    max_examples=300,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.data_too_large],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)


@FEW
@given(data=st.data())
def test_both_lanes_come_to_the_same(data: st.DataObject, both: Pair) -> None:
    pieces = data.draw(pipelines(both.cookies))
    replies = data.draw(scripts())
    check(both, pieces, replies)


def check(both: Pair, pieces: list[bytes], replies: dict[str, Script]) -> None:
    """One input. Says only what differs, and what is needed to play it again."""
    express, general = both.compare(pieces, lambda: numbered(replies))
    if express != general:
        differing = [f"{one}\n      {other}" for one, other in zip(parts(express), parts(general), strict=False) if one != other]
        counts = f"{len(list(parts(express)))} parts, {len(list(parts(general)))} parts"
        pytest.fail("\n".join([f"sent    {pieces}", f"played  {replies}", counts, *differing]), pytrace=False)


def parts(outcome: Outcome) -> Iterator[str]:
    """An outcome in pieces that can be read."""
    for head, body in outcome.answers:
        yield f"answer {head!r} {body!r}"
    yield f"rest {outcome.rest!r}"
    for name, requests in outcome.requests.items():
        yield from (f"{name} {request!r}" for request in requests)


def test_the_page_of_the_lane_lists_what_may_differ() -> None:
    page = (Path(__file__).parents[2] / "docs/express-lane.md").read_text("utf-8")
    rows = page.partition("| may differ | because |")[2].partition("\n\n")[0].splitlines()[2:]
    assert rows == [f"| {what} | {why} |" for what, why in DIFFERENCES.items()]


def test_what_is_generated_is_taken_by_the_express_lane_often_enough() -> None:
    """Else all of the above would compare the general lane with itself."""
    reader = PlainReader(lambda name: False, HeadLimits())
    seen: list[bool] = []
    uploads: list[bool] = []

    @settings(FEW, max_examples=200, database=None, derandomize=True)
    @given(pieces=pipelines({"ADA": "authjs.session-token=a", "BOB": "authjs.session-token=b"}))
    def look(pieces: list[bytes]) -> None:
        seen.append(reader.read(first_head(pieces)) is not None)
        uploads.append(seen[-1] and brings_a_body(first_head(pieces)))

    look()
    assert 0.3 < sum(seen) / len(seen) < 0.9
    assert 0.1 < sum(uploads) / len(uploads) < 0.5


def first_head(pieces: list[bytes]) -> bytes:
    """The head of the first request of an input."""
    return b"".join(pieces).partition(END)[0] + END


def brings_a_body(head: bytes) -> bool:
    """True if a plain head announces at least one byte."""
    length = re.search(rb"\r\nContent-Length: ([0-9]+)\r\n", head)
    return length is not None and int(length[1]) > 0


def test_the_methods_of_an_input_are_read_past_its_bodies() -> None:
    inner = b"GET /inner HTTP/1.1\r\n\r\n"
    data = b"POST /x HTTP/1.1\r\nContent-Length: %d\r\n\r\n%bPUT /y HTTP/1.1\r\nContent-Length: 1\r\n\r\naHEAD /z HTTP/1.1\r\n\r\n" % (
        len(inner),
        inner,
    )
    assert methods_in(data) == [b"POST", b"PUT", b"HEAD"]
