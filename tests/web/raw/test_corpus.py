"""Every case of every corpus, byte by byte, through a running gateway (promises 1 to 5, 8 to 13, 15, 20 to 22, 26 to 29)."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping

import pytest

from tests.gateway_process import GatewayProcess
from tests.recorder import Exchange, Recorder, plainly
from tests.web.raw.cases import Case, lines_of, toml_cases
from tests.wire import Answer, Line, unescape, values

METHOD = re.compile(rb"([A-Za-z]+) ")


def script_of(case: Case, tripwire: str):
    """How the upstream answers in this case."""
    reply = case.replied(TRIPWIRE=tripwire)
    if reply is None:
        return plainly()

    def script(exchange: Exchange) -> None:
        exchange.read_body()
        exchange.send(reply)
        if case.reply_closes:
            exchange.close()

    return script


@pytest.mark.parametrize("case", toml_cases(), ids=lambda case: f"{case.file}/{case.id}")
def test_a_hostile_input_comes_to_what_was_promised(
    case: Case, gateway: GatewayProcess, upstream: Recorder, upstreams: Mapping[str, Recorder], ada: str, bob: str
) -> None:
    tripwire = str(upstreams["tripwire"].port)
    upstream.script = script_of(case, tripwire)
    sent = case.sent(ADA=ada, BOB=bob, TRIPWIRE=tripwire)
    method = match[1].decode() if (match := METHOD.match(sent)) else "GET"
    with gateway.connect() as connection:
        connection.send(sent)
        answers = [connection.answer(method) for _ in case.answers]
        if case.closing:
            assert connection.ends(), "the connection stays open"
    check_answers(case, answers)
    check_upstream(case, upstream, tripwire)


def check_answers(case: Case, answers: list[Answer]) -> None:
    """Statuses first, then what the last answer holds and lacks."""
    for answer, expected in zip(answers, case.answers, strict=True):
        assert str(answer.status) in expected.split("|"), answer
        assert answer.status < 500 or "5" in expected, answer
    last = answers[-1]
    if case.reason is not None:
        assert last.reason == case.reason
    if case.informational is not None:
        assert [early.status for early in last.informational] == case.informational
    lines = [line for early in (*last.informational, last) for line in early.lines]
    check_lines(lines, has=case.answer_has, has_prefix=case.answer_has_prefix, lacks=case.answer_lacks)
    for text in case.answer_lacks_text:
        assert text.encode() not in b"".join([*(early.head for early in last.informational), last.head]), last
    body = last.body.decode("latin-1")
    if case.answer_body is not None:
        assert body == case.answer_body
    assert all(text in body for text in case.answer_body_has), body
    assert not any(text in body for text in case.answer_body_lacks), body
    for answer in answers:  # promise 51: nothing of the machine or the software in our own words
        assert not re.search(rb"aiohttp|Python/|Traceback", answer.head + answer.body), answer
    if last.reason is not None:
        assert b"127.0.0.1" not in last.head + last.body, last


def check_upstream(case: Case, upstream: Recorder, tripwire: str) -> None:
    """What arrived complete, and what its last head holds and lacks."""
    if case.begun:
        settle(upstream)
        assert not any(request.complete for request in upstream.requests), upstream.requests
        return
    complete = [f"{request.method} {request.target}" for request in upstream.requests if request.complete]
    if case.expected_upstream is not None:
        assert complete == [expected.replace("<TRIPWIRE>", tripwire) for expected in case.expected_upstream]
        assert len(upstream.requests) == len(complete), upstream.requests
    if not upstream.requests:
        assert not (case.has or case.has_prefix) or case.forwarded_any
        return
    request = upstream.requests[-1]
    check_lines(request.lines, has=case.has, has_prefix=case.has_prefix, lacks=case.lacks)
    for text in case.lacks_text:
        assert unescape(text).lower() not in request.head.lower(), request.head
    assert not {name.lower().decode() for name, _ in request.trailers} & set(case.lacks_trailer), request.trailers
    if case.body is not None:
        assert request.body == case.body.encode()
    if case.body_hex is not None:
        assert request.body.hex() == case.body_hex


def check_lines(lines: list[Line], *, has: list[str], has_prefix: list[str], lacks: list[str]) -> None:
    """Exact lines that must be there; beginnings that must, and must not, whatever their case."""
    exact = [name + b": " + value for name, value in lines]
    folded = [line.lower() for line in exact]
    for line in has:
        assert unescape(line) in exact, exact
    for start in has_prefix:
        assert any(line.startswith(unescape(start)) for line in folded), folded
    for start in lacks:
        assert not any(line.startswith(unescape(start).lower()) for line in folded), folded


def settle(upstream: Recorder) -> None:
    """Give a request that was begun the time to become complete, if it wrongly does."""
    until = time.monotonic() + 0.05
    while time.monotonic() < until and not any(request.complete for request in upstream.requests):
        time.sleep(0.005)


@pytest.mark.parametrize("target", lines_of("paths_refused.txt"))
def test_a_target_that_can_be_read_two_ways_is_refused(target: str, gateway: GatewayProcess, upstream: Recorder, ada: str) -> None:
    """Promise 24."""
    answer = gateway.request(
        b"GET " + unescape(_kept(target)) + b" HTTP/1.1\r\nHost: gateway.test\r\nCookie: " + ada.encode() + b"\r\n\r\n"
    )
    assert answer.status == 400, answer
    assert answer.reason in ("path-ambiguous", "target-malformed", "request-malformed")
    assert upstream.requests == []


@pytest.mark.parametrize("target", lines_of("paths_passed.txt"))
def test_a_target_with_one_reading_is_forwarded_as_it_came(target: str, gateway: GatewayProcess, upstream: Recorder) -> None:
    """Promises 11 and 23."""
    answer = gateway.request(b"GET " + target.encode() + b" HTTP/1.1\r\nHost: gateway.test\r\n\r\n")
    assert answer.status == 200, answer
    assert upstream.only().target == target


def _kept(target: str) -> str:
    """Backslashes of a target are meant, but for `\\xHH`."""
    return re.sub(r"\\(?!x[0-9a-f]{2})", r"\\\\", target)


@pytest.mark.parametrize("where", ["public", "optional", "private"])
@pytest.mark.parametrize("name", lines_of("identity_names.txt"))
def test_a_forged_identity_header_never_arrives(name: str, where: str, gateway: GatewayProcess, upstream: Recorder, ada: str) -> None:
    """Promises 16, 17 and 18: gone in every spelling, on every route; and for the signed-in, ours stand there exactly once."""
    forged = (name, "mallory"), (name.upper(), "mallory")
    answer = gateway.get(f"/{where}/x", f"Cookie: {ada}", *(f"{key}: {value}" for key, value in forged))
    assert answer.status in (200, 400), answer
    if answer.status == 400:  # a name that the parser refuses
        assert upstream.requests == []
        return
    request = upstream.only()
    assert b"mallory" not in request.head
    told = {
        "X-Forwarded-User": "ada",
        "X-Forwarded-Groups": "staff,maths",
        "X-User-Id": "ada",
        "X-User-Roles": "admin",
        "X-Department": "engines",
    }
    for header, value in told.items():
        assert request.all(header) == ([] if where == "public" else [value])
    folds = [re.sub(rb"[^a-z0-9]", b"", key.lower()) for key, _ in request.lines]
    assert all(folds.count(re.sub(rb"[^a-z0-9]", b"", header.lower().encode())) <= 1 for header in told)
    assert values(request.lines, "x-real-ip") in ([], [b"127.0.0.1"])
